from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs.logs import pages
from orgs.logs.pages import ExportKind, Log
from orgs.tenancy.access import OrgRequest, admin_required
from scim.requests import queries
from scim.requests.forms import RequestFilterForm
from scim.requests.types import EXPORTED

# each call carries its two bodies, so a page has half as many as other logs
LOG = Log(
    name="provisioning-log",
    form=RequestFilterForm,
    find=queries.list_requests,
    columns=EXPORTED,
    cells=queries.exported,
    not_exported=("bodies",),
    page_size=25,
)


@require_safe
@admin_required
def log(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show every call of the IdP, newest first; the URL has the filters, so it can be shared."""
    return render(request, "scim/log.html", pages.page_context(request, LOG))


@require_safe
@admin_required
def export(request: OrgRequest, org_slug: str, kind: ExportKind) -> StreamingHttpResponse:
    """Return the calls that the log's filters show, as a file to keep or to send to support."""
    return pages.export(request, LOG, kind)


@require_safe
@admin_required
def request_page(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Show one call with its redacted bodies, under a URL that can be sent to support."""
    row = queries.find_request(request.org, public_id)
    if row is None:
        raise Http404
    return render(request, "scim/request.html", {"row": row})
