from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from orgs.base.refusals import form_status, shown_in
from orgs.providers.registry import setups
from orgs.tenancy.access import OrgRequest, admin_required
from scim.directories import queries, services
from scim.directories.forms import TokenForm


@require_http_methods(["GET", "POST"])
@never_cache
@admin_required
def generate_token(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Ask for a name and a life; then show the token, this once."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        directory = queries.first_directory(request.org)
        with shown_in(form, None):
            made = services.generate_token(
                directory=directory, order=form.order(), actor=request.actor, creator=request.user
            )
            context = {
                "token": made.token,
                "plain": made.plain,
                "base_url": queries.base_url(directory),
                "setups": setups(),
            }
            return render(request, "scim/token_generated.html", context)
    return render(request, "scim/generate_token.html", {"form": form}, status=form_status(form))


@require_POST
@admin_required
def confirm_saved(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Confirm that the token was saved at the identity provider."""
    services.confirm_saved(token=queries.find_token(request.org, public_id))
    return redirect("authentication", org_slug)


@require_http_methods(["GET", "POST"])
@admin_required
def revoke_token(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Ask once, saying what will stop; then revoke at once."""
    token = queries.find_token(request.org, public_id)
    if request.method != "POST":
        return render(request, "scim/revoke_token.html", {"token": token, "state": queries.token_state(token)})
    services.revoke_token(token=token, actor=request.actor)
    messages.success(request, f"The token “{token.label}” is revoked. Requests that use it are refused from now on.")
    return redirect("authentication", org_slug)
