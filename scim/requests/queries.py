from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet, Sum, Window

from orgs.base.ids import read_uuid
from orgs.base.text import text_key
from orgs.base.timed_ids import first_id
from orgs.tenancy.models import Organization
from scim.requests.models import RefusedCalls, RequestLog, RequestSubject
from scim.requests.types import EXPORTED, RESOURCES, Refusals, RequestFilter, read_id

# so many subjects are looked up one by one; with more, the newest calls have some of them
SUBJECTS_AT_MOST = 500

# what changes something here, or would have
IS_CHANGE = ~Q(method="GET") & ~Q(path__endswith="/.search")


def list_requests(org: Organization, shown: RequestFilter) -> QuerySet[RequestLog]:
    """Return the calls to an organization's directories."""
    rows = _of_kind(_of_time(RequestLog.objects.filter(org=org), shown), shown)
    if shown.status == "ok":
        rows = rows.filter(status__lt=400)
    elif shown.status == "failed":
        rows = rows.filter(status__gte=400)
    elif shown.status.isascii() and shown.status.isdigit() and len(shown.status) == 3:
        rows = rows.filter(status=int(shown.status))
    if shown.text.strip():
        rows = _about(rows, org, shown.text.strip())
    return rows.select_related("token")


def _about(rows: QuerySet[RequestLog], org: Organization, text: str) -> QuerySet[RequestLog]:
    """Return the calls about those whose name contains this text, or those of a resource or request with this id.

    The names are looked up here: each search is an index look-up then, also one that finds nothing.
    """
    found = list(_subjects(org, text).values_list("hash", flat=True)[: SUBJECTS_AT_MOST + 1])
    if len(found) > SUBJECTS_AT_MOST:
        return rows.filter(subject_hash__in=_subjects(org, text).values("hash"))
    named = Q(subject_hash__in=found)
    if (identity := read_id(text)) is not None:
        named |= Q(public_id=identity) | Q(resource_id=identity)
    return rows.filter(named)


def _subjects(org: Organization, text: str) -> QuerySet[RequestSubject]:
    return RequestSubject.objects.filter(org=org, key__contains=text_key(text))


def _of_kind(rows: QuerySet[RequestLog], shown: RequestFilter) -> QuerySet[RequestLog]:
    if shown.changes:
        rows = rows.filter(IS_CHANGE)
    if shown.sender:
        rows = rows.filter(dialect=shown.sender)
    if shown.method:
        rows = rows.filter(method=shown.method)
    if shown.resource in RESOURCES:
        rows = rows.filter(path__istartswith=RESOURCES[shown.resource])
    return rows


def _of_time(rows: QuerySet[RequestLog], shown: RequestFilter) -> QuerySet[RequestLog]:
    if shown.since is not None:
        rows = since(rows, shown.since)
    return rows if shown.until is None else rows.filter(id__lt=first_id(shown.until))


def since(rows: QuerySet[RequestLog], moment: datetime) -> QuerySet[RequestLog]:
    """Return those rows that are of this moment or later, by their id, which has an index and says the partition."""
    return rows.filter(id__gte=first_id(moment))


def exported(row: RequestLog) -> Mapping[str, str]:
    """Return the cells of one call in a file of the log."""
    return {name: text_of(getattr(row, name)) for name in EXPORTED} | {
        "at": row.at.isoformat(),
        "token": row.token.label if row.token else "",
    }


def text_of(value: object) -> str:
    return "" if value is None else str(value)


def find_request(org: Organization, public_id: UUID) -> RequestLog | None:
    return RequestLog.objects.filter(org=org, public_id=public_id).select_related("token", "directory").first()


def authenticated(directory_id: int) -> QuerySet[RequestLog]:
    """Return calls that came with a live token, newest first: what came without one is counted elsewhere."""
    return RequestLog.objects.filter(directory_id=directory_id).order_by("-id")


def first_request(directory_id: int) -> RequestLog | None:
    """Return the oldest call that came with a live token."""
    return authenticated(directory_id).last()


def latest_request(directory_id: int) -> RequestLog | None:
    """Return the newest call that came with a live token."""
    return authenticated(directory_id).first()


def refusals_since(directory_id: int, moment: datetime) -> Refusals | None:
    """Return what came without a live token after then: how many calls, and the newest count; None when none did."""
    rows = RefusedCalls.objects.filter(directory_id=directory_id, status=401, at__gt=moment)
    newest = rows.annotate(total=Window(Sum("count"))).order_by("-at", "-id").first()
    return Refusals(newest.total, newest) if newest is not None else None


def refused_calls(org: Organization) -> QuerySet[RefusedCalls]:
    """Return what was refused and counted, the newest minute first."""
    return RefusedCalls.objects.filter(org=org).order_by("-minute", "-id")


def about_same_thing(row: RequestLog, moment: datetime) -> QuerySet[RequestLog]:
    """Return calls of the same directory since then about the same resource, by its id or by its name."""
    rows = since(RequestLog.objects.filter(org_id=row.org_id, directory_id=row.directory_id, id__lte=row.pk), moment)
    same = Q(pk=row.pk)
    if row.resource_id is not None:
        same |= Q(resource_id=row.resource_id)
    if row.subject_hash is not None:
        same |= Q(subject_hash=row.subject_hash)
    return rows.filter(same)


def latest_subject(org_id: int, directory_id: int, scim_id: str) -> str:
    """Return the name under which the log knew the resource with this id last: it may be gone since. Empty for none."""
    known = RequestLog.objects.filter(org_id=org_id, resource_id=read_uuid(scim_id), directory_id=directory_id)
    return known.exclude(subject="").order_by("-id").values_list("subject", flat=True).first() or ""


def latest_of(directory_id: int, count: int) -> QuerySet[RequestLog]:
    """Return the newest calls of one directory that came with a live token."""
    return authenticated(directory_id)[:count]


def directories_refused(*, since: datetime, at_least: int) -> list[int]:
    """Return directories of every organization to which so many calls came without a live token since then."""
    refused = RefusedCalls.objects.filter(minute__gte=since, status=401).values("directory_id")
    counted = refused.annotate(total=Sum("count")).filter(total__gte=at_least)
    return list(counted.order_by("directory_id").values_list("directory_id", flat=True))
