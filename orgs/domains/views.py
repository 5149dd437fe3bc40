from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from orgs.base.refusals import form_status, shown_in
from orgs.domains import queries, services
from orgs.domains.errors import CheckedJustNow
from orgs.domains.forms import DomainForm, RemoveForm, way_back
from orgs.domains.models import Domain
from orgs.tenancy import queries as tenancy
from orgs.tenancy.access import OrgRequest, admin_required

PAGE_SIZE = 50


@require_http_methods(["GET", "POST"])
@admin_required
def domains(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show the domains of the organization with the record that verifies each; a POST adds one."""
    form = DomainForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with shown_in(form, "name"):
            domain = services.add_domain(org=request.org, name=form.cleaned_data["name"], actor=request.actor)
            return _back_to(request, domain)
    page = Paginator(queries.list_domains(request.org), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [queries.row_of(domain) for domain in page]
    return render(request, "orgs/domains.html", {"form": form, "page": page, "rows": rows}, status=form_status(form))


@require_POST
@admin_required
def check(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Ask DNS, unless that was done a moment ago, then show at the domain what it said."""
    domain = queries.find_domain(request.org, public_id)
    try:
        services.check_domain(domain=domain, actor=request.actor)
    except CheckedJustNow as problem:
        messages.info(request, f"{domain.shown_name}: {problem.public}")
    return _back_to(request, domain)


@require_http_methods(["GET", "POST"])
@admin_required
def remove(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Say what removing means, then remove; a verified domain wants its name typed."""
    domain = queries.find_domain(request.org, public_id)
    word = domain.name if domain.is_verified else ""
    form = RemoveForm(request.POST if request.method == "POST" else None, word=word)
    if request.method != "POST" or not form.is_valid():
        context = {"domain": domain, "form": form} | _consequences(request, domain)
        return render(request, "orgs/domain_remove.html", context, status=form_status(form))
    services.remove_domain(domain=domain, actor=request.actor)
    messages.success(request, f"{domain.shown_name} is removed. Its TXT record in DNS has no use any more.")
    return redirect("domains:domains", org_slug)


def _consequences(request: OrgRequest, domain: Domain) -> dict[str, Any]:
    """Return who would be signed out, who has no other way in, and whether this admin is among them."""
    if not domain.is_verified:
        return {}
    sessions = tenancy.idp_sessions_under(request.org, domain.name_key)
    locked_out = tenancy.members_by_idp_alone(request.org, domain.name_key)
    own = request.session_grants.grant_for(request.org.slug)
    return {
        "sessions": sessions.count(),
        "is_own": own is not None and sessions.filter(pk=own.pk).exists(),
        "locked_out": locked_out.count(),
        "is_locked_out": locked_out.filter(pk=request.membership.pk).exists(),
    }


def _back_to(request: OrgRequest, domain: Domain) -> HttpResponse:
    """Return to the page that sent the form, else to the one of the list that shows the domain; at this domain."""
    path = way_back(request.POST.get("next", ""), _page_of(domain))
    return redirect(f"{path}#domain-{domain.public_id}")


def _page_of(domain: Domain) -> str:
    path, number = reverse("domains:domains", args=[domain.org.slug]), queries.place_of(domain) // PAGE_SIZE + 1
    return f"{path}?page={number}" if number > 1 else path
