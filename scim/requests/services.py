import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus
from uuid import uuid4

import structlog
from django.db import IntegrityError, transaction

from orgs.base.buffers import SECONDS, Buffer
from orgs.base.clock import now
from orgs.base.packed import pack
from orgs.base.partitions import drop_days, make_days
from orgs.base.text import KEY_LENGTH, text_key
from orgs.base.timed_ids import timed_id
from orgs.base.writes import IGNORED, Insert
from orgs.providers.habits import RequestFacts
from scim.dialects.recognize import recognize
from scim.requests import queries
from scim.requests.models import RefusedCalls, RequestLog, RequestSubject, subject_hash
from scim.requests.types import (
    BODY_KEPT,
    BODY_WORDS,
    CONNECTION_TEST_WINDOW_MINUTES,
    UNREAD,
    LoggedRequest,
    LoggedResponse,
    read_id,
)

HIDDEN = "[hidden]"
PRIVATE = frozenset({"password", "addresses", "phonenumbers", "photos", "ims", "x509certificates", "token", "secret"})
# by whatever else a client calls them: newPassword, client_secret
SECRETS = ("password", "passwd", "token", "secret")
WORDS = re.compile(r"[a-z0-9]+")
# the texts of a filter are values, and name nothing
LITERALS = re.compile(r'"(?:[^"\\]|\\.)*"')
# what in a body names attributes: the path of an operation, the filter of a search
NAMING = frozenset({"path", "filter"})
HIDDEN_TOGETHER = NAMING | {"value"}
LONGEST_KNOWN_NAME = 100
SEARCH = "/.search"
READS = frozenset({"GET", "HEAD"})
KNOWN_SUBJECTS = 50_000
# a day longer than its rows, which go by whole days
SUBJECT_MARGIN = timedelta(days=2)
log = structlog.get_logger(__name__)
_rows = Insert(RequestLog, on_conflict=IGNORED)
_subjects = Insert(
    RequestSubject,
    on_conflict="(org_id, hash) DO UPDATE SET seen_at = excluded.seen_at "
    "WHERE scim_requestsubject.seen_at < excluded.seen_at",
)
_refusals = Insert(
    RefusedCalls,
    on_conflict="(directory_id, minute, status, cause) DO UPDATE SET count = scim_refusedcalls.count + excluded.count, "
    "at = excluded.at, method = excluded.method, path = excluded.path, ip = excluded.ip, "
    "user_agent = excluded.user_agent, request_id = excluded.request_id",
)
_known_subjects: dict[tuple[int, int | None], datetime] = {}


def record(
    *, org_id: int, directory_id: int, token_id: int | None, call: LoggedRequest, answer: LoggedResponse
) -> RequestLog:
    """Add this call to the directory's log in the caller's transaction, with redacted bodies and a label in plain words.

    One statement; on SQLite another one where a subject is new.
    """
    row = make_row(org_id=org_id, directory_id=directory_id, token_id=token_id, call=call, answer=answer)
    subjects = _new_subjects([row])
    # two rows of one microsecond may have drawn the same id
    while not _rows.run([row], before=(_subjects, subjects) if subjects else None):
        row.id = timed_id(row.at)
    _remember(subjects)
    return row


def buffer_read(
    *, org_id: int, directory_id: int, token_id: int | None, call: LoggedRequest, answer: LoggedResponse
) -> None:
    """Add this call to the log soon after: nobody waits for it, and it is lost when the process is killed first."""
    reads.add(make_row(org_id=org_id, directory_id=directory_id, token_id=token_id, call=call, answer=answer))


def record_refusal(
    *, org_id: int, directory_id: int, token_id: int | None, call: LoggedRequest, answer: LoggedResponse
) -> None:
    """Count a refused call under its minute and cause, soon after: a stranger can't fill the log."""
    moment = now()
    refusals.add(
        RefusedCalls(
            org_id=org_id,
            directory_id=directory_id,
            token_id=token_id,
            minute=moment.replace(second=0, microsecond=0),
            at=moment,
            status=answer.status,
            cause=printable(answer.detail)[:200],
            method=call.method[:10],
            path=printable(call.path)[:300],
            ip=call.ip or None,
            user_agent=printable(call.user_agent)[:200],
            request_id=read_id(call.request_id),
        )
    )


