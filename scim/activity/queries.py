"""The provisioning log as its page shows it: connection tests folded, days counted, and how it is doing."""

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.db.models import IntegerField, Q, QuerySet, Subquery
from django.db.models.expressions import Expression
from django.db.models.functions import Coalesce

from orgs.base.clock import now
from orgs.base.text import text_key
from orgs.base.timed_ids import first_id
from orgs.providers.registry import calls_every
from orgs.tenancy.models import Organization
from scim.activity.models import ConnectionTest
from scim.activity.types import (
    BAR_HEIGHT,
    CALLS_OF_WORK,
    CALLS_SHOWN,
    COUNTED_A_DAY,
    DAYS_SHOWN,
    MARGIN,
    RHYTHM_OF_CALLS,
    SAME_WORK,
    SILENT_AFTER,
    TEST_WINDOW,
    TESTS_FOLDED,
    DayCount,
    DirectoryHealth,
    FoldedTest,
    Health,
    LogEntry,
)
from scim.directories import queries as directories
from scim.directories.models import Directory
from scim.requests import queries as requests
from scim.requests.models import RequestLog
from scim.requests.types import RequestFilter, read_id

# what a provider asks for during its test: to find nothing there is what it tests
EXPECTED_IN_TEST = frozenset({404})
SHOWN_OF_CALL = (
    *("id", "public_id", "token_id", "at", "method", "path", "query", "status", "error_type", "detail"),
    *("step", "subject", "is_connection_test"),
)


def list_tests(call: RequestLog) -> QuerySet[ConnectionTest]:
    """Return the connection tests that were made with the token of this call."""
    return ConnectionTest.objects.filter(org_id=call.org_id, token_id=call.token_id)


def lock_recent_tests(call: RequestLog) -> list[ConnectionTest]:
    """Return those which ended not long before this call, newest first, held until the transaction ends."""
    recent = list_tests(call).filter(ended_at__gte=call.at - TEST_WINDOW)
    return list(recent.select_for_update().order_by("-ended_at", "-id"))


def creation_before(deletion: RequestLog, *, after: datetime | None) -> datetime:
    """Return when what was deleted here had been made, by a call after a former test's end."""
    since = deletion.at - TEST_WINDOW
    calls = requests.about_same_thing(deletion, max(since, after) if after else since)
    creations = calls.filter(token_id=deletion.token_id, method="POST", status__lt=400)
    return creations.order_by("id").values_list("at", flat=True).first() or deletion.at


def list_entries(org: Organization, shown: RequestFilter) -> QuerySet[RequestLog]:
    """Return the calls that have an entry of their own: those of a connection test are in the entry of its last call.

    A test is found by each name in it; by a status or an id that is asked for, each of its calls.
    """
    rows = requests.list_requests(org, shown).select_related("token", "directory")
    tests = [] if shown.status.isdigit() or read_id(shown.text.strip()) else list(_recent_tests(org))
    if not tests:
        return rows
    if shown.status == "failed":
        return rows.exclude(_calls_of(tests), status__in=EXPECTED_IN_TEST)
    if key := text_key(shown.text):
        named = [test.entry for test in tests if any(key in name for name in test.subjects)]
        others = requests.list_requests(org, replace(shown, text="")).filter(public_id__in=named)
        others = others.select_related("token", "directory")
        return rows.exclude(_calls_of(tests)) | others
    return rows.exclude(_calls_of(tests), ~Q(public_id__in=[test.entry for test in tests]))


def _recent_tests(org: Organization) -> QuerySet[ConnectionTest]:
    return ConnectionTest.objects.filter(org=org).order_by("-ended_at")[:TESTS_FOLDED]


def _calls_of(tests: Iterable[ConnectionTest]) -> Q:
    """Return what the calls of these tests have: of that token and time, about a resource of the test, or only looking."""
    times = Q()
    for test in tests:
        ids = first_id(test.began_at - MARGIN), first_id(test.ended_at + MARGIN)
        times |= Q(token_id=test.token_id, id__range=ids)
    return times & (Q(is_connection_test=True) | Q(method="GET") | Q(status__in=EXPECTED_IN_TEST))


def fold(org: Organization, rows: Sequence[RequestLog]) -> list[LogEntry]:
    """Return the rows of a page as entries, with the calls of each connection test: two statements more, or none."""
    ends = [row.public_id for row in rows if row.is_connection_test and row.method == "DELETE"]
    tests = list(ConnectionTest.objects.filter(org=org, entry__in=ends)) if ends else []
    calls = _calls_by_test(org, tests)
    return [LogEntry(row, _folded(calls[row.public_id]) if row.public_id in calls else None) for row in rows]


def _calls_by_test(org: Organization, tests: Sequence[ConnectionTest]) -> dict[UUID, list[RequestLog]]:
    """Return the calls of each test, by the id of its entry, oldest first."""
    found: dict[UUID, list[RequestLog]] = {test.entry: [] for test in tests}
    if tests:
        rows = RequestLog.objects.filter(_calls_of(tests), org=org).only(*SHOWN_OF_CALL).order_by("-id")
        for row in reversed(rows[: CALLS_SHOWN * len(tests)]):
            found[_test_of(row, tests).entry].append(row)
    return found


def _test_of(row: RequestLog, tests: Sequence[ConnectionTest]) -> ConnectionTest:
    """Return to which of the tests around it a call belongs: the margins of two may overlap."""
    mine = [test for test in tests if test.token_id == row.token_id]
    return min(mine, key=lambda test: max(test.began_at - row.at, row.at - test.ended_at, timedelta(0)))


