"""What every request passes: its id and address, tidy SCIM URLs, what its session reaches, no caching of what is private."""

import codecs
import re
from collections.abc import Callable
from typing import BinaryIO
from uuid import uuid4

import structlog
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from orgs.base import refusals
from orgs.base.errors import DomainError
from orgs.tenancy import access
from portal.site import bodies, proxies

Answer = Callable[[HttpRequest], HttpResponse]
CALLER_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# in these Django reads forms and JSON; others it may try, and some of Python's codecs aren't even for text
READABLE_CHARSETS = frozenset({"utf-8", "ascii", "iso8859-1"})
GLUED_FLAG = re.compile(r"(?P<flag>aadOptscim\d+)(?P<path>/[^?]*)(?:\?(?P<query>.*))?", re.ASCII)
CHUNK = 64 * 1024
MACHINE_PATHS = ("/scim/", "/static/", "/healthz", "/readyz", "/metrics")
# an IdP's word opens one organization, never the account itself
PERSONAL_PATHS = ("/accounts/", "/admin/", "/invitations/", "/waiting/", "/look-again/")
PERSONAL_EXCEPTIONS = ("/accounts/login/", "/accounts/logout/")


class RequestIdentityMiddleware:
    """Give each request a fresh id, sent as X-Request-ID and bound to its log lines, and the client's own address.

    An X-Request-ID of the caller is kept beside ours in the log lines: two requests could share it, ours is unique.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid4().hex
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        from_caller = {"caller_request_id": given} if CALLER_ID.fullmatch(given) else {}
        request.request_id = request_id  # type: ignore[attr-defined]
        request.client_ip = client_ip(request)  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        # unbound behind the request: what the same thread does next isn't its doing
        with structlog.contextvars.bound_contextvars(request_id=request_id, **from_caller):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


def client_ip(request: HttpRequest) -> str:
    """Return the address that our outermost proxy saw."""
    return proxies.client_address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


class BodyMiddleware:
    """Read each body to its end, bounded, before anything asks the database: a slow sender then holds no connection.

    A body without Content-Length is read where the server marks its end (`wsgi.input_terminated`).
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            read_body(request)
        except bodies.BodyRefused as refused:
            content, headers = refused.refusal.render(request.path_info)
            return HttpResponse(content, status=refused.refusal.status, headers=headers)
        return self.get_response(request)


def read_body(request: HttpRequest) -> None:
    """Put the body on the request. Raises Refused when it is too large, cut short, or has no end.

    A SCIM body that is too large is left to the view, which refuses it in the directory's log.
    """
    declared = _declared_length(request)
    if declared is None and "HTTP_TRANSFER_ENCODING" not in request.META:
        return
    stream = request.META["wsgi.input"]
    limit = bodies.largest_body(request.path_info, request.META.get("CONTENT_TYPE", ""))
    fits = declared is None or declared <= limit
    body = _read(stream, limit + 1 if declared is None else declared) if fits else b""
    if not fits or len(body) > limit:
        _discard(stream, bodies.MOST_DISCARDED if declared is None else min(declared, bodies.MOST_DISCARDED))
        request.META["CONTENT_LENGTH"] = str(declared or len(body))
        if request.path_info.startswith(bodies.SCIM):
            return
        raise bodies.BodyRefused(bodies.too_large(limit))
    if declared is not None and len(body) < declared:
        raise bodies.BodyRefused(bodies.CUT_SHORT)
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._body = body  # noqa: SLF001 - where Django keeps what it has read


def _declared_length(request: HttpRequest) -> int | None:
    """Return the Content-Length, or None where the server marks the end instead. Raises Refused."""
    given = request.META.get("CONTENT_LENGTH") or ""
    if not given:
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("wsgi.input_terminated"):
            raise bodies.BodyRefused(bodies.NO_LENGTH)
        return None
    if not (given.isascii() and given.isdigit()):
        raise bodies.BodyRefused(bodies.NOT_A_LENGTH)
    return int(given[:20])


