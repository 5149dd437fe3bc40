"""Who may reach which organisation: the only doors to an organisation's pages.

A stranger gets 404, a member of the wrong role 403, and both look the same on every page of the organisation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID, uuid4

from allauth.account.signals import user_logged_in
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
from orgs.tenancy.types import PERSONAL_METHODS, SETTINGS_ROLES, Role, SignInMethod, Visitor

P = ParamSpec("P")
MARK = "reach_mark"
METHOD = "reach_method"
HAD_REACH = "reach_had_any"


@dataclass(frozen=True, slots=True)
class Reach:
    """What one session may reach, read once for each request."""

    grants: Sequence[SessionGrant] = field(default_factory=tuple)
    method: SignInMethod | None = None
    is_signed_in: bool = False

    @property
    def organizations(self) -> list[Organization]:
        return [grant.org for grant in self.grants]

    @property
    def is_personal(self) -> bool:
        """Whether a password or a passkey was given in this session: an IdP's word opens no account page."""
        return self.method in PERSONAL_METHODS

    def grant_for(self, slug: str) -> SessionGrant | None:
        return next((grant for grant in self.grants if grant.org.slug == slug), None)


class OrgRequest(HttpRequest):
    """A request that has passed one of the doors below."""

    user: User
    reach: Reach
    org: Organization
    membership: Membership
    # an owner's own password or passkey opened this organization in this session
    has_owner_proof: bool
    actor: Actor
    client_ip: str


def session_expiry() -> datetime:
    return now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)


def open_reach(session: SessionBase, user: User, method: SignInMethod) -> None:
    """The session that has just been signed in reaches every active seat of its account."""
    mark = uuid4()
    session[MARK] = str(mark)
    session[METHOD] = method
    opened = services.open_personal_grants(user=user, session=mark, method=method, expires_at=session_expiry())
    session[HAD_REACH] = opened > 0


def widen_reach(session: SessionBase, user: User) -> None:
    """Seats that became active since sign-in are reached too, when the session holds a personal proof."""
    if session.get(METHOD) not in PERSONAL_METHODS or MARK not in session:
        return
    opened = services.open_personal_grants(
        user=user, session=UUID(session[MARK]), method=SignInMethod(session[METHOD]), expires_at=session_expiry()
    )
    session[HAD_REACH] = session.get(HAD_REACH, False) or opened > 0


def visitor_of(request: HttpRequest) -> Visitor:
    """Return in which session this browser is already."""
    if not request.user.is_authenticated:
        return Visitor()
    mark = request.session.get(MARK)
    return Visitor(request.user.pk, UUID(mark) if mark is not None else None)


def enter_by_idp(request: HttpRequest, user: User, mark: UUID) -> None:
    """The browser is signed in as this person, under a new session id; the seat was granted to `mark` before.

    A session in which the same person gave a personal proof keeps it. What belonged to anybody else is gone.
    """
    # the sign-in opens what was granted, not every seat of the account
    request.idp_sign_in = True  # type: ignore[attr-defined]
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session.cycle_key()
    if request.session.get(MARK) != str(mark):
        request.session[MARK], request.session[METHOD] = str(mark), SignInMethod.SAML
    request.session[HAD_REACH] = True
    # the page of sessions lists it, too
    user_logged_in.send(sender=User, request=request, user=user)


def read_reach(session: SessionBase) -> Reach:
    """Return what this signed-in session may reach now. One query."""
    mark = session.get(MARK)
    if mark is None:
        return Reach(is_signed_in=True)
    return Reach(queries.live_grants(UUID(mark)), SignInMethod(session[METHOD]), is_signed_in=True)


def note_reach(session: SessionBase, reach: Reach) -> None:
    """The session remembers that it reached something, also when a seat became active after its sign-in."""
    if reach.grants and not session.get(HAD_REACH):
        session[HAD_REACH] = True


def has_lost_everything(session: SessionBase, reach: Reach) -> bool:
    """Say whether the session reached something and reaches nothing now: it must end (its seats were suspended)."""
    return bool(session.get(HAD_REACH)) and not reach.grants


def personal_actor(request: OrgRequest, membership: Membership) -> Actor:
    """Return the signed-in person as the audit log of this organization names them: by the address that it knows."""
    return Actor(ActorKind.PERSON, reference=str(request.user.public_id), label=membership.email, ip=request.client_ip)


def shown_address(request: HttpRequest) -> str:
    """Return the address under which this session shows its person; empty when nobody is signed in.

    The account's own address may be private. An identity provider's sign-in shows the one that its organization knows.
    """
    reach: Reach = getattr(request, "reach", Reach())
    if not reach.is_signed_in or not request.user.is_authenticated:
        return ""
    if reach.is_personal:
        return request.user.email
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None and reach.grants:
        membership = reach.grants[0].membership
    return membership.email if membership is not None else ""


def member_required(
    view: Callable[Concatenate[OrgRequest, str, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Open to every active member of the organisation that the URL names; its slug is the view's second argument."""

    @wraps(view)
    def door(request: OrgRequest, org_slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return _enter(request, org_slug) or view(request, org_slug, *args, **kwargs)

    return door


def admin_required(
    view: Callable[Concatenate[OrgRequest, str, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Open to owners and admins of the organisation; other members get 403."""

    @wraps(view)
    def door(request: OrgRequest, org_slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        turned_away = _enter(request, org_slug)
        if turned_away is not None:
            return turned_away
        if request.membership.role not in SETTINGS_ROLES:
            raise PermissionDenied
        return view(request, org_slug, *args, **kwargs)

    return door


def owner_required(
    view: Callable[Concatenate[OrgRequest, str, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Open to owners who gave a password or a passkey in this session; other members get 403.

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
    """The request knows its organisation, seat and actor; or the answer leads to the sign-in. Raises Http404."""
    if not request.reach.is_signed_in:
        return redirect_to_login(request.get_full_path())
    grant = request.reach.grant_for(org_slug)
    if grant is None:
        raise Http404
    request.has_owner_proof = grant.is_owners_own
    request.org, request.membership, request.actor = (
        grant.org,
        grant.membership,
        personal_actor(request, grant.membership),
    )
    return None
