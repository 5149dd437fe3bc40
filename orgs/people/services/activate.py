"""Whose a membership becomes: at once, or by an invitation that its person accepts."""

from datetime import datetime

import structlog
from django.db import IntegrityError, transaction

from orgs.audit.services import AuditTarget
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.errors import DomainError
from orgs.base.statements import number
from orgs.base.writes import DeleteCascade, Insert
from orgs.consent import queries as consent_queries
from orgs.consent import services as consent
from orgs.domains import queries as domains
from orgs.domains.models import Domain
from orgs.events.services import Changes
from orgs.people import errors, queries
from orgs.people.errors import InvitationUnknown, MembershipExists
from orgs.people.models import Invitation
from orgs.people.queries import lock_membership
from orgs.people.services.lock import save_columns
from orgs.people.types import INVITATION_DELAY, INVITATION_MAIL, Asked
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, User
from orgs.tenancy.types import MembershipState

NEW_INVITATION = Insert(Invitation)
INVITATION = DeleteCascade(lambda: Invitation.objects.filter(org_id=number("org"), membership_id=number("membership")))
log = structlog.get_logger(__name__)


@transaction.atomic
def activate_or_keep_invitation(*, membership: Membership, actor: Actor) -> None:
    """Activate the membership when its organization has verified the domain of its address, else plan an invitation.

    None is sent where one was mailed, or waits to be mailed.
    """
    changes = Changes(membership.org_id, actor)
    if not activate(membership=membership, changes=changes) and not queries.has_open_invitation(membership):
        invite(membership=membership, changes=changes)
    changes.write()


def activate(*, membership: Membership, changes: Changes) -> bool:
    """Say whether somebody has this membership, after giving it to the account that may take it without being asked."""
    if membership.user_id is None:
        account = consent.account_to_join(membership=membership, changes=changes)
        if account is not None:
            join_held(membership=membership, user=account, changes=changes)
    return membership.user_id is not None


def invite(*, membership: Membership, changes: Changes) -> None:
    """Plan the invitation's mail in place of the one that waits, and no earlier than a bound has put that off."""
    _plan_mail(membership, queries.asked(membership), changes)


def invite_without_link(*, membership: Membership, changes: Changes) -> None:
    """Do what `invite` does, unless a link can be used that was mailed before: it isn't sent again each time."""
    asked = queries.asked(membership)
    if not queries.is_linked(membership, asked):
        _plan_mail(membership, asked, changes)


def _plan_mail(membership: Membership, asked: Asked, changes: Changes) -> None:
    if asked.invitation is None:
        NEW_INVITATION.one(Invitation(org_id=membership.org_id, membership=membership))
    moment = now()
    delay = max(INVITATION_DELAY, (asked.delayed_until or moment) - moment)
    changes.cancel(INVITATION_MAIL, str(membership.public_id), is_stored=asked.is_mail_planned)
    changes.plan(INVITATION_MAIL, str(membership.public_id), delay=delay)


def invite_new(*, membership: Membership, changes: Changes) -> None:
    """Plan the first mail of a membership that was made just now: nothing waits that it would replace."""
    NEW_INVITATION.one(Invitation(org_id=membership.org_id, membership=membership))
    changes.plan(INVITATION_MAIL, str(membership.public_id), delay=INVITATION_DELAY)


@transaction.atomic
def join(*, membership: Membership, user: User, actor: Actor) -> None:
    """Give the membership to this account, and let its sessions with a personal proof open it. Raises MembershipExists."""
    changes = Changes(membership.org_id, actor)
    join_held(membership=membership, user=user, changes=changes)
    changes.write()


def join_held(*, membership: Membership, user: User, changes: Changes) -> None:
    """Do what `join` does with a membership that the caller's transaction holds; when it raises, that transaction ends."""
    consent.leave_deprovisioned_membership(user=user, changes=changes)
    membership.user, membership.joined_at = user, now()
    membership.state = queries.state_of(membership)
    try:
        save_columns(membership, "user_id", "joined_at", "state")
    except IntegrityError as error:
        raise MembershipExists("This account already has another membership in the organization.") from error
    withdraw_invitation(membership=membership, changes=changes)
    if membership.is_active:
        tenancy.extend_personal_sessions(membership=membership)
    changes.record("membership.joined", AuditTarget.of_membership(membership))


def join_new_account(*, membership: Membership, changes: Changes) -> bool:
    """Give a membership, which was made just now, to a new account, when no account has its address; say whether one got it.

    The organization has verified the domain, and nobody there had the address before: no rule of consent has to be asked.
    """
    tenancy_queries.lock_address(membership.email)
    if tenancy_queries.is_address_known(membership.email):
        return False
    membership.user = tenancy.create_unused_account(email=membership.email, made_by=membership.org_id)
    membership.state, membership.joined_at = MembershipState.ACTIVE, now()
    save_columns(membership, "user_id", "joined_at", "state")
    changes.record("membership.joined", AuditTarget.of_membership(membership))
    return True


def withdraw_invitation(*, membership: Membership, changes: Changes) -> None:
    """Cancel the invitation of a membership that is held: it is neither sent nor accepted from now on."""
    changes.cancel(INVITATION_MAIL, str(membership.public_id))
    INVITATION.run(org=membership.org_id, membership=membership.pk)


@transaction.atomic
def accept_invitation(*, membership: Membership, user: User, actor: Actor, mailed_at: datetime | None) -> None:
    """Give the waiting membership to the person who accepts its invitation.

    `mailed_at` is when the link was mailed by which they accept; without one, or with one of before the domain was
    verified, the account must have verified the address lately (decision 15).
    Raises InvitationUnknown, InvitationForSomebodyElse, InvitationLinkNeeded.
    """
    locked = lock_membership(membership)
    if locked.state != MembershipState.INVITED or locked.user_id is not None:
        raise InvitationUnknown
    if locked.email_key not in tenancy_queries.verified_keys_of(user):
        raise errors.InvitationForSomebodyElse
    is_invited_now = mailed_at is not None and consent_queries.is_link_fresh(locked, mailed_at)
    if not is_invited_now and not consent_queries.may_accept_without_link(locked, user):
        raise errors.InvitationLinkNeeded
    # whoever accepts is signed in: from now on the membership is held, not removed, when its IdP deletes it
    locked.last_sign_in_at = now()
    locked.save(update_fields=["last_sign_in_at"])
    join(membership=locked, user=user, actor=actor)


@transaction.atomic
def activate_waiting_memberships(*, domain: Domain, actor: Actor, after: int = 0) -> int | None:
    """Activate the next hundred memberships that wait under this verified domain, where consent isn't needed.

    Returns the last one's id, or None when none was left. A membership that can't be given keeps nobody else out. Raises
    DomainUnknown.
    """
    # locked before the memberships: removing the domain waits for this, and then finds the accounts that were made here
    if not domains.lock_domain(domain).is_verified:
        return None
    memberships = queries.waiting_in_domain(domain.org, domain.name_key, after=after)
    for membership in memberships:
        try:
            with transaction.atomic():
                activate_or_keep_invitation(membership=lock_membership(membership), actor=actor)
        except DomainError as problem:
            log.warning("people.not_admitted", membership=str(membership.public_id), problem=problem.code)
    return memberships[-1].pk if memberships else None