def _read(stream: BinaryIO, most: int) -> bytes:
    """Return what the stream holds, up to this many bytes; servers may give less at a time than they are asked for."""
    parts = []
    while most > 0 and (part := _read_part(stream, most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _read_part(stream: BinaryIO, most: int) -> bytes:
    """Return the next bytes, none once the caller is gone."""
    try:
        return stream.read(most)
    except OSError:
        return b""


def _discard(stream: BinaryIO, most: int) -> None:
    """Read up to this many bytes and keep none."""
    while most > 0 and (part := _read_part(stream, min(most, CHUNK))):
        most -= len(part)


class ProxyCountMiddleware:
    """Count whether TRUSTED_PROXY_COUNT fits, behind `BodyMiddleware`: what doesn't fit may be written to the cache."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.hops = proxies.HopCounter()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.hops.count(request.path_info, request.META.get("HTTP_X_FORWARDED_FOR", ""))
        return self.get_response(request)


class CharsetMiddleware:
    """A body in a charset that isn't read here is refused before anybody tries to (RFC 9110 §15.5.1: 400)."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        declared = (request.content_params or {}).get("charset")
        if declared is not None and not is_readable_charset(declared):
            message = "This charset isn't read here. Send UTF-8.\n"
            return HttpResponse(message, status=400, content_type="text/plain")
        return self.get_response(request)


def is_readable_charset(name: str) -> bool:
    """Say whether this is a name of UTF-8, US-ASCII or Latin-1, in any spelling."""
    try:
        return codecs.lookup(name).name in READABLE_CHARSETS
    except (LookupError, ValueError):
        return False


class ScimSlashMiddleware:
    """SCIM URLs work with trailing and double slashes: consoles join the Base URL and the path in every way."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/scim/"):
            if "aadOptscim" in request.META.get("QUERY_STRING", ""):
                _put_flag_behind_path(request)
            request.path_info = re.sub(r"/{2,}", "/", request.path_info).rstrip("/")
            request.path = request.path_info
        return self.get_response(request)


def _put_flag_behind_path(request: HttpRequest) -> None:
    """Move Entra's flag behind the path: it is part of its tenant URL, to which the path is appended."""
    glued = GLUED_FLAG.fullmatch(request.META.get("QUERY_STRING", ""))
    if glued:
        request.path_info += glued["path"]
        request.META["QUERY_STRING"] = "&".join(part for part in (glued["flag"], glued["query"]) if part)


class SessionGrantsMiddleware:
    """`request.session_grants` tells what the session may reach. A session that has lost everything it reached ends here."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.session_grants = access.SessionGrants()  # type: ignore[attr-defined]
        if request.path_info.startswith(MACHINE_PATHS) or not request.user.is_authenticated:
            return self.get_response(request)
        session_grants = access.read_session_grants(request.session)
        if access.has_lost_all_grants(request.session, session_grants):
            logout(request)
            return self.get_response(request)
        access.remember_had_grants(request.session, session_grants)
        request.session_grants = session_grants  # type: ignore[attr-defined]
        if needs_personal_proof(request.path_info) and not session_grants.is_personal:
            return render(request, "portal/personal_proof.html", status=403)
        return self.get_response(request)


def needs_personal_proof(path: str) -> bool:
    """Say whether a page belongs to the account itself, not to one of its organizations."""
    return path.startswith(PERSONAL_PATHS) and not path.startswith(PERSONAL_EXCEPTIONS)


class NoStoreMiddleware:
    """What a signed-in person sees is never kept by a cache."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path_info.startswith("/static/"):
            response.setdefault("Cache-Control", "no-store")
        return response


class RefusalMiddleware:
    """Answer what a rule refuses, where the view hasn't: 404, 403 or 409, with its sentence and its code."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        return render(request, "portal/refused.html", {"problem": error}, status=refusals.status_of(error))
