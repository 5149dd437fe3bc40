"""The frame of every step: who may enter, the way through, and what was typed and waits for somebody to come back."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from orgs.providers.registry import provider
from orgs.tenancy.access import OrgRequest, admin_required
from sso.connections import queries
from sso.connections.errors import NothingInPreparation
from sso.connections.models import Configuration, Connection
from sso.connections.types import STEPS, WizardStep
from sso.versions import services as versions
from sso.wizard.types import SetupStep

BACK, LEAVE = "back", "leave"
MOST_KEPT = 64 * 1024
TITLES = {
    WizardStep.PROVIDER: "Provider",
    WizardStep.VALUES: "Values",
    WizardStep.ATTRIBUTES: "Attributes",
    WizardStep.METADATA: "Metadata",
    WizardStep.DOMAIN: "Domain",
    WizardStep.REVIEW: "Review",
}


def step_url(connection: Connection, step: WizardStep) -> str:
    """Return where a step of the wizard is."""
    return reverse(f"wizard:{step}", args=[connection.org.slug, connection.public_id])


def setup_step(
    view: Callable[[OrgRequest, Connection, Configuration], HttpResponse],
) -> Callable[..., HttpResponseBase]:
    """Wrap a step of the wizard for the version in preparation; without one, lead to the connection's page."""

    @require_http_methods(["GET", "POST"])
    @admin_required
    @wraps(view)
    def enter(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
        connection = queries.find_connection(request.org, public_id)
        try:
            return view(request, connection, queries.in_preparation(connection))
        except NothingInPreparation as problem:
            # also when a colleague has just put it in force
            messages.info(request, problem.public)
            return redirect("connection", org_slug, public_id)

    return enter


def later_step(
    view: Callable[[OrgRequest, Connection, Configuration], HttpResponse],
) -> Callable[..., HttpResponseBase]:
    """Wrap a step that uses the provider's words, and so comes after it was chosen."""

    @wraps(view)
    def enter(request: OrgRequest, connection: Connection, draft: Configuration) -> HttpResponse:
        return (
            view(request, connection, draft) if draft.provider else redirect(step_url(connection, WizardStep.PROVIDER))
        )

    return setup_step(enter)


def show_step(
    request: OrgRequest, connection: Connection, draft: Configuration, step: WizardStep, **context: Any
) -> HttpResponse:
    """Return the page of one step, with the way through all of them."""
    status = context.pop("status", 200)
    place, shown = STEPS.index(step), request.POST.get("revision") or request.GET.get("revision") or ""
    common = {
        "connection": connection,
        "draft": draft,
        "provider": provider(draft.provider),
        "addresses": queries.addresses(connection),
        "steps": _steps(connection, draft, step),
        "back": step_url(connection, STEPS[place - 1]) if place else None,
        # a form that is shown again keeps the edit that it was made with, unless its reader was told of a newer one
        "revision": shown if shown.isdecimal() else draft.revision,
    }
    page = context.pop("page", step)
    return render(request, f"sso/setup_{page}.html", common | context, status=status)


def _steps(connection: Connection, draft: Configuration, current: WizardStep) -> list[SetupStep]:
    reached = WizardStep(connection.setup_step) if connection.is_being_set_up else STEPS[-1]
    missing = {WizardStep.PROVIDER: not draft.provider, WizardStep.METADATA: not draft.has_idp}
    steps = [SetupStep("Name", "done")]
    for step in STEPS:
        is_open = STEPS.index(step) <= STEPS.index(reached)
        is_done = is_open and step is not reached and not missing.get(step)
        state = "current" if step is current else "done" if is_done else "todo"
        steps.append(
            SetupStep(TITLES[step], state, step_url(connection, step) if is_open and step is not current else "")
        )
    return steps


def go_on(connection: Connection, step: WizardStep) -> HttpResponse:
    """Go to this step and store it as the one to resume at."""
    versions.reach_step(connection=connection, step=step)
    return redirect(step_url(connection, step))


def keep_input(request: OrgRequest, connection: Connection, page: str, names: Iterable[str]) -> None:
    """Keep what was typed in the session until somebody comes back to this page."""
    request.session[f"setup:{connection.public_id}:{page}"] = {
        name: request.POST.get(name, "")[:MOST_KEPT] for name in names
    }


def kept_input(request: OrgRequest, connection: Connection, page: str) -> dict[str, str] | None:
    """Return what was typed there and not used."""
    found: dict[str, str] | None = request.session.get(f"setup:{connection.public_id}:{page}")
    return found


def forget_input(request: OrgRequest, connection: Connection, *pages: str) -> None:
    """Delete the kept input, which was used."""
    for page in pages:
        request.session.pop(f"setup:{connection.public_id}:{page}", None)


def is_leaving(request: OrgRequest) -> bool:
    """Say whether the page is left by Back or Leave, which no error may hinder."""
    return BACK in request.POST or LEAVE in request.POST


def depart(request: OrgRequest, connection: Connection, back: WizardStep) -> HttpResponse:
    """Go where Back or Leave lead."""
    return (
        redirect("authentication", connection.org.slug)
        if LEAVE in request.POST
        else redirect(step_url(connection, back))
    )
