from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from orgs.base.errors import DomainError
from orgs.domains import queries as domains
from orgs.domains import services as domain_services
from orgs.domains.forms import DomainForm
from orgs.tenancy.access import OrgRequest, admin_required
from sso.connections import queries, services
from sso.connections.errors import ConnectionUnknown, NothingInPreparation
from sso.connections.forms import NameForm
from sso.connections.models import Configuration, Connection
from sso.connections.types import STEPS, SignInRules, Step
from sso.metadata import queries as metadata_queries
from sso.metadata import services as metadata
from sso.metadata.forms import FORMS, PROBLEM_FIELD, FileForm, HandForm, form_for
from sso.metadata.models import MetadataSnapshot
from sso.providers.catalogue import PROVIDERS, provider
from sso.signin import queries as signin
from sso.versions import services as versions
from sso.wizard.forms import AttributesForm, ProviderForm, RevisionForm
from sso.wizard.types import AttributeLine, SetupStep

SHOWN_DOMAINS = 20
BACK = "back"
MOST_KEPT = 64 * 1024
TITLES = {
    Step.PROVIDER: "Provider",
    Step.VALUES: "Values",
    Step.ATTRIBUTES: "Attributes",
    Step.METADATA: "Metadata",
    Step.DOMAIN: "Domain",
    Step.REVIEW: "Review",
}


