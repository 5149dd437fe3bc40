"""What a browser remembers of a sign-in between its stops: signed, Lax, for minutes, each under a name of its own.

Several tabs may sign in at once, as when a browser restores them; so each request has its own cookie, and a new one
drops the oldest when there are more than a handful.
"""

import hashlib
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from orgs.base.clock import now
from sso.signin.types import AGAIN_LIFE, FLOW_LIFE, PENDING_LIFE, Flow

SALT = "sso.flow"
MOST_FLOWS = 5
PREFIX = "__Host-" if settings.IS_HTTPS else ""
FLOW = f"{PREFIX}sso_flow_"
HANDLE = f"{PREFIX}sso_handle_"


def remember_flow(request: HttpRequest, response: HttpResponseBase, flow: Flow) -> None:
    """The browser brings this flow back within a quarter of an hour; of others it keeps the newest four."""
    known = _known_flows(request)
    newest = sorted(known, key=lambda name: known[name].begun_at)[1 - MOST_FLOWS :]
    for name in request.COOKIES:
        if name.startswith(FLOW) and name not in newest:
            response.delete_cookie(name, samesite="Lax")
    parts = [flow.connection.hex, flow.request_id, flow.return_to, flow.test.hex if flow.test else "", flow.is_again]
    value = signing.dumps([*parts, int(now().timestamp())], salt=SALT, compress=True)
    _set(response, FLOW + _tag(flow.request_id), value, int(FLOW_LIFE.total_seconds()))


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
    """The request with this ID has been answered; what other tabs have begun goes on."""
    response.delete_cookie(FLOW + _tag(request_id), samesite="Lax")


def bind(response: HttpResponseBase, pending: UUID, handle: str) -> None:
    """Only the browser that brought the response can finish it."""
    _set(response, HANDLE + pending.hex, handle, int(PENDING_LIFE.total_seconds()))


def handle_of(request: HttpRequest, pending: UUID) -> str:
    """Return the handle that this browser was given, or an empty text."""
    return request.COOKIES.get(HANDLE + pending.hex, "")


def unbind(response: HttpResponseBase, pending: UUID) -> None:
    """The handle has been used."""
    response.delete_cookie(HANDLE + pending.hex, samesite="Lax")


def _set(response: HttpResponseBase, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, secure=settings.IS_HTTPS, httponly=True, samesite="Lax")


def _tag(request_id: str) -> str:
    return hashlib.sha256(request_id.encode()).hexdigest()[:16]


def _known_flows(request: HttpRequest) -> dict[str, Flow]:
    found = {name: _read(value) for name, value in request.COOKIES.items() if name.startswith(FLOW)}
    return {name: flow for name, flow in found.items() if flow is not None}


def _read(value: str) -> Flow | None:
    try:
        parts: list[Any] = signing.loads(value, salt=SALT, max_age=FLOW_LIFE)
    except signing.BadSignature:
        return None
    connection, request_id, return_to, test, is_again, begun_at = parts
    return Flow(UUID(connection), request_id, return_to, UUID(test) if test else None, is_again, begun_at)
