"""Which organizations a session may open: the only decorators that open an organization's pages.

A stranger gets 404, a member of the wrong role 403, and both look the same on every page of the organization.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID, uuid4

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render

from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.tenancy import queries, services
from orgs.tenancy.models import Membership, Organization, SessionGrant, User
from orgs.tenancy.types import PERSONAL_METHODS, SETTINGS_ROLES, Role, SessionClient, SignInMethod, Visitor

P = ParamSpec("P")
SESSION_GRANT_ID = "session_grant_id"
SIGN_IN_METHOD = "sign_in_method"
HAD_GRANTS = "had_session_grants"


@dataclass(frozen=True, slots=True)
class SessionGrants:
    """What one session may reach, read once for each request."""

    grants: Sequence[SessionGrant] = field(default_factory=tuple)
    method: SignInMethod | None = None
    is_signed_in: bool = False

    @property
    def organizations(self) -> list[Organization]:
        return [grant.org for grant in self.grants]

    @property
    def is_personal(self) -> bool:
        """Return whether a password or a passkey was given in this session: an IdP's assertion opens no account page."""
        return self.method in PERSONAL_METHODS

    def grant_for(self, slug: str) -> SessionGrant | None:
        return next((grant for grant in self.grants if grant.org.slug == slug), None)


class OrgRequest(HttpRequest):
    """A request that one of the decorators below has let through."""

    user: User
    session_grants: SessionGrants
    org: Organization
    membership: Membership
    # an owner's own password or passkey opened this organization in this session
    has_owner_proof: bool
    actor: Actor
    client_ip: str


def session_expiry() -> datetime:
    return now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)


def open_session_grants(session: SessionBase, user: User, method: SignInMethod) -> None:
    """Give the session that has just been signed in grants for each active membership of its account."""
    session_grant_id = uuid4()
    session[SESSION_GRANT_ID] = str(session_grant_id)
    session[SIGN_IN_METHOD] = method
    opened = services.open_personal_grants(
        user=user, session=session_grant_id, method=method, expires_at=session_expiry()
    )
    session[HAD_GRANTS] = opened > 0


def extend_session_grants(session: SessionBase, user: User) -> None:
    """Add grants for memberships that became active since sign-in, when the session has a personal proof."""
    if session.get(SIGN_IN_METHOD) not in PERSONAL_METHODS or SESSION_GRANT_ID not in session:
        return
    opened = services.open_personal_grants(
        user=user,
        session=UUID(session[SESSION_GRANT_ID]),
        method=SignInMethod(session[SIGN_IN_METHOD]),
        expires_at=session_expiry(),
    )
    session[HAD_GRANTS] = session.get(HAD_GRANTS, False) or opened > 0


def visitor_of(request: HttpRequest) -> Visitor:
    """Return in which session this browser is already."""
    if not request.user.is_authenticated:
        return Visitor()
    session_grant_id = request.session.get(SESSION_GRANT_ID)
    return Visitor(request.user.pk, UUID(session_grant_id) if session_grant_id is not None else None)


def sign_in_by_idp(request: HttpRequest, user: User, session_grant_id: UUID) -> None:
    """Sign the browser in as this person under a new session id; the grant for `session_grant_id` exists already.

    A session in which the same person gave a personal proof keeps it. What belonged to anybody else is gone.
    """
    # the sign-in opens what was granted, not every membership of the account
    request.idp_sign_in = True  # type: ignore[attr-defined]
    former_key = request.session.session_key
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    if request.session.session_key in {former_key, None}:
        # Django keeps the key of whoever was signed in already, and gives none to whom it takes another's place
        request.session.cycle_key()
    if request.session.get(SESSION_GRANT_ID) != str(session_grant_id):
        request.session[SESSION_GRANT_ID], request.session[SIGN_IN_METHOD] = str(session_grant_id), SignInMethod.SAML
    request.session[HAD_GRANTS] = True
    browser = SessionClient(get_adapter().get_client_ip(request), request.headers.get("User-Agent", ""))
    key = request.session.session_key or ""
    services.list_session(user=user, key=key, former_key=former_key, browser=browser)


