"""Liveness, readiness and metrics, for load balancers and Prometheus; and every answer while the database is away."""

import hmac
from collections.abc import Callable
from ipaddress import ip_address
from threading import Lock
from time import monotonic

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from orgs.base.database import RETRY_AFTER_SECONDS, is_unavailable
from portal.site import checks, figures
from portal.site.middleware import MACHINE_PATHS
from scim.protocol.errors import Unavailable

log = structlog.get_logger(__name__)
Answer = Callable[[HttpRequest], HttpResponse]
KEPT_SECONDS = 1.0
AWAY = "The service can't reach its database right now. Send the request again in a few seconds."


class OptionalChecks:
    """What the optional checks have found, for all who ask within a second: anybody may ask, and each could take long."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.forget()

    def forget(self) -> None:
        self.found: tuple[checks.HealthCheck, ...] = ()
        self.until = 0.0

    def read(self) -> tuple[checks.HealthCheck, ...]:
        # whoever comes while one looks waits for what it finds
        with self.lock:
            if not self.found or monotonic() >= self.until:
                self.found = tuple(check() for check in checks.OPTIONAL)
                self.until = monotonic() + KEPT_SECONDS
            return self.found


optional = OptionalChecks()


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the process runs; nothing else is checked."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 503 without the database; else 200, "ok" or "degraded", with the name of what doesn't work."""
    database = checks.database()
    if not database.is_ok:
        answer = JsonResponse({"status": "unavailable", "database": database.verdict}, status=503)
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer
    found = [database, *optional.read()]
    status = "ok" if all(check.is_ok for check in found) else "degraded"
    verdicts: dict[str, object] = {check.name: check.verdict for check in found}
    heartbeat = next((check.reported_at for check in found if check.reported_at), None)
    return JsonResponse({"status": status, **verdicts, "heartbeat_age_seconds": figures.age_of(heartbeat)})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show Prometheus figures to whoever has METRICS_TOKEN, or calls from loopback; 404 for everybody else."""
    if not _may_read_metrics(request):
        raise Http404
    answer: HttpResponse = ExportToDjangoView(request)
    answer.content += figures.as_text()
    return answer


def _may_read_metrics(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    if settings.TRUSTED_PROXY_COUNT or {"X-Forwarded-For", "Forwarded"}.intersection(request.headers):
        # behind a proxy, loopback says nothing about the caller
        return False
    address = str(getattr(request, "client_ip", ""))
    return bool(address) and ip_address(address).is_loopback


class ProbeMiddleware:
    """Answer probes before anything looks at their Host header or session: they call by address."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.probes: dict[str, Answer] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = self.probes.get(request.path_info)
        if probe is None:
            return self.get_response(request)
        try:
            response = probe(request)
        except Http404:
            response = HttpResponse("Not found\n", status=404, content_type="text/plain")
        response["Cache-Control"] = "no-store"
        response["X-Frame-Options"] = "DENY"
        return response


class DatabaseMiddleware:
    """Answer 503 when the session or a view can't reach the database; `views.server_error` does the same for the rest."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(MACHINE_PATHS):
            try:
                # the next ones ask for the account anyway, where its failure would be logged as ours
                bool(request.user.is_authenticated)
            except (OperationalError, InterfaceError) as error:
                if is_unavailable(error):
                    return unavailable(request, error)
                raise
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return unavailable(request, error) if is_unavailable(error) else None


def unavailable(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """Return 503 in the form that the caller reads, without a query, a session or a context that could ask for one."""
    log.warning("database.unavailable", path=request.path_info.split("/")[1], error=type(error).__name__)
    if request.path_info.startswith("/scim/"):
        refusal = Unavailable(AWAY)
        response: HttpResponse = JsonResponse(refusal.to_body(), status=503, content_type="application/scim+json")
    elif request.path_info.startswith("/api/"):
        response = JsonResponse({"detail": AWAY}, status=503)
    else:
        context = {"request_id": getattr(request, "request_id", "")}
        response = HttpResponse(render_to_string("503.html", context), status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
