import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus
from uuid import uuid5

from django.db import IntegrityError, transaction
from django.db.models import F

from orgs.base.clock import now
from orgs.base.text import text_key
from orgs.providers.habits import RequestFacts
from orgs.tenancy.models import Organization
from scim.dialects.recognize import recognize
from scim.requests import queries
from scim.requests.models import RequestLog
from scim.requests.types import BODY_KEPT, CONNECTION_TEST_WINDOW_MINUTES, LoggedRequest, LoggedResponse

HIDDEN = "[hidden]"
PRIVATE = frozenset({"password", "addresses", "phonenumbers", "photos", "ims", "x509certificates", "token", "secret"})


def record(
    *, org: Organization, directory_id: int, token_id: int | None, call: LoggedRequest, answer: LoggedResponse
) -> RequestLog:
    """Add this call to the directory's log, with redacted bodies and a label that an admin understands."""
    row = _row(call, answer)
    row.org, row.directory_id, row.token_id = org, directory_id, token_id
    row.save()
    return row


def _row(call: LoggedRequest, answer: LoggedResponse) -> RequestLog:
    seen = read_body(call.body)
    facts = RequestFacts(
        method=call.method,
        path=call.path,
        query=call.query,
        user_agent=call.user_agent,
        body=seen if isinstance(seen, Mapping) else None,
        content_type=call.content_type,
    )
    recognition = recognize(facts)
    subject = answer.subject or _subject_of(seen)
    return RequestLog(
        at=now(),
        method=call.method[:10],
        path=printable(call.path)[:300],
        query=redact_query(call.query)[:1200],
        status=answer.status,
        error_type=answer.error_type[:20],
        detail=printable(answer.detail)[:400],
        dialect=recognition.dialect or "",
        step=recognition.step[:60],
        resource_id=printable(answer.resource_id)[:64],
        subject=printable(subject)[:256],
        subject_key=text_key(printable(subject))[:512],
        request_body=redact_body(call.body, seen),
        response_body=redact_body(answer.body, read_body(answer.body)),
        duration_ms=answer.duration_ms,
        ip=call.ip or None,
        user_agent=printable(call.user_agent)[:200],
        request_id=call.request_id[:64],
    )


def record_refusal(
    *, org: Organization, directory_id: int, token_id: int | None, call: LoggedRequest, answer: LoggedResponse
) -> None:
    """Count a refused call in the row of its minute and cause: a stranger can't fill the log."""
    row = _row(replace(call, body=b"", query=""), answer)
    row.org, row.directory_id, row.token_id = org, directory_id, token_id
    row.public_id = uuid5(org.public_id, f"{directory_id} {row.at:%Y-%m-%dT%H:%M} {row.status} {row.detail}")
    same = queries.counted_with(row)
    if same.update(count=F("count") + 1, at=row.at):
        return
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        # another call of the same minute and cause was first
        same.update(count=F("count") + 1, at=row.at)


def mark_connection_test(row: RequestLog) -> int:
    """Label the calls that led to this deletion as an IdP's test: the resource existed for minutes only."""
    since = row.at - timedelta(minutes=CONNECTION_TEST_WINDOW_MINUTES)
    return queries.about_same_thing(row, since).update(is_connection_test=True)


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
        text = json.dumps(redact(seen), ensure_ascii=True, indent=1)
    except RecursionError:
        return f"[{len(body)} bytes nested too deep to show]"
    return text if len(text) <= BODY_KEPT else f"{text[:BODY_KEPT]}\n[cut: {len(text)} characters in all]"


def redact(value: Any) -> Any:
    """Return the value with everything under a private name hidden, in PATCH operations too."""
    if isinstance(value, Mapping):
        paths = [str(inner) for key, inner in value.items() if key.casefold() == "path"]
        hidden = {"path", "value"} if any(is_private(path) for path in paths) else set()
        return {
            key: HIDDEN if is_private(key) or key.casefold() in hidden else redact(inner)
            for key, inner in value.items()
        }
    return [redact(item) for item in value] if isinstance(value, list) else value


def redact_query(query: str) -> str:
    """Return the query string, or only that it was hidden when it compares a private attribute."""
    words = re.split(r"[^a-z0-9]+", unquote_plus(query).casefold())
    return HIDDEN if PRIVATE.intersection(words) else printable(query)


def is_private(name: str) -> bool:
    """Say whether an attribute name or a PATCH path leads to a value that the log must not keep."""
    # a value filter may hold colons and dots of its own, so it goes first
    named = name.strip().split("[", 1)[0]
    bare = named.rpartition(":")[2] if named.lower().startswith("urn:") else named
    return bare.split(".", 1)[0].strip().casefold() in PRIVATE


def printable(text: str) -> str:
    """Return text that both databases can store: no NUL, no lone surrogate."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _subject_of(seen: object) -> str:
    if not isinstance(seen, Mapping):
        return ""
    named = {str(key).casefold(): value for key, value in seen.items()}
    subject = named.get("username") or named.get("displayname") or ""
    return subject if isinstance(subject, str) else ""


@transaction.atomic
def delete_old(*, days: int) -> int:
    """Log rows that are older than this are gone. Returns how many there were."""
    deleted, _ = RequestLog.objects.filter(at__lt=now() - timedelta(days=days)).delete()
    return deleted
