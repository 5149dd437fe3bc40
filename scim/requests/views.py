from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs.tenancy.access import OrgRequest, admin_required
from scim.requests import queries
from scim.requests.forms import LogSearchForm
from scim.requests.services import as_csv, as_json
from scim.requests.types import LogFilter

# each call carries its two bodies
PAGE_SIZE = 25


@require_safe
@admin_required
def log(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show every call of the IdP, newest first; the URL has the filters, so it can be shared."""
    form = LogSearchForm(request.GET)
    shown = form.shown()
    page = Paginator(queries.list_requests(request.org, shown), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "scim/log.html", {"form": form, "page": page, "is_filtered": shown != LogFilter()})


@require_safe
@admin_required
def export(request: OrgRequest, org_slug: str, kind: str) -> HttpResponse:
    """Return the calls that the log's filters show, as a file to keep or to send to support."""
    rows = queries.exported(request.org, LogSearchForm(request.GET).shown())
    text, media = (as_csv(rows), "text/csv") if kind == "csv" else (as_json(rows), "application/json")
    # whole: a slow reader must not hold the database
    response = HttpResponse(text, content_type=f"{media}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="provisioning-log-{org_slug}.{kind}"'
    return response


@require_safe
@admin_required
def request_page(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Show one call with its redacted bodies, under a URL that can be sent to support."""
    row = queries.find_request(request.org, public_id)
    if row is None:
        raise Http404
    return render(request, "scim/request.html", {"row": row})
