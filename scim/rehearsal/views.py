from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from orgs.base.refusals import form_status, shown_in
from orgs.tenancy.access import OrgRequest, admin_required
from scim.directories.queries import first_directory
from scim.rehearsal import queries, services
from scim.rehearsal.forms import RehearsalForm


@require_http_methods(["GET", "POST"])
@admin_required
def rehearse(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Ask whose calls to make; then plan them, and show how they go."""
    directory = first_directory(request.org)
    form = RehearsalForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with shown_in(form, None):
            asked = services.ask_rehearsal(
                directory=directory,
                provider=form.cleaned_data["provider"],
                with_groups=form.cleaned_data["with_groups"],
                actor=request.actor,
            )
            return redirect("rehearsal:rehearsal", org_slug, asked.public_id)
    context = {"form": form, "rehearsals": queries.list_rehearsals(directory)}
    return render(request, "scim/rehearse.html", context, status=form_status(form))


@require_GET
@admin_required
def show_rehearsal(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Show what became of each call, while the rehearsal runs and afterwards."""
    rehearsal = queries.find_rehearsal(request.org, public_id)
    return render(request, "scim/rehearsal.html", {"rehearsal": rehearsal})
