from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs.audit import queries
from orgs.audit.forms import AuditFilterForm
from orgs.audit.types import EXPORTED
from orgs.logs import pages
from orgs.logs.pages import ExportKind, Log
from orgs.tenancy.access import OrgRequest, admin_required

LOG = Log(
    name="audit-log",
    form=AuditFilterForm,
    find=queries.list_events,
    columns=EXPORTED,
    cells=queries.exported,
)


@require_safe
@admin_required
def log(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show who did what in this organization, newest first."""
    return render(request, "orgs/audit.html", pages.page_context(request, LOG))


@require_safe
@admin_required
def export(request: OrgRequest, org_slug: str, kind: ExportKind) -> StreamingHttpResponse:
    """Return the acts that the log's filters show, as a file."""
    return pages.export(request, LOG, kind)
