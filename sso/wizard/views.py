from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from orgs.base.refusals import form_status, shown_in
from orgs.domains import queries as domains
from orgs.domains import services as domain_services
from orgs.domains.forms import DomainForm
from orgs.providers.idp_settings import NameIdFormat
from orgs.providers.registry import PROVIDERS, provider
from orgs.tenancy.access import OrgRequest, admin_required
from sso.connections import queries
from sso.connections.errors import NothingInPreparation, SetupIncomplete
from sso.connections.forms import NameForm
from sso.connections.models import Configuration, Connection
from sso.connections.types import NAME_ID_FORMATS, STEPS, MetadataSource, SignInRules, WizardStep
from sso.metadata import queries as metadata_queries
from sso.metadata import services as metadata
from sso.metadata.forms import FORMS, PROBLEM_FIELD, FileForm, ManualForm, form_for
from sso.metadata.models import MetadataSnapshot
from sso.metadata.types import MetadataRefused, SnapshotUnknown
from sso.saml.metadata_errors import PrivateKeyPasted
from sso.signin_tests import queries as tests
from sso.versions import services as versions
from sso.wizard.forms import AttributesForm, ProviderForm, UseMetadataForm
from sso.wizard.steps import (
    TITLES,
    depart,
    forget_input,
    go_on,
    is_leaving,
    keep_input,
    kept_input,
    later_step,
    setup_step,
    show_step,
    step_url,
)
from sso.wizard.types import AttributeLine, SetupStep

SHOWN_DOMAINS = 20
# what a colleague may have done meanwhile, so that there is no step to show any more
GONE = (NothingInPreparation,)