def _folded(calls: Sequence[RequestLog]) -> FoldedTest:
    failed = (row for row in calls if row.is_failure and row.status not in EXPECTED_IN_TEST)
    return FoldedTest(calls, next(failed, None))


class BoundedCount(Subquery):
    """How many rows a sliced queryset has; a day of a first synchronization isn't counted to its end."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) bounded)"
    output_field = IntegerField()


def count_days(org: Organization) -> list[DayCount]:
    """Return changes and failures of the latest days (UTC), oldest first. One statement, bounded for each day."""
    today = now().astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]
    counts: list[Expression | Any] = []
    for day in days:
        rows = requests.list_requests(org, _of_day(day))
        counts += [_bounded(rows.filter(requests.IS_CHANGE, status__lt=400)), _bounded(rows.filter(status__gte=400))]
    [found] = Organization.objects.filter(pk=org.pk).values_list(*counts)
    most = max(1, *found)
    heights = [max(2, round(BAR_HEIGHT * count / most)) if count else 0 for count in found]
    return [
        DayCount(day, *found[2 * place : 2 * place + 2], *heights[2 * place : 2 * place + 2])
        for place, day in enumerate(days)
    ]


def _of_day(day: date) -> RequestFilter:
    start = datetime.combine(day, time.min, UTC)
    return RequestFilter(since=start, until=start + timedelta(days=1))


def _bounded(rows: QuerySet[RequestLog]) -> BoundedCount:
    return BoundedCount(rows.select_related(None).order_by().values("id")[:COUNTED_A_DAY])


def health(directory: Directory) -> DirectoryHealth:
    """Return how provisioning is doing, from the calls that came with a live token: five statements at most.

    Nothing that a stranger sends counts.
    """
    directory_id = directory.pk
    latest = requests.latest_request(directory_id)
    day_ago = now() - SILENT_AFTER
    refused = requests.refusals_since(directory_id, max(latest.at, day_ago) if latest else day_ago)
    if not directories.live_tokens(directory).exists():
        return DirectoryHealth(Health.NO_TOKEN, latest, refused=refused)
    if latest is None:
        return DirectoryHealth(Health.NEVER_CALLED, refused=refused)
    if _is_failing(latest):
        step = _step_of(latest)
        return DirectoryHealth(Health.FAILED, latest, latest.at, failed=latest, step=step, refused=refused)
    if _is_silent(directory_id, latest):
        return DirectoryHealth(Health.SILENT, latest, latest.at, refused=refused)
    return DirectoryHealth(Health.HEALTHY, latest, _healthy_since(directory), refused=refused)


def _is_failing(call: RequestLog) -> bool:
    """Say whether a call failed: to look for something, or to delete it, and not to find it is none."""
    is_absent = call.status == HTTPStatus.NOT_FOUND and call.method in ("GET", "DELETE")
    return call.is_failure and not is_absent and not call.is_connection_test


def _step_of(failed: RequestLog) -> int:
    """Return the place of a call among those that came one soon after the other, counted from 1."""
    calls = RequestLog.objects.filter(directory_id=failed.directory_id, token_id=failed.token_id, id__lt=failed.pk)
    step, next_at = 1, failed.at
    for at in calls.order_by("-id").values_list("at", flat=True)[:CALLS_OF_WORK]:
        if next_at - at > SAME_WORK:
            break
        step, next_at = step + 1, at
    return step


def _is_silent(directory_id: int, latest: RequestLog) -> bool:
    """Say whether nothing came for too long: by what is known of the provider, else by twice its longest pause of late."""
    silence, known = now() - latest.at, calls_every(latest.dialect)
    if known or silence <= SILENT_AFTER:
        return bool(known) and silence > 3 * known
    times = list(requests.authenticated(directory_id).values_list("at", flat=True)[:RHYTHM_OF_CALLS])
    pauses = (later - earlier for later, earlier in pairwise(times))
    return silence > 2 * max(pauses, default=timedelta(0))


def _healthy_since(directory: Directory) -> datetime | None:
    """Return when the first call came after the last that failed, or ever."""
    calls = requests.authenticated(directory.pk).filter(org_id=directory.org_id)
    absent = Q(status=HTTPStatus.NOT_FOUND, method__in=("GET", "DELETE"))
    failures = calls.filter(status__gte=400, is_connection_test=False).exclude(absent)
    last_failure = Subquery(failures.order_by("-id").values("id")[:1])
    after = calls.filter(id__gt=Coalesce(last_failure, 0))
    return after.order_by("id").values_list("at", flat=True).first()


def as_curl(row: RequestLog) -> str:
    """Return a command that sends this call again, with a token of whoever runs it and what the log keeps of the body."""
    # the log has the path as it was read; a letter such as ? in it would end it
    url = f"{directories.base_url(row.directory)}{quote(row.path)}{f'?{row.query}' if row.query else ''}"
    # a method is what the caller writes, too: any letters but spaces (RFC 9110 §5.6.2)
    parts = ["curl", "-X", shlex.quote(row.method), shlex.quote(url), '-H "Authorization: Bearer $TOKEN"']
    if body := _one_line(row.request_body):
        parts += ["-H 'Content-Type: application/scim+json'", "--data-raw", shlex.quote(body)]
    return " ".join(parts)


def _one_line(body: str) -> str:
    """Return a body without its line breaks; empty for what the log doesn't have in full."""
    try:
        return json.dumps(json.loads(body)) if body else ""
    except ValueError:
        return ""
