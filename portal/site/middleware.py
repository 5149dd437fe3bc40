"""What every request passes: its id and address, tidy SCIM URLs, what its session reaches, no caching of what is private."""

import codecs
import re
from collections.abc import Callable
from ipaddress import ip_address
from uuid import uuid4

import structlog
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from orgs.tenancy import access

Answer = Callable[[HttpRequest], HttpResponse]
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# in these Django reads forms and JSON; others it may try, and some of Python's codecs aren't even for text
READABLE_CHARSETS = frozenset({"utf-8", "ascii", "iso8859-1"})
GLUED_FLAG = re.compile(r"(?P<flag>aadOptscim\d+)(?P<path>/[^?]*)(?:\?(?P<query>.*))?", re.ASCII)
MACHINE_PATHS = ("/scim/", "/static/", "/healthz", "/readyz", "/metrics")
# an IdP's word opens one organisation, never the account itself
PERSONAL_PATHS = ("/accounts/", "/admin/", "/invitations/", "/waiting/", "/look-again/")
PERSONAL_EXCEPTIONS = ("/accounts/login/", "/accounts/logout/")


class RequestIdentityMiddleware:
    """Each request has an id, echoed as X-Request-ID and bound to its log lines, and the client's own address."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GIVEN_ID.fullmatch(given) else uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        request.client_ip = client_ip(request)  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        # unbound behind the request: what the same thread does next isn't its doing
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


def client_ip(request: HttpRequest) -> str:
    """Return the address that our outermost proxy saw; X-Forwarded-For counts only as far as TRUSTED_PROXY_COUNT."""
    direct = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    trusted: int = settings.TRUSTED_PROXY_COUNT
    if trusted and len(hops) >= trusted:
        direct = hops[-trusted]
    try:
        return str(ip_address(direct))
    except ValueError:
        return ""


class BodySizeMiddleware:
    """A body that nothing here would take is refused before any of it is read (RFC 9110 §15.5.14: 413)."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("CONTENT_LENGTH") or "0"
        if not (given.isascii() and given.isdigit()):
            return HttpResponse("The Content-Length is no number.\n", status=400, content_type="text/plain")
        if int(given[:20]) > settings.LARGEST_BODY and not request.path.startswith("/scim/"):
            largest = f"{settings.LARGEST_BODY // 1024 // 1024} MB"
            message = f"This is larger than {largest}, more than anything here takes. Send a smaller file.\n"
            return HttpResponse(message, status=413, content_type="text/plain")
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
            _put_flag_behind_path(request)
            request.path_info = re.sub(r"/{2,}", "/", request.path_info).rstrip("/")
            request.path = request.path_info
        return self.get_response(request)


def _put_flag_behind_path(request: HttpRequest) -> None:
    """Entra's flag is part of its tenant URL; whoever glues the path on behind it means the path before it."""
    glued = GLUED_FLAG.fullmatch(request.META.get("QUERY_STRING", ""))
    if glued:
        request.path_info += glued["path"]
        request.META["QUERY_STRING"] = "&".join(part for part in (glued["flag"], glued["query"]) if part)


class SessionReachMiddleware:
    """`request.reach` tells what the session may reach. A session that has lost everything it reached ends here."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.reach = access.Reach()  # type: ignore[attr-defined]
        if request.path_info.startswith(MACHINE_PATHS) or not request.user.is_authenticated:
            return self.get_response(request)
        reach = access.read_reach(request.session)
        if access.has_lost_everything(request.session, reach):
            logout(request)
            return self.get_response(request)
        access.note_reach(request.session, reach)
        request.reach = reach  # type: ignore[attr-defined]
        if needs_personal_proof(request.path_info) and not reach.is_personal:
            return render(request, "portal/personal_proof.html", status=403)
        return self.get_response(request)


def needs_personal_proof(path: str) -> bool:
    """Say whether a page belongs to the account itself, not to one of its organisations."""
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