@require_http_methods(["GET", "POST"])
@admin_required
def new_connection(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Ask for a name; then the draft exists, and can be left and come back to."""
    form = NameForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        # where a directory brings people, signing in adds nobody unless an admin says so
        rules = SignInRules(jit=True, jit_until_directory=True)
        with shown_in(form, "name"):
            made = metadata.create_connection(
                org=request.org, name=form.cleaned_data["name"], rules=rules, actor=request.actor
            )
            return redirect(step_url(made, WizardStep.PROVIDER))
    context = {"form": form, "steps": [SetupStep("Name", "current"), *(SetupStep(TITLES[step]) for step in STEPS)]}
    return render(request, "sso/new_connection.html", context, status=form_status(form))


@setup_step
def provider_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Choose the provider, whose terms every later page uses."""
    initial, known = {"provider": draft.provider}, dict[str, Any]()
    form = ProviderForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        chosen = provider(form.cleaned_data["provider"])
        with shown_in(form, "provider", passing=GONE):
            versions.choose_provider(
                connection=connection,
                provider=chosen.code,
                name_id_format=chosen.guide.name_id_format,
                revision=form.cleaned_data["revision"],
                actor=request.actor,
            )
            return go_on(connection, WizardStep.VALUES)
        known = _as_stored(connection, _stored_provider)
    known["status"] = form_status(form)
    return show_step(request, connection, draft, WizardStep.PROVIDER, form=form, providers=PROVIDERS, **known)


def _as_stored(connection: Connection, rows: Callable[[Configuration], list[tuple[str, str]]]) -> dict[str, Any]:
    """Return what a colleague has saved meanwhile, to be compared, and the edit from which one may save then."""
    now_stored = queries.in_preparation(connection)
    return {"revision": now_stored.revision, "stored": rows(now_stored)}


def _stored_provider(draft: Configuration) -> list[tuple[str, str]]:
    return [("Identity provider", provider(draft.provider).name if draft.provider else "not chosen")]


def _stored_attributes(draft: Configuration) -> list[tuple[str, str]]:
    rows = [(row.label, row.name if row.is_chosen else "its usual names") for row in queries.attribute_rows(draft)]
    signatures = "on the response and on the assertion" if draft.needs_both_signed else "one is enough"
    return [*rows, ("Name ID format", NAME_ID_FORMATS[NameIdFormat(draft.name_id_format)]), ("Signatures", signatures)]


@later_step
def values_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Show what to copy into the IdP's form, in that form's order."""
    if request.method == "POST":
        return go_on(connection, WizardStep.ATTRIBUTES)
    values = queries.values_to_copy(connection, draft)
    return show_step(request, connection, draft, WizardStep.VALUES, values=values)


@later_step
def attributes_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Show which attributes to add at the IdP, and by which names they are read."""
    sent, known = request.POST if request.method == "POST" else None, dict[str, Any]()
    form = AttributesForm(sent, provider=provider(draft.provider), chosen=queries.attribute_choice(draft))
    form.initial.update(kept_input(request, connection, WizardStep.ATTRIBUTES) or {})
    if form.is_bound and form.is_valid():
        with shown_in(form, None, passing=GONE):
            versions.choose_attributes(
                connection=connection,
                choice=form.choice(),
                revision=form.cleaned_data["revision"],
                actor=request.actor,
            )
            return _after_attributes(request, connection, draft)
        known = _as_stored(connection, _stored_attributes)
    elif is_leaving(request):
        keep_input(request, connection, WizardStep.ATTRIBUTES, form.fields)
        return depart(request, connection, WizardStep.VALUES)
    reading = tests.last_reading(connection, draft)
    rows = provider(draft.provider).guide.attributes
    known["lines"] = [AttributeLine(row, reading.rows[row.field] if reading else None) for row in rows]
    known["status"] = form_status(form)
    return show_step(request, connection, draft, WizardStep.ATTRIBUTES, form=form, reading=reading, **known)


def _after_attributes(request: OrgRequest, connection: Connection, before: Configuration) -> HttpResponse:
    forget_input(request, connection, WizardStep.ATTRIBUTES)
    chosen = queries.in_preparation(connection).name_id_format
    if chosen != before.name_id_format:
        label = NAME_ID_FORMATS[NameIdFormat(chosen)]
        party = provider(before.provider).party
        messages.info(request, f"The Name ID format is {label} now. Set it so in {party}, too: step Values shows it.")
    if is_leaving(request):
        return depart(request, connection, WizardStep.VALUES)
    return go_on(connection, WizardStep.METADATA)


@later_step
def metadata_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Take the IdP's side by URL, file or hand; what was read is shown before it is used."""
    hints = provider(draft.provider).guide.metadata
    way = request.POST.get("way") or request.GET.get("way") or ""
    way = way if way in FORMS else draft.metadata_source or str(hints[0].way)
    if request.method == "POST" and "keep" in request.POST and draft.has_idp:
        return go_on(connection, WizardStep.DOMAIN)
    initial = kept_input(request, connection, way) or metadata_queries.stored_input(draft, way)
    form = form_for(way, request.POST, request.FILES) if request.method == "POST" else form_for(way, initial=initial)
    if form.is_bound and form.has_error("certificate", PrivateKeyPasted.code):
        forget_input(request, connection, way)
    elif form.is_bound:
        keep_input(request, connection, way, form.fields)
    if is_leaving(request):
        return depart(request, connection, WizardStep.ATTRIBUTES)
    if form.is_bound and form.is_valid():
        with shown_in(form, PROBLEM_FIELD[way], passing=GONE):
            snapshot = _read(connection, form)
            for remark in metadata_queries.left_out_remarks(form.left_out) if isinstance(form, ManualForm) else ():
                messages.warning(request, remark.text)
            return _look_at(request, connection, snapshot)
    context = {"form": form, "way": way, "hints": hints, "status": form_status(form)}
    context["unused"] = metadata_queries.latest_unused(connection)
    return show_step(request, connection, draft, WizardStep.METADATA, **context)


def _look_at(request: OrgRequest, connection: Connection, snapshot: MetadataSnapshot) -> HttpResponse:
    """Lead to what was read, with the edit that was on the page: a colleague's newer one isn't overwritten unseen."""
    url = reverse("wizard:preview", args=[connection.org.slug, connection.public_id, snapshot.public_id])
    return redirect(f"{url}?{urlencode({'revision': request.POST.get('revision', '')})}")


def _read(connection: Connection, form: Form) -> MetadataSnapshot:
    if isinstance(form, FileForm):
        return metadata.take_document(connection=connection, document=form.cleaned_data["document"])
    if isinstance(form, ManualForm):
        return metadata.take_typed(connection=connection, typed=form.typed())
    return metadata.fetch_metadata(connection=connection, url=form.cleaned_data["url"])


def metadata_preview(request: OrgRequest, org_slug: str, public_id: UUID, snapshot_id: UUID) -> HttpResponseBase:
    """Show what was read, to be used or not; the IdP's own names win over what we suggested."""

    def show(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
        try:
            snapshot = metadata_queries.find_snapshot(connection, snapshot_id)
            return _preview(request, connection, draft, snapshot)
        except (SnapshotUnknown, MetadataRefused) as problem:
            messages.error(request, problem.public)
            return redirect(step_url(connection, WizardStep.METADATA))

    return later_step(show)(request, org_slug, public_id)


def _preview(
    request: OrgRequest, connection: Connection, draft: Configuration, snapshot: MetadataSnapshot
) -> HttpResponse:
    """Raises MetadataRefused."""
    idp, known = metadata_queries.read_snapshot(snapshot), dict[str, Any]()
    others = queries.certificates_beside(draft, idp.entity_id, idp.certificates)
    has_expired = metadata_queries.has_expired(idp)
    form = UseMetadataForm(
        request.POST if request.method == "POST" else None,
        has_others=bool(others),
        has_expired=has_expired,
        # what was typed by hand is what the admin made of the whole list
        keeps=snapshot.source != MetadataSource.MANUAL,
    )
    if form.is_bound and form.is_valid():
        revision, use = form.cleaned_data["revision"], form.use()
        with shown_in(form, None, passing=(*GONE, MetadataRefused)):
            metadata.use_snapshot(
                connection=connection, snapshot=snapshot, revision=revision, actor=request.actor, use=use
            )
            forget_input(request, connection, *FORMS)
            return go_on(connection, WizardStep.DOMAIN)
        draft = queries.in_preparation(connection)
        known["revision"] = draft.revision
    known |= {"snapshot": snapshot, "idp": idp, "others": others, "page": "preview", "has_expired": has_expired}
    known["remarks"] = metadata_queries.remarks(draft, idp)
    status = form_status(form)
    return show_step(request, connection, draft, WizardStep.METADATA, form=form, status=status, **known)


@later_step
def domain_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Show which domains people sign in with, each verified by its own record; one may be added here."""
    sent = request.method == "POST"
    if is_leaving(request):
        keep_input(request, connection, WizardStep.DOMAIN, ["name"])
        return depart(request, connection, WizardStep.METADATA)
    if sent and not request.POST.get("name") and "add" not in request.POST:
        return go_on(connection, WizardStep.REVIEW)
    form = DomainForm(request.POST if sent else None, initial=kept_input(request, connection, WizardStep.DOMAIN))
    if form.is_bound and form.is_valid():
        with shown_in(form, "name"):
            domain_services.add_domain(org=request.org, name=form.cleaned_data["name"], actor=request.actor)
            forget_input(request, connection, WizardStep.DOMAIN)
            return redirect(step_url(connection, WizardStep.DOMAIN))
    rows = [domains.row_of(domain) for domain in domains.list_domains(request.org)[:SHOWN_DOMAINS]]
    return show_step(request, connection, draft, WizardStep.DOMAIN, rows=rows, form=form, status=form_status(form))


@later_step
def review_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Show what will apply, on one page; finishing turns nothing on."""
    if request.method == "POST":
        try:
            versions.finish_setup(connection=connection, actor=request.actor)
        except SetupIncomplete as problem:
            messages.error(request, problem.public)
            return redirect(step_url(connection, WizardStep.METADATA))
        return redirect("connection", request.org.slug, connection.public_id)
    verified = list(domains.verified_domains(request.org)[:SHOWN_DOMAINS])
    return show_step(
        request, connection, draft, WizardStep.REVIEW, verified=verified, names=queries.attribute_rows(draft)
    )
