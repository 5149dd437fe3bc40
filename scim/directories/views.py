from datetime import timedelta
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
from scim.directories.forms import ChangeForm, EndForm, RotateForm, TokenForm
from scim.directories.models import ScimToken
from scim.directories.services import GeneratedToken


@require_http_methods(["GET", "POST"])
@never_cache
@admin_required
def generate_token(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Ask for a name and a life; then show the token, this once."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with shown_in(form, None):
            made = services.generate_token(
                directory=queries.first_directory(request.org),
                order=form.order(),
                actor=request.actor,
                creator=request.user,
            )
            return _show_generated(request, made)
    return render(request, "scim/generate_token.html", {"form": form}, status=form_status(form))


@require_http_methods(["GET", "POST"])
@never_cache
@admin_required
def rotate_token(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Ask how long both tokens work; then show the new one, this once."""
    token = queries.find_token(request.org, public_id)
    form = RotateForm.of(queries.token_settings(token), request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with shown_in(form, None):
            made = services.rotate_token(
                token=token,
                order=form.order(),
                overlap=form.overlap_time(),
                actor=request.actor,
                creator=request.user,
            )
            return _show_generated(request, made)
    return render(request, "scim/rotate_token.html", {"form": form, "token": token}, status=form_status(form))


def _show_generated(request: OrgRequest, made: GeneratedToken) -> HttpResponse:
    context = {
        "token": made.token,
        "plain": made.plain,
        "base_url": queries.base_url(made.token.directory),
        "setups": setups(),
    }
    return render(request, "scim/token_generated.html", context)


@require_http_methods(["GET", "POST"])
@admin_required
def change_token(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Change what a token is called, and from which addresses it may be used."""
    token = queries.find_token(request.org, public_id)
    form = ChangeForm(queries.token_settings(token), request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with shown_in(form, None):
            found = form.cleaned_data
            services.change_token(token=token, label=found["label"], networks=found["networks"], actor=request.actor)
            messages.success(request, f"The token “{token.label}” is saved.")
            return redirect("authentication", org_slug)
    return render(request, "scim/change_token.html", {"form": form, "token": token}, status=form_status(form))


@require_POST
@admin_required
def confirm_saved(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Confirm that the token was saved at the identity provider."""
    services.confirm_saved(token=queries.find_token(request.org, public_id))
    return redirect("authentication", org_slug)


@require_http_methods(["GET", "POST"])
@admin_required
def revoke_token(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Ask when, saying what will stop; then revoke the token at once, or plan its end."""
    token = queries.find_token(request.org, public_id)
    form = EndForm(queries.token_settings(token), request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with shown_in(form, None):
            messages.success(request, _end(request, token, form.delay()))
            return redirect("authentication", org_slug)
    context = {"form": form, "token": token, "state": queries.token_state(token)}
    return render(request, "scim/revoke_token.html", context, status=form_status(form))


def _end(request: OrgRequest, token: ScimToken, delay: timedelta) -> str:
    """End the token now or later. Returns what the page says of it. Raises TokenEnded."""
    if not delay:
        services.revoke_token(token=token, actor=request.actor)
        return f"The token “{token.label}” is revoked. Requests that use it are refused from now on."
    services.retire_token(token=token, after=delay, actor=request.actor)
    return f"The token “{token.label}” ends at {token.expires_at:%H:%M} UTC on {token.expires_at:%d %b %Y}."
