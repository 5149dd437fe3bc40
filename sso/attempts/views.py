from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from orgs.base.refusals import told
from orgs.logs import pages
from orgs.logs.pages import ExportKind, Log
from orgs.providers.registry import provider
from orgs.tenancy.access import OrgRequest, admin_required
from sso.attempts import queries, services
from sso.attempts.forms import AttemptFilterForm
from sso.attempts.models import LoginAttempt
from sso.attempts.types import EXPORTED
from sso.connections.errors import IdentityUnknown

LOG = Log(
    name="sign-in-log",
    form=AttemptFilterForm,
    find=queries.list_attempts,
    columns=EXPORTED,
    cells=queries.exported,
)


@require_safe
@admin_required
def attempts(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show who tried to sign in through a connection, newest first, and how that ended."""
    return render(request, "sso/attempts.html", pages.page_context(request, LOG))


@require_safe
@admin_required
def export(request: OrgRequest, org_slug: str, kind: ExportKind) -> StreamingHttpResponse:
    """Return the attempts that the log's filters show, as a file."""
    return pages.export(request, LOG, kind)


@require_safe
@admin_required
def attempt(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Show one attempt: each check, expected against received, and what to change at the IdP."""
    found = queries.find_attempt(request.org, public_id)
    context: dict[str, Any] = {
        "attempt": found,
        "checks": queries.check_lines(found),
        "advice": queries.advice(found),
        "provider": provider(found.provider),
        "identities": queries.identities_in_the_way(found),
    }
    if context["identities"]:
        context["member"] = queries.member_to_enter(found)
    return render(request, "sso/attempt.html", context)


@require_POST
@admin_required
def forget(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Forget the Name ID that the page of this attempt showed, when it is still in the way."""
    found, named = queries.find_attempt(request.org, public_id), request.POST.get("identity", "")
    chosen = next((one for one in queries.identities_in_the_way(found) if one.key == named), None)
    with told(request):
        if chosen is None:
            raise IdentityUnknown
        services.forget_in_the_way(chosen=chosen, actor=request.actor)
        messages.success(request, f"“{chosen.name_id}” is forgotten. {_then(found)}")
    return redirect("attempts:attempt", org_slug, public_id)


def _then(attempt: LoginAttempt) -> str:
    if queries.identities_in_the_way(attempt):
        return "Another Name ID is still linked: the next sign-in may be refused because of it."
    return "The next sign-in links anew."