def read_session_grants(session: SessionBase) -> SessionGrants:
    """Return what this signed-in session may reach now. One query."""
    session_grant_id = session.get(SESSION_GRANT_ID)
    if session_grant_id is None:
        return SessionGrants(is_signed_in=True)
    return SessionGrants(
        queries.live_grants(UUID(session_grant_id)), SignInMethod(session[SIGN_IN_METHOD]), is_signed_in=True
    )


def remember_had_grants(session: SessionBase, session_grants: SessionGrants) -> None:
    """Remember in the session that it had a grant, also one that came after its sign-in."""
    if session_grants.grants and not session.get(HAD_GRANTS):
        session[HAD_GRANTS] = True


def has_lost_all_grants(session: SessionBase, session_grants: SessionGrants) -> bool:
    """Say whether the session reached something and reaches nothing now: it must end (its memberships were suspended)."""
    return bool(session.get(HAD_GRANTS)) and not session_grants.grants


def personal_actor(request: OrgRequest, membership: Membership) -> Actor:
    """Return the signed-in person as the audit log of this organization names them: by the address that it knows."""
    return Actor(ActorKind.PERSON, reference=str(request.user.public_id), label=membership.email, ip=request.client_ip)


def shown_address(request: HttpRequest) -> str:
    """Return the address under which this session shows its person; empty when nobody is signed in.

    The account's own address may be private. An identity provider's sign-in shows the one that its organization knows.
    """
    session_grants: SessionGrants = getattr(request, "session_grants", SessionGrants())
    if not session_grants.is_signed_in or not request.user.is_authenticated:
        return ""
    if session_grants.is_personal:
        return request.user.email
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None and session_grants.grants:
        membership = session_grants.grants[0].membership
    return membership.email if membership is not None else ""


def member_required(
    view: Callable[Concatenate[OrgRequest, str, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Let in each active member of the organization that the URL names; its slug is the view's second argument."""

    @wraps(view)
    def wrapper(request: OrgRequest, org_slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return _enter(request, org_slug) or view(request, org_slug, *args, **kwargs)

    return wrapper


def admin_required(
    view: Callable[Concatenate[OrgRequest, str, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Let in owners and admins of the organization; other members get 403."""

    @wraps(view)
    def wrapper(request: OrgRequest, org_slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        turned_away = _enter(request, org_slug)
        if turned_away is not None:
            return turned_away
        if request.membership.role not in SETTINGS_ROLES:
            raise PermissionDenied
        return view(request, org_slug, *args, **kwargs)

    return wrapper


def owner_required(
    view: Callable[Concatenate[OrgRequest, str, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Let in owners who gave a password or a passkey in this session; other members get 403.

    It is for what only owners may do: ownership, deleting the organization, rules that could lock people out. An
    identity provider that signs somebody in as an owner lets them do what an admin may, and no more.
    """

    @wraps(view)
    def entry(request: OrgRequest, org_slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        turned_away = _enter(request, org_slug)
        if turned_away is not None:
            return turned_away
        if request.membership.role != Role.OWNER:
            raise PermissionDenied
        if not request.has_owner_proof:
            return render(request, "orgs/owner_proof.html", status=403)
        return view(request, org_slug, *args, **kwargs)

    return entry


def _enter(request: OrgRequest, org_slug: str) -> HttpResponseBase | None:
    """Set the request's organization, membership and actor, or return the redirect to the sign-in. Raises Http404."""
    if not request.session_grants.is_signed_in:
        return redirect_to_login(request.get_full_path())
    grant = request.session_grants.grant_for(org_slug)
    if grant is None:
        raise Http404
    request.has_owner_proof = grant.is_owners_own
    request.org, request.membership, request.actor = (
        grant.org,
        grant.membership,
        personal_actor(request, grant.membership),
    )
    return None