def make_row(
    *, org_id: int, directory_id: int, token_id: int | None, call: LoggedRequest, answer: LoggedResponse
) -> RequestLog:
    """Return the log's row for this call. Reads nothing from the database; parses and redacts only what the row keeps."""
    moment, seen = now(), read_body(call.body) if call.seen is UNREAD else call.seen
    recognition = recognize(_facts(call, seen))
    resource_id = read_id(answer.resource_id)
    # an id that can't be one of ours is still what the call was about
    subject = answer.subject or _subject_of(seen) or (answer.resource_id if resource_id is None else "")
    shown = printable(subject)[:256]
    return RequestLog(
        id=timed_id(moment),
        org_id=org_id,
        directory_id=directory_id,
        token_id=token_id,
        public_id=read_id(call.request_id) or uuid4(),
        at=moment,
        method=call.method[:10],
        path=printable(call.path)[:300],
        query=redact_query(call.query)[:1200],
        status=answer.status,
        error_type=answer.error_type[:20],
        detail=printable(answer.detail)[:400],
        remarks=printable(answer.remarks)[:400],
        dialect=recognition.dialect or "",
        step=recognition.step[:60],
        resource_id=resource_id,
        subject=shown,
        subject_hash=subject_hash(shown),
        bodies=_bodies(call, answer, seen),
        answer_bytes=len(answer.body) if answer.size is None else answer.size,
        total_results=answer.total_results,
        returned=answer.returned,
        duration_ms=answer.duration_ms,
        ip=call.ip or None,
        user_agent=printable(call.user_agent)[:200],
    )


def _facts(call: LoggedRequest, seen: object) -> RequestFacts:
    return RequestFacts(
        method=call.method,
        path=call.path,
        query=call.query,
        user_agent=call.user_agent,
        body=seen if isinstance(seen, Mapping) else None,
        content_type=call.content_type,
    )


def _bodies(call: LoggedRequest, answer: LoggedResponse, seen: object) -> bytes | None:
    """Return the redacted bodies of a change or a failure, packed. Of a read's answer only the size is kept."""
    is_answered = answer.status < 400
    if call.method in READS and is_answered:
        return None
    asked, answered = redact_body(call.body, seen), ""
    if not (is_answered and call.path.endswith(SEARCH)):
        answered = redact_body(answer.body, read_body(answer.body) if answer.seen is UNREAD else answer.seen)
    kept = asked, answered
    return pack(kept, BODY_WORDS) if any(kept) else None


def mark_connection_test(row: RequestLog) -> int:
    """Label the calls that led to this deletion as an IdP's test: the resource existed for minutes only."""
    # reads that a process still holds have their rows a moment later
    transaction.on_commit(lambda: late_marks.add(row), robust=True)
    return _mark([row])


def _mark(deletions: list[RequestLog]) -> int:
    window = timedelta(minutes=CONNECTION_TEST_WINDOW_MINUTES)
    return sum(queries.about_same_thing(row, row.at - window).update(is_connection_test=True) for row in deletions)


def _mark_late(deletions: list[RequestLog]) -> int:
    _mark(deletions)
    return 0


def read_body(body: bytes) -> object:
    """Return the parsed body, or None when it is empty or isn't JSON."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def redact_body(body: bytes, seen: object) -> str:
    """Return what the log may keep: JSON without private values, or only the size of what isn't JSON."""
    if not body:
        return ""
    if seen is None:
        return f"[{len(body)} bytes that aren't JSON]"
    try:
        text = json.dumps(redact(seen), ensure_ascii=True, separators=(",", ":"))
    except RecursionError:
        return f"[{len(body)} bytes nested too deep to show]"
    return text if len(text) <= BODY_KEPT else f"{text[:BODY_KEPT]}\n[cut: {len(text)} characters in all]"


def redact(value: Any) -> Any:
    """Return the value with everything under a private name hidden, in PATCH operations and searches too."""
    if isinstance(value, Mapping):
        named = [str(inner) for key, inner in value.items() if key.casefold() in NAMING]
        hidden = HIDDEN_TOGETHER if any(is_private(text) for text in named) else ()
        return {
            _shown_name(key): HIDDEN if is_private(key) or key.casefold() in hidden else redact(inner)
            for key, inner in value.items()
        }
    return [redact(item) for item in value] if isinstance(value, list) else value


def _shown_name(key: str) -> str:
    """Return a name without the value filter of a private one, which holds a value itself."""
    name, bracket, _ = key.partition("[")
    return f"{name}{HIDDEN}" if bracket and is_private(key) else key


def redact_query(query: str) -> str:
    """Return the query string, or only that it was hidden when it compares a private attribute."""
    return HIDDEN if _has_private_word(unquote_plus(query)) else printable(query)


