"""What a browser remembers of a sign-in between its stops: signed, Lax, for minutes, each under a name of its own.

Several tabs may sign in at once, as when a browser restores them; so each request has its own cookie, and a new one
drops the oldest when there are too many, or when together they would be too long for a proxy. A session remembers which
sign-ins were finished in it, so that to load such a page again leads on.
"""

import hashlib
import struct
import zlib
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from orgs.base.clock import now
from sso.signin.types import AGAIN_LIFE, FLOW_LIFE, PENDING_LIFE, Flow

SALT = "sso.flow"
MOST_FLOWS = 10
# proxies take a Cookie header of 8 KB; the rest is for the session and for what waits to be finished
MOST_BYTES = 6_500
PREFIX = "__Host-" if settings.IS_HTTPS else ""
FLOW = f"{PREFIX}sso_flow_"
HANDLE = f"{PREFIX}sso_handle_"
FINISHED = "sso_finished"
FINISHED_ASSERTIONS = "sso_finished_assertions"
MOST_FINISHED = 10
# connection, test, Unix time, whether it is the second try, length of the request ID; that and the way back follow
FIXED = struct.Struct(">16s16sI?B")
NO_TEST = UUID(int=0)
# bytes: several sign-ins at once remember theirs in cookies, of which proxies take 8 KB
LONGEST_PATH = 500


def local_path(text: str) -> str:
    """Return where to go after sign-in: the text when it is a path on this site, else an empty text.

    `//host`, `/\\host`, `https:host` and control characters are other sites in some browser or other.
    """
    if not text.startswith("/") or text.startswith("//") or len(text.encode(errors="replace")) > LONGEST_PATH:
        return ""
    if "\\" in text or not text.isprintable():
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return "" if parts.scheme or parts.netloc else text


def remember_flow(request: HttpRequest, response: HttpResponseBase, flow: Flow) -> None:
    """Store the flow in the browser for a quarter of an hour, and delete the oldest of those that don't fit beside it."""
    name, value = FLOW + _tag(flow.request_id), _write(flow)
    known, left = _known_flows(request), MOST_BYTES - len(name) - len(value)
    kept = set[str]()
    for one in sorted(known, key=lambda name: known[name].begun_at, reverse=True)[: MOST_FLOWS - 1]:
        left -= len(one) + len(request.COOKIES[one])
        if left >= 0:
            kept.add(one)
    for one in request.COOKIES:
        if one.startswith(FLOW) and one not in kept:
            response.delete_cookie(one, samesite="Lax")
    _set(response, name, value, int(FLOW_LIFE.total_seconds()))


def flows_of(request: HttpRequest) -> tuple[Flow, ...]:
    """Return the flows that this browser remembers; what is altered or too old doesn't count."""
    return tuple(_known_flows(request).values())


def newest_flow(request: HttpRequest, connection: UUID) -> Flow | None:
    """Return what this browser began last at this connection."""
    mine = (flow for flow in flows_of(request) if flow.connection == connection)
    return max(mine, key=lambda flow: flow.begun_at, default=None)


def was_sent_again(request: HttpRequest, connection: UUID) -> bool:
    """Say whether this browser has been sent to sign in a second time within the last minute."""
    earliest = (now() - AGAIN_LIFE).timestamp()
    mine = (flow for flow in flows_of(request) if flow.is_again and flow.connection == connection)
    return any(flow.begun_at >= earliest for flow in mine)


def forget_flow(response: HttpResponseBase, request_id: str) -> None:
    """Forget the request with this ID; requests of other tabs stay."""
    response.delete_cookie(FLOW + _tag(request_id), samesite="Lax")


def bind(response: HttpResponseBase, pending: UUID, handle: str, life: timedelta = PENDING_LIFE) -> None:
    """Set the handle cookie, so that only the browser that brought the response can finish it."""
    _set(response, HANDLE + pending.hex, handle, int(life.total_seconds()))


def handle_of(request: HttpRequest, pending: UUID) -> str:
    """Return the handle that this browser was given, or an empty text."""
    return request.COOKIES.get(HANDLE + pending.hex, "")


def unbind(response: HttpResponseBase, pending: UUID) -> None:
    """Delete the handle cookie."""
    response.delete_cookie(HANDLE + pending.hex, samesite="Lax")


def _set(response: HttpResponseBase, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, secure=settings.IS_HTTPS, httponly=True, samesite="Lax")


def _tag(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()[:16]


def _known_flows(request: HttpRequest) -> dict[str, Flow]:
    found = {name: _read(value) for name, value in request.COOKIES.items() if name.startswith(FLOW)}
    return {name: flow for name, flow in found.items() if flow is not None}


def _write(flow: Flow) -> str:
    """Return the flow as signed text, as short as it can be: ten of them have to pass with one request."""
    request_id = flow.request_id.encode()
    test = (flow.test or NO_TEST).bytes
    fixed = FIXED.pack(flow.connection.bytes, test, int(now().timestamp()), flow.is_again, len(request_id))
    packed = zlib.compress(request_id + flow.return_to.encode(), 9)
    return signing.TimestampSigner(salt=SALT).sign(signing.b64_encode(fixed + packed).decode())


def _read(value: str) -> Flow | None:
    """Return the flow that `_write` wrote, unless it was altered or is too old."""
    try:
        text = signing.TimestampSigner(salt=SALT).unsign(value, max_age=FLOW_LIFE)
    except signing.BadSignature:
        return None
    packed = signing.b64_decode(text.encode())
    connection, test, begun_at, is_again, length = FIXED.unpack_from(packed)
    rest = zlib.decompress(packed[FIXED.size :])
    tested = UUID(bytes=test)
    return Flow(
        UUID(bytes=connection),
        rest[:length].decode(),
        rest[length:].decode(),
        tested if tested != NO_TEST else None,
        is_again,
        begun_at,
    )


def remember_finished(session: SessionBase, pending: UUID, assertion_id: str, url: str) -> None:
    """Store in the session that this sign-in was finished in it, and where it led; of others it keeps the newest nine."""
    for key, name in ((FINISHED, pending.hex), (FINISHED_ASSERTIONS, _tag(assertion_id))):
        known = [entry for entry in session.get(key, []) if entry[0] != name]
        session[key] = [*known[1 - MOST_FINISHED :], [name, url]]


def finished_url(session: SessionBase, pending: UUID) -> str:
    """Return where this sign-in led that was finished in this session, or an empty text."""
    return next((str(url) for name, url in session.get(FINISHED, []) if name == pending.hex), "")


def assertion_tag(assertion_id: str) -> str:
    """Return by which name an assertion is found in the session in which it was finished."""
    return _tag(assertion_id)


def answered_url(session: SessionBase, tag: str) -> str:
    """Return where the sign-in by the assertion of this tag led, if it was finished in this session, or an empty text."""
    return next((str(url) for name, url in session.get(FINISHED_ASSERTIONS, []) if name == tag), "")
