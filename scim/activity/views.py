from dataclasses import replace
from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs.logs import pages
from orgs.logs.pages import ExportKind, Log
from orgs.tenancy.access import OrgRequest, admin_required
from scim.activity import queries
from scim.directories import queries as directories
from scim.requests import queries as requests
from scim.requests.forms import RequestFilterForm
from scim.requests.types import EXPORTED

LOG = Log(
    name="provisioning-log",
    form=RequestFilterForm,
    find=queries.list_entries,
    columns=EXPORTED,
    cells=requests.exported,
    not_exported=("bodies",),
)
# a file has each call, those of connection tests too
FILE = replace(LOG, find=requests.list_requests)


@require_safe
@admin_required
def log(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show every call of the IdP, newest first; the URL has the filters, so it can be shared."""
    context = pages.page_context(request, LOG)
    context |= {
        "entries": queries.fold(request.org, context["page"].rows),
        "days": queries.count_days(request.org),
        "health": queries.health(directories.first_directory(request.org)),
    }
    return render(request, "scim/log.html", context)


@require_safe
@admin_required
def export(request: OrgRequest, org_slug: str, kind: ExportKind) -> StreamingHttpResponse:
    """Return the calls that the log's filters show, as a file to keep or to send to support."""
    return pages.export(request, FILE, kind)


@require_safe
@admin_required
def request_page(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Show one call with its redacted bodies, under a URL that can be sent to support."""
    row = requests.find_request(request.org, public_id)
    if row is None:
        raise Http404
    return render(request, "scim/request.html", {"row": row, "curl": queries.as_curl(row)})