@require_http_methods(["GET", "POST"])
@admin_required
def new_connection(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Ask for a name; then the draft exists, and can be left and come back to."""
    form = NameForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _ask_name(request, form, 400 if form.is_bound else 200)
    # where a directory brings people, signing in adds nobody unless an admin says so
    rules = SignInRules(jit=True, jit_until_directory=True)
    try:
        made = services.create_connection(
            org=request.org, name=form.cleaned_data["name"], rules=rules, actor=request.actor
        )
    except DomainError as problem:
        form.add_error("name", problem.public)
        return _ask_name(request, form, 409)
    return redirect(step_url(made, Step.PROVIDER))


def _ask_name(request: OrgRequest, form: NameForm, status: int) -> HttpResponse:
    context = {"form": form, "steps": [SetupStep("Name", "current"), *(SetupStep(TITLES[step]) for step in STEPS)]}
    return render(request, "sso/new_connection.html", context, status=status)


def step_url(connection: Connection, step: Step) -> str:
    """Return where a step of the wizard is."""
    return reverse(f"wizard:{step}", args=[connection.org.slug, connection.public_id])


def setup_step(
    view: Callable[[OrgRequest, Connection, Configuration], HttpResponse],
) -> Callable[..., HttpResponseBase]:
    """A step of the wizard for the version in preparation; where there is none, the connection's page says what there is."""

    @require_http_methods(["GET", "POST"])
    @admin_required
    @wraps(view)
    def enter(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
        connection = find(request, public_id)
        try:
            draft = queries.in_preparation(connection)
        except NothingInPreparation as problem:
            messages.info(request, problem.public)
            return redirect("connection", org_slug, public_id)
        return view(request, connection, draft)

    return enter


def find(request: OrgRequest, public_id: UUID) -> Connection:
    """Raises Http404."""
    try:
        return queries.find_connection(request.org, public_id)
    except ConnectionUnknown as error:
        raise Http404 from error


def show_step(
    request: OrgRequest, connection: Connection, draft: Configuration, step: Step, **context: Any
) -> HttpResponse:
    """Return the page of one step, with the way through all of them."""
    status = context.pop("status", 200)
    place = STEPS.index(step)
    common = {
        "connection": connection,
        "draft": draft,
        "provider": provider(draft.provider),
        "addresses": queries.addresses(connection),
        "steps": _steps(connection, step),
        "back": step_url(connection, STEPS[place - 1]) if place else None,
        # a form that is shown again keeps the edit that it was made with, unless its reader was told of a newer one
        "revision": request.POST.get("revision") or draft.revision,
    }
    page = context.pop("page", step)
    return render(request, f"sso/setup_{page}.html", common | context, status=status)


def _steps(connection: Connection, current: Step) -> list[SetupStep]:
    reached = Step(connection.setup_step) if connection.is_being_set_up else STEPS[-1]
    steps = [SetupStep("Name", "done")]
    for step in STEPS:
        is_open = STEPS.index(step) <= STEPS.index(reached)
        state = "current" if step is current else "done" if is_open and step is not reached else "todo"
        steps.append(
            SetupStep(TITLES[step], state, step_url(connection, step) if is_open and step is not current else "")
        )
    return steps


def go_on(connection: Connection, step: Step) -> HttpResponse:
    """The wizard is at this step, now and when somebody comes back."""
    versions.reach_step(connection=connection, step=step)
    return redirect(step_url(connection, step))


@setup_step
def provider_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Which IdP it is: every later page speaks its words."""
    initial = {"provider": draft.provider}
    form, known = ProviderForm(request.POST if request.method == "POST" else None, initial=initial), dict[str, int]()
    if request.method == "POST" and form.is_valid():
        chosen = provider(form.cleaned_data["provider"])
        try:
            versions.choose_provider(
                connection=connection,
                provider=chosen.code,
                name_id_format=chosen.name_id_format,
                revision=form.cleaned_data["revision"],
                actor=request.actor,
            )
        except DomainError as problem:
            form.add_error("provider", problem.public)
            known["revision"] = queries.in_preparation(connection).revision
        else:
            return go_on(connection, Step.VALUES)
    known["status"] = 400 if form.is_bound else 200
    return show_step(request, connection, draft, Step.PROVIDER, form=form, providers=PROVIDERS, **known)


@setup_step
def values_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """What to copy into the IdP's form, in that form's order."""
    if not draft.provider:
        return redirect(step_url(connection, Step.PROVIDER))
    if request.method == "POST":
        return go_on(connection, Step.ATTRIBUTES)
    values = queries.values_to_copy(connection, draft)
    return show_step(request, connection, draft, Step.VALUES, values=values)


@setup_step
def attributes_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Which attributes to add at the IdP, and by which names they are read."""
    if not draft.provider:
        return redirect(step_url(connection, Step.PROVIDER))
    sent, known = request.POST if request.method == "POST" else None, dict[str, int]()
    chosen = queries.attribute_choice(draft)
    form = AttributesForm(sent, provider=provider(draft.provider), chosen=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            versions.choose_attributes(
                connection=connection,
                choice=form.choice(),
                revision=form.cleaned_data["revision"],
                actor=request.actor,
            )
        except DomainError as problem:
            form.add_error(None, problem.public)
            known["revision"] = queries.in_preparation(connection).revision
        else:
            return go_on(connection, Step.VALUES if BACK in request.POST else Step.METADATA)
    known["status"] = 400 if form.is_bound else 200
    reading = signin.last_reading(connection, draft)
    lines = [
        AttributeLine(row, reading.rows[row.field] if reading else None) for row in provider(draft.provider).attributes
    ]
    return show_step(request, connection, draft, Step.ATTRIBUTES, form=form, lines=lines, reading=reading, **known)


@setup_step
def metadata_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """The IdP's side by URL, file or hand; what was read is looked at before it is used."""
    if not draft.provider:
        return redirect(step_url(connection, Step.PROVIDER))
    hints = provider(draft.provider).metadata
    way = request.POST.get("way") or request.GET.get("way") or ""
    way = way if way in FORMS else str(hints[0].way)
    if request.method == "POST" and "keep" in request.POST and draft.has_idp:
        return go_on(connection, Step.DOMAIN)
    kept = f"metadata:{connection.public_id}:{way}"
    if BACK in request.POST:
        # what was typed waits in the session until somebody comes back
        request.session[kept] = {name: request.POST.get(name, "")[:MOST_KEPT] for name in form_for(way).fields}
        return redirect(step_url(connection, Step.ATTRIBUTES))
    initial = request.session.get(kept)
    form = form_for(way, request.POST, request.FILES) if request.method == "POST" else form_for(way, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            snapshot = _read(connection, form)
        except DomainError as problem:
            form.add_error(PROBLEM_FIELD[way], problem.public)
        else:
            return redirect("wizard:preview", request.org.slug, connection.public_id, snapshot.public_id)
    context = {"form": form, "way": way, "hints": hints, "status": 400 if form.is_bound else 200}
    return show_step(request, connection, draft, Step.METADATA, **context)


def _read(connection: Connection, form: Form) -> MetadataSnapshot:
    if isinstance(form, FileForm):
        return metadata.take_document(connection=connection, document=form.cleaned_data["document"])
    if isinstance(form, HandForm):
        return metadata.take_typed(connection=connection, typed=form.typed())
    return metadata.fetch_metadata(connection=connection, url=form.cleaned_data["url"])


@require_http_methods(["GET", "POST"])
@admin_required
def metadata_preview(request: OrgRequest, org_slug: str, public_id: UUID, snapshot_id: UUID) -> HttpResponse:
    """What was read, to be used or not; the IdP's own words win over what we suggested."""
    connection = find(request, public_id)
    try:
        draft = queries.in_preparation(connection)
        snapshot = metadata_queries.find_snapshot(connection, snapshot_id)
        idp = metadata_queries.read_snapshot(snapshot)
        form = RevisionForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            metadata.use_snapshot(
                connection=connection, snapshot=snapshot, revision=form.cleaned_data["revision"], actor=request.actor
            )
            return go_on(connection, Step.DOMAIN)
    except DomainError as problem:
        messages.error(request, problem.public)
        return redirect(step_url(connection, Step.METADATA))
    remarks = metadata_queries.remarks(draft, idp)
    context = {"snapshot": snapshot, "idp": idp, "remarks": remarks, "form": form, "page": "preview"}
    context["status"] = 400 if form.is_bound else 200
    return show_step(request, connection, draft, Step.METADATA, **context)


@setup_step
def domain_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """Which domains people sign in with, each proved by its own record; one may be added here."""
    form = DomainForm(request.POST if "name" in request.POST else None)
    if request.method == "POST" and not form.is_bound:
        return go_on(connection, Step.REVIEW)
    if form.is_bound and form.is_valid():
        try:
            domain_services.add_domain(org=request.org, name=form.cleaned_data["name"], actor=request.actor)
        except DomainError as problem:
            form.add_error("name", problem.public)
        else:
            return redirect(step_url(connection, Step.DOMAIN))
    rows = [domains.row_of(domain) for domain in domains.list_domains(request.org)[:SHOWN_DOMAINS]]
    return show_step(
        request, connection, draft, Step.DOMAIN, rows=rows, form=form, status=400 if form.is_bound else 200
    )


@setup_step
def review_step(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
    """What will hold, on one page; finishing turns nothing on."""
    if request.method == "POST":
        try:
            versions.finish_setup(connection=connection, actor=request.actor)
        except DomainError as problem:
            messages.error(request, problem.public)
            return redirect(step_url(connection, Step.METADATA))
        return redirect("connection", request.org.slug, connection.public_id)
    verified = list(domains.verified_domains(request.org)[:SHOWN_DOMAINS])
    return show_step(
        request, connection, draft, Step.REVIEW, verified=verified, names=queries.attribute_rows(connection, draft)
    )
