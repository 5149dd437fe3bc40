from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from orgs.providers.registry import setups
from orgs.tenancy.access import OrgRequest, admin_required
from scim.directories import queries, services
from scim.directories.errors import TokenUnknown, TooManyTokens
from scim.directories.forms import TokenForm
from scim.directories.models import ScimToken


@require_http_methods(["GET", "POST"])
@never_cache
@admin_required
def generate_token(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Ask for a name and a life; then show the token, this once."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "scim/generate_token.html", {"form": form}, status=400 if form.is_bound else 200)
    directory = queries.first_directory(request.org)
    try:
        made = services.generate_token(
            directory=directory, order=form.order(), actor=request.actor, creator=request.user
        )
    except TooManyTokens as problem:
        form.add_error(None, problem.public)
        return render(request, "scim/generate_token.html", {"form": form}, status=409)
    context = {"token": made.token, "plain": made.plain, "base_url": queries.base_url(directory), "setups": setups()}
    return render(request, "scim/token_generated.html", context)


@require_POST
@admin_required
def confirm_saved(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Confirm that the token was saved at the identity provider."""
    services.confirm_saved(token=_token(request, public_id))
    return redirect("authentication", org_slug)


@require_http_methods(["GET", "POST"])
@admin_required
def revoke_token(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Ask once, saying what will stop; then revoke at once."""
    token = _token(request, public_id)
    if request.method != "POST":
        return render(request, "scim/revoke_token.html", {"token": token, "state": queries.token_state(token)})
    services.revoke_token(token=token, actor=request.actor)
    messages.success(request, f"The token “{token.label}” is revoked. Requests that use it are refused from now on.")
    return redirect("authentication", org_slug)


def _token(request: OrgRequest, public_id: UUID) -> ScimToken:
    try:
        return queries.find_token(request.org, public_id)
    except TokenUnknown as error:
        raise Http404 from error
