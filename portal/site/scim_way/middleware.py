"""The short way of SCIM requests: no cookie, session, account, form or page is looked for where only bearer tokens count.

`SCIM_MIDDLEWARE` in the settings names what such a request passes. Whatever `MIDDLEWARE` protects there is in it as well:
id, address, body, proxies, charset, host and headers; tests/portal/test_scim_way.py compares the answers of both ways.
"""

from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.urls import resolve
from django.utils.module_loading import import_string
from django_permissions_policy import PermissionsPolicyMiddleware
from django_prometheus.middleware import Metrics

from scim.urls import RESOURCES

Answer = Callable[[HttpRequest], HttpResponse]
PREFIX = "/scim/v2/"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH"})
# more hosts than a site has names: whoever sends others is looked at each time
MOST_HOSTS = 100


class ScimWayMiddleware:
    """Lead SCIM requests past all of MIDDLEWARE that comes after this, through SCIM_MIDDLEWARE to their view."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        answer: Any = convert_exception_to_response(answer_scim)
        for name in reversed(settings.SCIM_MIDDLEWARE):
            answer = convert_exception_to_response(import_string(name)(answer))
        self.answer: Answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PREFIX):
            return self.answer(request)
        return self.get_response(request)


def answer_scim(request: HttpRequest) -> HttpResponse:
    """Call the view of a SCIM URL; most are found without the resolver."""
    found = find_view(request.path_info.removeprefix(PREFIX))
    if found is not None:
        view, directory, scim_id = found
        return _call(view, request, directory=directory, uuid=scim_id)
    match = resolve(request.path_info)
    return _call(match.func, request, **match.kwargs)


def find_view(path: str) -> tuple[Callable[..., Any], str, str] | None:
    """Return what the patterns of scim.urls lead to from `<directory>/Users` or `<directory>/Groups/<id>`: view, directory, id.

    None for any other path, which the patterns decide: they are tried one after another.
    """
    parts = path.split("/")
    view = RESOURCES.get(parts[1]) if 2 <= len(parts) <= 3 else None
    if view is None or not parts[0]:
        return None
    scim_id = parts[2] if len(parts) == 3 else ""
    return (view, parts[0], scim_id) if scim_id != ".search" and len(parts) == (3 if scim_id else 2) else None


def _call(view: Callable[..., HttpResponse], request: HttpRequest, **kwargs: str) -> HttpResponse:
    return view(request, **kwargs)


class HostMiddleware:
    """Refuse a Host that isn't one of ours (CommonMiddleware's part of this), and say how long the answer is."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.known: set[tuple[str, ...]] = set()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        names = (meta.get("HTTP_HOST", ""), meta.get("SERVER_NAME", ""), meta.get("SERVER_PORT", ""))
        if names not in self.known:
            request.get_host()
            if len(self.known) < MOST_HOSTS and settings.ALLOWED_HOSTS:
                self.known.add(names)
        response = self.get_response(request)
        if not response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))
        return response


class FixedHeadersMiddleware:
    """Set the headers that the other pages get from SecurityMiddleware, CSP and their neighbors, for answers without scripts."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.of_https = fixed_headers(is_secure=True)
        self.of_http = fixed_headers(is_secure=False)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in self.of_https if request.is_secure() else self.of_http:
            response.headers.setdefault(name, value)
        return response


def fixed_headers(*, is_secure: bool) -> tuple[tuple[str, str], ...]:
    """Return what SecurityMiddleware sets by our settings, and what the other middleware of a page sets on each."""
    request = HttpRequest()
    if is_secure:
        request._get_scheme = lambda: "https"  # type: ignore[attr-defined]  # noqa: SLF001 - how WSGIRequest tells
    response: Any = PermissionsPolicyMiddleware(lambda _: HttpResponse())(request)
    SecurityMiddleware(lambda _: response).process_response(request, response)
    del response.headers["Content-Type"]
    return (
        *response.headers.items(),
        # nothing of such an answer may run or be shown in a frame
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("X-Frame-Options", settings.X_FRAME_OPTIONS),
        ("Cache-Control", "no-store"),
    )


class FiguresMiddleware:
    """Count SCIM requests in django-prometheus's figures, by the metrics that dashboards read."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.metrics = Metrics.get_instance()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        self.metrics.requests_total.inc()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "<invalid method>"
        taken = perf_counter() - began
        for count in _counters(method or "", str(response.status_code)):
            count.inc()
        self.metrics.requests_latency_before.observe(taken)
        _latency(method or "").observe(taken)
        return response


@cache
def _counters(method: str, status: str) -> tuple[Any, ...]:
    metrics = Metrics.get_instance()
    return (
        metrics.responses_total,
        metrics.requests_by_method.labels(method=method),
        metrics.responses_by_status.labels(status=status),
        metrics.responses_by_status_view_method.labels(status=status, view="scim", method=method),
    )


@cache
def _latency(method: str) -> Any:
    return Metrics.get_instance().requests_latency_by_view_method.labels(view="scim", method=method)
