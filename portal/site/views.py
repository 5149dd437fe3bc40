import sys
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from orgs.base.database import came_of_unavailable, is_unavailable
from orgs.consent import queries as consent
from orgs.people import services as people
from orgs.people.errors import InvitationUnknown
from orgs.tenancy import access
from orgs.tenancy import queries as tenancy
from orgs.tenancy.access import OrgRequest, admin_required, member_required
from orgs.tenancy.types import SETTINGS_ROLES
from portal.site import guides, overview
from portal.site.health import unavailable
from portal.site.navigation import FIRST_PAGE
from scim.activity import queries as activity
from scim.directories import queries as directories
from scim.directories.types import MemberListing
from scim.users import services as users
from sso.connections import queries as connections


@require_safe
@admin_required
def guide(request: OrgRequest, org_slug: str, name: str) -> HttpResponse:
    """Show one identity provider's guide, or the page of all codes."""
    found = guides.pages().get(name)
    if found is None:
        raise Http404
    title, content = found
    return render(request, "portal/guide.html", {"title": title, "content": content, "is_start": name == guides.START})


@require_safe
@login_required
def home(request: OrgRequest) -> HttpResponse:
    """Lead to the only organization, to the choice between several, or to the page of who has none."""
    orgs = request.session_grants.organizations
    if len(orgs) == 1:
        return redirect("org_home", orgs[0].slug)
    if orgs:
        return render(request, "portal/choose_organization.html")
    return no_organization(request)


def no_organization(request: OrgRequest) -> HttpResponse:
    """Say what an account without any organization can do, and offer the memberships that wait for its consent."""
    memberships = tenancy.waiting_memberships_of(request.user)[:20] if request.session_grants.is_personal else []
    waiting = [(membership, consent.may_accept_without_link(membership, request.user)) for membership in memberships]
    return render(request, "portal/no_organization.html", {"waiting": waiting})


@require_POST
@login_required
def look_again(request: OrgRequest) -> HttpResponse:
    """Open what became reachable since sign-in, then go home."""
    access.extend_session_grants(request.session, request.user)
    return redirect("home")


@require_POST
@login_required
def accept_waiting(request: OrgRequest, public_id: UUID) -> HttpResponse:
    """Take a membership that waits for one of the account's verified addresses."""
    membership = tenancy.waiting_memberships_of(request.user).filter(public_id=public_id).first()
    if membership is None:
        raise InvitationUnknown
    actor = access.personal_actor(request, membership)
    people.accept_invitation(membership=membership, user=request.user, actor=actor, mailed_at=None)
    access.extend_session_grants(request.session, request.user)
    return redirect("org_home", membership.org.slug)


@require_safe
@member_required
def org_home(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Redirect admins to the settings; show everybody else a page with their role."""
    if request.membership.role in SETTINGS_ROLES:
        return redirect(FIRST_PAGE, org_slug)
    return render(request, "portal/org_home.html", {"membership": request.membership})


@require_safe
@admin_required
def settings_home(request: OrgRequest, org_slug: str) -> HttpResponse:
    return redirect(FIRST_PAGE, org_slug)


@require_safe
@admin_required
def authentication(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show the page Authentication & SSO: health, single sign-on, provisioning with its Base URL and tokens."""
    return render(request, "portal/authentication.html", overview.of_org(request.org))


@require_safe
@admin_required
def connection(request: OrgRequest, org_slug: str, public_id: UUID) -> HttpResponse:
    """Show one connection: its state, test and switch, what the IdP needs, its certificates and rules, and the directory."""
    found = connections.find_connection(request.org, public_id)
    if found.is_being_set_up:
        return redirect(f"wizard:{found.setup_step}", org_slug, public_id)
    return render(request, "portal/connection.html", overview.of_connection(request.org, found))


@require_POST
@admin_required
def set_member_listing(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Turn on or off that the identity provider sees members whom it doesn't manage."""
    listing = MemberListing.ON if request.POST.get("listing") == MemberListing.ON else MemberListing.OFF
    users.set_listing(directory=directories.first_directory(request.org), listing=listing, actor=request.actor)
    return redirect(f"{reverse('authentication', args=[org_slug])}#existing-members")


@require_safe
@admin_required
def provisioning_pulse(request: OrgRequest, org_slug: str) -> HttpResponse:
    """Show the live part of that page: whether the IdP has called, and how that went."""
    pulse = activity.health(directories.first_directory(request.org))
    if request.GET.get("shown") == pulse.state_key:
        # nothing is swapped, so a screen reader isn't told the same thing every two seconds
        return HttpResponse(status=204)
    return render(request, "portal/authentication.html#pulse", {"pulse": pulse, "org": request.org})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Tell that the form was open for too long or came from elsewhere; the browser keeps what was typed."""
    return render(request, "portal/csrf_failure.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    # Django says 400 for a session that can't be saved, whatever the database's reason is
    if came_of_unavailable(exception):
        return unavailable(request, exception)
    return render(request, "400.html", status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Show the last page, without query or session: nothing that could fail again. 503 when the database is away."""
    if is_unavailable(error := sys.exception()):
        return unavailable(request, error)
    context = {"request_id": getattr(request, "request_id", "")}
    return HttpResponse(render_to_string("500.html", context), status=500)
