from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs.base.refusals import form_status, shown_in, told
from orgs.people import queries as people
from orgs.providers.registry import provider
from orgs.tenancy import queries as tenancy
from orgs.tenancy.access import OrgRequest, admin_required
from sso.connections import queries, services
from sso.connections.errors import ChangedMeanwhile, NameNotTyped
from sso.connections.forms import RemovalForm, RulesForm, SeenForm
from sso.connections.models import Connection
from sso.connections.types import CertificateRemoval, Seen, Stage


@require_http_methods(["GET", "POST"])
@admin_required
def change_rules(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Save name and rules; they hold from the next sign-in on."""
    connection, sent = (
        queries.find_connection(request.org, public_id),
        request.POST if request.method == "POST" else None,
    )
    form = RulesForm.of(connection.name, queries.rules(connection), sent)
    context = {"form": form, "connection": connection, "shown": request.POST.get("shown", "")}
    if form.is_bound and form.is_valid():
        with shown_in(form, None), shown_in(form, "name", passing=(ChangedMeanwhile,)):
            _save_rules(request, connection, form)
            messages.success(request, "Saved. It holds from the next sign-in on.")
            return redirect("connection", org_slug, public_id)
        if form.has_error(NON_FIELD_ERRORS, ChangedMeanwhile.code):
            # told of it, the admin may save once more
            context |= _as_stored(queries.find_connection(request.org, public_id))
    if not form.is_bound:
        context["shown"] = queries.settings_etag(connection)
    context["has_directory_members"] = people.has_directory_members(request.org)
    return render(request, "sso/rules.html", context, status=form_status(form))


def _save_rules(request: OrgRequest, connection: Connection, form: RulesForm) -> None:
    name, shown = form.cleaned_data["name"], request.POST.get("shown", "")
    services.change_settings(connection=connection, name=name, rules=form.rules(), shown=shown, actor=request.actor)


def _as_stored(connection: Connection) -> dict[str, Any]:
    """Return what a colleague has saved meanwhile, to be compared."""
    held = queries.rules(connection)
    rows = [
        ("Connection name", connection.name),
        ("Add people when they sign in", "Yes" if held.jit else "No"),
        ("Role of people added this way", held.default_role.label),
        ("Let the identity provider begin sign-ins", "Yes" if held.allow_idp_initiated else "No"),
    ]
    return {"shown": queries.settings_etag(connection), "stored": rows, "connection": connection}


@require_safe
@admin_required
def sp_certificate(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Hand out the certificate of the key that signs our requests, as a PEM file."""
    connection = queries.find_connection(request.org, public_id)
    name = f"gatehouse-{connection.public_id.hex[:8]}-certificate.pem"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(queries.sp_certificate(connection), "application/x-pem-file", headers=headers)


@require_POST
@admin_required
def turn_on(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Turn on the version that the page showed, when it has passed its test.

    Where that ends sessions, or takes out a certificate that opened some, it is asked for once more.
    """
    connection, form = queries.find_connection(request.org, public_id), SeenForm(request.POST)
    seen = form.seen()
    if queries.replaces_idp(connection, seen.number) and "confirmed" not in request.POST:
        consequences = _consequences(request, connection)
        if consequences["sessions"]:
            return render(request, "sso/put_in_force.html", consequences | {"seen": seen})
    removal, question = _ask_about_certificates(request, connection, seen)
    if question is not None:
        return question
    with told(request):
        services.turn_on(connection=connection, actor=request.actor, seen=seen, removal=removal)
        messages.success(request, f"“{connection.name}” is on. People can sign in through it now.")
    return redirect("connection", org_slug, public_id)


def _ask_about_certificates(
    request: OrgRequest, connection: Connection, seen: Seen
) -> tuple[CertificateRemoval | None, HttpResponse | None]:
    """Return what the admin says of the certificates that are removed, or the page that asks, when they opened sessions."""
    draft = queries.configuration(connection, Stage.DRAFT)
    if draft is None or draft.number != seen.number:
        return None, None
    removed = queries.removed_certificates(queries.in_force(connection), draft)
    opened = tenancy.grants_by_certificates(
        connection.org, connection.public_id, [certificate.fingerprint for certificate in removed]
    )
    count = opened.count() if removed else 0
    form = RemovalForm(request.POST if "end_sessions" in request.POST or "reason" in request.POST else None)
    if form.is_valid():
        return form.removal(), None
    if not count:
        return None, None
    context = {"connection": connection, "seen": seen, "removed": removed, "sessions": count, "form": form}
    page = render(request, "sso/certificate_removed.html", context, status=400 if form.is_bound else 200)
    return None, page


@require_http_methods(["GET", "POST"])
@admin_required
def turn_off(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Ask once, saying who will be out; then turn off at once."""
    connection = queries.find_connection(request.org, public_id)
    if request.method != "POST":
        return render(request, "sso/turn_off.html", _consequences(request, connection))
    with told(request):
        services.turn_off(connection=connection, actor=request.actor)
        messages.success(request, f"“{connection.name}” is off. Nobody signs in through it.")
    return redirect("connection", org_slug, public_id)


@require_http_methods(["GET", "POST"])
@admin_required
def delete(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Delete once its name has been typed."""
    connection = queries.find_connection(request.org, public_id)
    problem = ""
    if request.method == "POST":
        try:
            services.delete_connection(
                connection=connection, typed_name=request.POST.get("confirm", ""), actor=request.actor
            )
        except NameNotTyped as error:
            problem = error.public
        else:
            messages.success(request, f"“{connection.name}” is deleted.")
            return redirect("authentication", org_slug)
    context = _consequences(request, connection) | {"problem": problem}
    return render(request, "sso/delete_connection.html", context, status=400 if problem else 200)


def _consequences(request: OrgRequest, connection: Connection) -> dict[str, Any]:
    """Return who would be signed out, and whether this admin is among them."""
    own = request.session_grants.grant_for(connection.org.slug)
    return {
        "connection": connection,
        "provider": provider(connection.provider),
        "sessions": tenancy.sessions_through(connection.org, connection.public_id),
        "is_own": own is not None and own.connection == connection.public_id,
    }
