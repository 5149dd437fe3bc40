from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from orgs.base.refusals import told
from orgs.tenancy.access import OrgRequest, admin_required
from sso.connections import queries
from sso.connections.forms import SeenForm
from sso.versions import services


@require_POST
@admin_required
def reconfigure(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Prepare the next version beside the one in force."""
    connection = queries.find_connection(request.org, public_id)
    with told(request):
        services.begin_reconfiguration(connection=connection, actor=request.actor)
        return redirect("wizard:values", org_slug, public_id)
    return redirect("connection", org_slug, public_id)


@require_POST
@admin_required
def discard(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Drop the version in preparation that the page showed; the one in force goes on."""
    connection, number = queries.find_connection(request.org, public_id), SeenForm(request.POST).seen().number
    with told(request):
        services.discard_preparation(connection=connection, number=number, actor=request.actor)
        messages.success(request, "The new version is discarded. Nothing changed for anybody.")
    return redirect("connection", org_slug, public_id)


@require_POST
@admin_required
def remove_certificate(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Take a certificate out of the version in preparation, which begins with this where there is none."""
    connection, fingerprint = queries.find_connection(request.org, public_id), request.POST.get("fingerprint", "")
    with told(request):
        draft = services.remove_certificate(connection=connection, fingerprint=fingerprint, actor=request.actor)
        text = f"Version {draft.number} doesn’t trust that certificate. Test the version, then activate it."
        messages.success(request, text)
    return redirect("connection", org_slug, public_id)
