from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from orgs.consent import queries as consent
from orgs.people import queries, services
from orgs.people.forms import MemberSearchForm
from orgs.people.types import MemberFilter
from orgs.tenancy import access
from orgs.tenancy.access import OrgRequest, admin_required

PAGE_SIZE = 50


@require_safe
@admin_required
def members(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show the members: state, role, origins and the reasons for them."""
    form = MemberSearchForm(request.GET)
    shown = form.shown()
    found = queries.list_members(request.org, shown)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    counts = queries.count_by_state(request.org)
    context = {"form": form, "page": page, "counts": counts, "total": sum(counts.values())}
    return render(request, "orgs/members.html", context | {"is_filtered": shown != MemberFilter()})


@require_safe
def invitation(request: OrgRequest, secret: str) -> HttpResponse:
    """Show who invites, and what to do next: sign in, sign up, or accept."""
    link = queries.find_link(secret)
    found = link.invitation
    # "not my account" is for the link alone, which proves that its reader has the mailbox
    may_remove_address = consent.may_remove_address(
        found.membership, visitor=request.user.pk, mailed_at=link.created_at
    )
    context = {"invitation": found, "secret": secret, "next": request.get_full_path()}
    return render(request, "orgs/invitation.html", context | {"may_remove_address": may_remove_address})


@require_POST
@login_required
def accept(request: OrgRequest, secret: str) -> HttpResponse:
    """Take the membership that this invitation keeps."""
    link = queries.find_link(secret)
    found = link.invitation
    actor = access.personal_actor(request, found.membership)
    services.accept_invitation(membership=found.membership, user=request.user, actor=actor, mailed_at=link.created_at)
    access.extend_session_grants(request.session, request.user)
    return redirect("org_home", found.org.slug)
