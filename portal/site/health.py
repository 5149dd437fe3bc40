"""Liveness, readiness and metrics, for load balancers and Prometheus."""

import hmac
from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from portal.site import checks


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, cache and broker answer: 200, else 503 with the name of what doesn't."""
    found = {check.name: check.verdict for check in (checks.database(), checks.shared_cache(), checks.broker())}
    is_ready = all(verdict == "ok" for verdict in found.values())
    return JsonResponse(found, status=200 if is_ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus figures, for whoever has METRICS_TOKEN, or calls from loopback; 404 for everybody else."""
    if not _may_read_metrics(request):
        raise Http404
    answer: HttpResponse = ExportToDjangoView(request)
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