def is_private(text: str) -> bool:
    """Say whether an attribute name, a PATCH path or a filter names a value that the log must not keep."""
    # a name that is remembered is short: whoever sends long ones would fill the memory
    return _is_private(text) if len(text) <= LONGEST_KNOWN_NAME else _names_private(text)


def _names_private(text: str) -> bool:
    return _has_private_word(LITERALS.sub("", text))


def _has_private_word(text: str) -> bool:
    return any(word in PRIVATE or word.endswith(SECRETS) for word in WORDS.findall(text.casefold()))


_is_private = lru_cache(maxsize=1024)(_names_private)


def printable(text: str) -> str:
    """Return text that both databases can store: no NUL, no lone surrogate."""
    return text if text.isascii() and "\x00" not in text else _printable(text)


def _printable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _subject_of(seen: object) -> str:
    if not isinstance(seen, Mapping):
        return ""
    named = {str(key).casefold(): value for key, value in seen.items()}
    subject = named.get("username") or named.get("displayname") or ""
    return subject if isinstance(subject, str) else ""


def _new_subjects(rows: Iterable[RequestLog]) -> list[RequestSubject]:
    """Return the subjects of these rows that may not be stored today, in one order: two processes never wait crosswise."""
    found = {}
    for row in rows:
        day = row.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        key = (row.org_id, row.subject_hash)
        if row.subject_hash is not None and _known_subjects.get(key) != day:
            found[key] = RequestSubject(
                org_id=row.org_id, hash=row.subject_hash, key=text_key(row.subject)[:KEY_LENGTH], seen_at=day
            )
    return [found[key] for key in sorted(found)]


def _remember(subjects: Sequence[RequestSubject]) -> None:
    """Remember, once they are committed, that these subjects are stored."""
    if not subjects:
        return

    def remember() -> None:
        if len(_known_subjects) > KNOWN_SUBJECTS:
            _known_subjects.clear()
        _known_subjects.update({(one.org_id, one.hash): one.seen_at for one in subjects})

    transaction.on_commit(remember)


def forget_subjects() -> None:
    """Look each subject up again: other rows than this process stored may be there."""
    _known_subjects.clear()


def _write_rows(rows: list[RequestLog]) -> int:
    """Store a batch. Returns how many rows couldn't be stored, as when their directory is gone."""
    try:
        _insert(rows)
    except IntegrityError:
        return sum(_is_refused(row) for row in rows)
    return 0


def _insert(rows: list[RequestLog]) -> None:
    subjects = _new_subjects(rows)
    if subjects:
        _subjects.run(subjects)
    _remember(subjects)
    waiting = list(rows)
    while waiting:
        stored = set(_rows.returning(waiting, "id"))
        waiting = [row for row in waiting if row.id not in stored]
        # two rows of one microsecond drew the same id
        for row in waiting:
            row.id = timed_id(row.at)


def _is_refused(row: RequestLog) -> bool:
    try:
        _insert([row])
    except IntegrityError:
        return True
    return False


def _count_refusals(calls: list[RefusedCalls]) -> int:
    """Store a batch, those of one minute and cause as one row. Returns how many couldn't be stored."""
    summed: dict[object, RefusedCalls] = {}
    for call in calls:
        key = (call.directory_id, call.minute, call.status, call.cause)
        call.count = summed[key].count + 1 if key in summed else 1
        summed[key] = call
    rows = [summed[key] for key in sorted(summed, key=str)]
    try:
        _refusals.run(rows)
    except IntegrityError:
        return sum(_is_uncounted(row) for row in rows)
    return 0


def _is_uncounted(row: RefusedCalls) -> int:
    try:
        _refusals.run([row])
    except IntegrityError:
        return row.count
    return 0


reads = Buffer("provisioning_log", _write_rows)
refusals = Buffer("refused_calls", _count_refusals)
late_marks = Buffer("connection_tests", _mark_late, delay=4 * SECONDS)


def make_partitions() -> int:
    """Make the days to come, where the log is kept by days. Returns how many were made."""
    return make_days(RequestLog._meta.db_table)  # noqa: SLF001


def delete_old(*, days: int) -> int:
    """Delete what is older than this: whole days on PostgreSQL, rows elsewhere. Returns how many rows of the log."""
    before = now() - timedelta(days=days)
    RefusedCalls.objects.filter(minute__lt=before).delete()
    RequestSubject.objects.filter(seen_at__lt=before - SUBJECT_MARGIN).delete()
    return drop_days(RequestLog._meta.db_table, before=before)  # noqa: SLF001
