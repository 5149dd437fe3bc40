"""Memberships, their roles, suspensions and consent; role and state are recomputed here and nowhere else."""

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.base.errors import DomainError
from orgs.base.text import address_key, text_key
from orgs.consent import queries as consent_queries
from orgs.consent import services as consent
from orgs.domains import queries as domains
from orgs.domains.models import Domain
from orgs.events import services as outbox
from orgs.people import errors, queries
from orgs.people.errors import InvitationUnknown, MembershipExists, MembershipUnknown
from orgs.people.models import Invitation
from orgs.people.types import INVITATION_DELAY, INVITATION_MAIL, Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressTaken, LastOwner
from orgs.tenancy.models import Membership, MembershipAddress, Organization, RoleGrant, Suspension, User
from orgs.tenancy.types import (
    AddressKind,
    GrantSource,
    MembershipOrigin,
    MembershipState,
    Role,
    SuspensionSource,
    highest,
)

log = structlog.get_logger(__name__)
IDP_ACTORS = frozenset({ActorKind.SCIM, ActorKind.SAML})
PROFILE_COLUMNS = ("email", "email_key", "given_name", "family_name", "display_name", "name_key")


@transaction.atomic
def create_membership(*, org: Organization, profile: Profile, origin: MembershipOrigin, actor: Actor) -> Membership:
    """A membership exists: active at once where decision 1 of the design allows it, else it waits for its person's consent.

    Raises MembershipExists, AddressInvalid.
    """
    membership = _save_new_membership(org, profile, origin, actor)
    activate_or_invite(membership=membership, actor=actor)
    return membership


@transaction.atomic
def create_owner_membership(*, org: Organization, user: User, email: str, actor: Actor) -> Membership:
    """The account owns the organization, which knows it by this address of it. Raises MembershipExists, AddressInvalid."""
    membership = _save_new_membership(org, Profile(email=email), MembershipOrigin.SETUP, actor)
    join(membership=membership, user=user, actor=actor)
    grant_role(membership=membership, role=Role.OWNER, source=GrantSource.PERSON, actor=actor)
    return membership


def _save_new_membership(org: Organization, profile: Profile, origin: MembershipOrigin, actor: Actor) -> Membership:
    tenancy.require_address(profile.email)
    membership = Membership(org=org, origins=origin)
    copy_profile(membership, profile)
    try:
        with transaction.atomic():
            membership.save()
            remember_address(membership)
    except IntegrityError as error:
        raise MembershipExists from error
    change = Change(after={"email": membership.email, "origin": str(origin)})
    audit.record(
        org=org, actor=actor, action="membership.created", target=AuditTarget.of_membership(membership), change=change
    )
    return membership


@transaction.atomic
def activate_or_invite(*, membership: Membership, actor: Actor) -> None:
    """Activate the membership when its organization has verified the domain of its address, else plan an invitation."""
    if not _activate(membership, actor):
        _invite(membership)


@transaction.atomic
def activate_or_keep_invitation(*, membership: Membership, actor: Actor) -> None:
    """As `activate_or_invite`, but an invitation that waits in the mailbox, or is about to leave, isn't sent again."""
    if not _activate(membership, actor) and not queries.has_open_invitation(membership):
        _invite(membership)


def _activate(membership: Membership, actor: Actor) -> bool:
    """Say whether somebody has this membership, after giving it to the account that may take it without being asked."""
    if membership.user_id is None:
        account = consent.account_to_join(membership=membership, actor=actor)
        if account is not None:
            join(membership=membership, user=account, actor=actor)
    return membership.user_id is not None


def _invite(membership: Membership) -> None:
    """Plan the invitation's mail in place of the one that waits, and no earlier than a bound has put that off."""
    invitation, _ = Invitation.objects.get_or_create(org_id=membership.org_id, membership=membership)
    moment = now()
    delay = max(INVITATION_DELAY, (invitation.delayed_until or moment) - moment)
    outbox.cancel(org=membership.org, kind=INVITATION_MAIL, key=str(membership.public_id))
    outbox.add(org=membership.org, kind=INVITATION_MAIL, key=str(membership.public_id), delay=delay)


@transaction.atomic
def join(*, membership: Membership, user: User, actor: Actor) -> None:
    """The person has this membership, and the sessions in which they gave a personal proof reach it. Raises MembershipExists."""
    consent.leave_deprovisioned_membership(org=membership.org, user=user, actor=actor)
    membership.user, membership.joined_at = user, now()
    membership.state = queries.state_of(membership)
    try:
        with transaction.atomic():
            membership.save(update_fields=["user", "joined_at", "state"])
    except IntegrityError as error:
        raise MembershipExists("This account already has another membership in the organization.") from error
    withdraw_invitation(membership=membership)
    if membership.is_active:
        tenancy.extend_personal_sessions(membership=membership)
    audit.record(
        org=membership.org, actor=actor, action="membership.joined", target=AuditTarget.of_membership(membership)
    )


def withdraw_invitation(*, membership: Membership) -> None:
    """No invitation of this membership can be sent or accepted any more."""
    outbox.cancel(org=membership.org, kind=INVITATION_MAIL, key=str(membership.public_id))
    Invitation.objects.filter(org_id=membership.org_id, membership=membership).delete()


@transaction.atomic
def accept_invitation(*, membership: Membership, user: User, actor: Actor, by_link: bool) -> None:
    """Give the waiting membership to the person who accepts its invitation.

    Without the mailed link the account must have verified the address lately (decision 15).
    Raises InvitationUnknown, InvitationForSomebodyElse, InvitationLinkNeeded.
    """
    locked = lock_membership(membership)
    if locked.state != MembershipState.INVITED or locked.user_id is not None:
        raise InvitationUnknown
    if locked.email_key not in tenancy_queries.verified_keys_of(user):
        raise errors.InvitationForSomebodyElse
    if not by_link and not consent_queries.may_accept_without_link(locked, user):
        raise errors.InvitationLinkNeeded
    # whoever accepts is signed in: from now on the membership is held, not removed, when its IdP deletes it
    locked.last_sign_in_at = now()
    locked.save(update_fields=["last_sign_in_at"])
    join(membership=locked, user=user, actor=actor)


@transaction.atomic
def activate_waiting_memberships(*, domain: Domain, actor: Actor, after: int = 0) -> int | None:
    """Of the memberships that wait under this verified domain, the next hundred are active where consent isn't needed.

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


@transaction.atomic
def adopt_membership(*, membership: Membership, origin: MembershipOrigin, actor: Actor) -> Membership:
    """A membership that was there before has this origin, too; its roles and suspensions stay as they are."""
    locked = lock_membership(membership)
    if origin not in locked.origin_set:
        locked.origins = " ".join(sorted({*locked.origin_set, origin}))
        locked.save(update_fields=["origins"])
        audit.record(
            org=locked.org,
            actor=actor,
            action="membership.adopted",
            target=AuditTarget.of_membership(locked),
            change=Change(after={"origins": locked.origins}),
        )
    return locked


@transaction.atomic
def update_profile(*, membership: Membership, profile: Profile, actor: Actor) -> None:
    """Set name and address; a former address is remembered. Raises MembershipExists, AddressInvalid, LastOwner."""
    tenancy.require_address(profile.email)
    locked = lock_membership(membership)
    before, former_key = queries.profile_of(locked), locked.email_key
    copy_profile(locked, profile)
    if (after := queries.profile_of(locked)) == before:
        return
    if locked.email_key != former_key and actor.kind in IDP_ACTORS and locked.is_active:
        # decision 9: no identity provider renames the last owner
        refuse_to_lose_last_owner(locked)
    try:
        with transaction.atomic():
            locked.save(update_fields=PROFILE_COLUMNS)
            if locked.email_key != former_key:
                _move_address(locked, former_key)
    except IntegrityError as error:
        raise MembershipExists from error
    change = Change(before=before, after=after)
    target = AuditTarget.of_membership(locked)
    audit.record(org=locked.org, actor=actor, action="membership.updated", target=target, change=change)
    if locked.email_key != former_key:
        _follow_address(locked, before["email"], actor)


def _move_address(membership: Membership, former_key: str) -> None:
    addresses = MembershipAddress.objects.filter(org_id=membership.org_id, membership=membership)
    addresses.filter(address_key=former_key).update(kind=AddressKind.FORMER, since=now())
    remember_address(membership)


def _follow_address(membership: Membership, former: str, actor: Actor) -> None:
    """A waiting membership is invited at its new address; an account that nobody has used yet moves with its membership.

    An account in use never moves: whoever can rename a membership, an IdP or an admin, could take it by a password reset.
    """
    consent.remove_address_of_former_holders(membership=membership, actor=actor)
    if membership.user is None:
        # what put off the mail to the former address doesn't hold for this one
        Invitation.objects.filter(org_id=membership.org_id, membership=membership).update(delayed_until=None)
        activate_or_invite(membership=membership, actor=actor)
        return
    user, org = tenancy_queries.lock_account(membership.user), membership.org
    is_new = user.email_key == address_key(former) and tenancy_queries.was_never_used(user)
    is_wholly_theirs = is_new and membership.role != Role.OWNER and not tenancy_queries.has_other_memberships(user, org)
    if is_wholly_theirs and domains.has_verified(org, former) and domains.has_verified(org, membership.email):
        try:
            with transaction.atomic():
                tenancy.change_account_address(user=user, email=membership.email)
        except AddressTaken:
            # somebody else signs in with it: the membership shows the new address, the account keeps the old
            return


@transaction.atomic
def grant_role(*, membership: Membership, role: Role, source: GrantSource, actor: Actor, reference: str = "") -> None:
    """The membership has this role for this reason. Raises LastOwner."""
    locked = lock_membership(membership, may_lose_owner=True)
    RoleGrant.objects.update_or_create(
        org_id=locked.org_id, membership=locked, source=source, reference=reference, defaults={"role": role}
    )
    _recompute_role(locked, actor)
    membership.role = locked.role


@transaction.atomic
def suspend_membership(*, membership: Membership, source: SuspensionSource, actor: Actor, reason: str = "") -> None:
    """Suspend the membership and end its sessions in the same transaction; suspending twice changes nothing. Raises LastOwner."""
    locked = lock_membership(membership)
    if locked.is_active:
        refuse_to_lose_last_owner(locked)
    _, is_new = Suspension.objects.get_or_create(
        org_id=locked.org_id, membership=locked, source=source, defaults={"reason": reason[:200]}
    )
    if is_new:
        _recompute_state(locked)
        if locked.user_id is None:
            outbox.cancel(org=locked.org, kind=INVITATION_MAIL, key=str(locked.public_id))
        tenancy.delete_session_grants(membership=locked)
        _record_suspension(locked, source, actor, "membership.suspended")
    membership.state = locked.state


@transaction.atomic
def lift_suspension(*, membership: Membership, source: SuspensionSource, actor: Actor) -> None:
    """This source holds the membership no more; other suspensions stay. Lifting what isn't there is a no-op."""
    locked = lock_membership(membership)
    deleted, _ = Suspension.objects.filter(org_id=locked.org_id, membership=locked, source=source).delete()
    if deleted:
        _recompute_state(locked)
        _record_suspension(locked, source, actor, "membership.suspension_lifted")
        # the link of a mail that was sent before still works: it isn't sent again each time
        if not _activate(locked, actor) and not queries.has_link(locked):
            _invite(locked)
        if locked.is_active:
            tenancy.extend_personal_sessions(membership=locked)
    membership.state, membership.user = locked.state, locked.user


@transaction.atomic
def remove_membership(*, membership: Membership, actor: Actor) -> None:
    """The membership is gone, and its account with it when nobody ever used that for anything. Raises LastOwner."""
    locked = lock_membership(membership)
    if locked.is_active:
        refuse_to_lose_last_owner(locked)
    withdraw_invitation(membership=locked)
    audit.record(org=locked.org, actor=actor, action="membership.removed", target=AuditTarget.of_membership(locked))
    user = tenancy_queries.lock_account(locked.user) if locked.user is not None else None
    locked.delete()
    if (
        user is not None
        and tenancy_queries.was_never_used(user)
        and not tenancy_queries.has_other_memberships(user, locked.org)
    ):
        tenancy.delete_unused_account(user=user)


def lock_membership(membership: Membership, *, may_lose_owner: bool = False) -> Membership:
    """Return the membership as it is now, held until the transaction ends; an owner's organization is held first.

    Lock order is organization, then membership: only owners need the organization's row. Raises MembershipUnknown.
    """
    if may_lose_owner or membership.role == Role.OWNER:
        tenancy_queries.lock_organization(membership.org_id)
    held = Membership.objects.select_for_update(of=("self",)).select_related("org", "user")
    found = held.filter(org_id=membership.org_id, pk=membership.pk).first()
    if found is None:
        raise MembershipUnknown
    return found


def refuse_to_lose_last_owner(membership: Membership) -> None:
    """Raises LastOwner when no other active owner would remain. The organization's row is held afterwards."""
    if membership.role != Role.OWNER:
        return
    tenancy_queries.lock_organization(membership.org_id)
    if queries.active_owner_count(membership.org, without=membership) == 0:
        raise LastOwner


def _recompute_role(membership: Membership, actor: Actor) -> None:
    before = membership.role
    role = highest(
        list(RoleGrant.objects.filter(org_id=membership.org_id, membership=membership).values_list("role", flat=True))
    )
    if role == before:
        return
    if role != Role.OWNER and membership.is_active:
        refuse_to_lose_last_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    audit.record(
        org=membership.org,
        actor=actor,
        action="membership.role_changed",
        target=AuditTarget.of_membership(membership),
        change=Change(before={"role": before}, after={"role": str(role)}),
    )


def _recompute_state(membership: Membership) -> None:
    membership.state = queries.state_of(membership)
    membership.save(update_fields=["state"])


def _record_suspension(membership: Membership, source: SuspensionSource, actor: Actor, action: str) -> None:
    audit.record(
        org=membership.org,
        actor=actor,
        action=action,
        target=AuditTarget.of_membership(membership),
        change=Change(after={"source": str(source), "state": str(membership.state)}),
    )


def copy_profile(membership: Membership, profile: Profile) -> None:
    """Set name and address of the row; saving it is the caller's."""
    membership.email, membership.email_key = profile.email, address_key(profile.email)
    membership.given_name, membership.family_name = profile.given_name[:200], profile.family_name[:200]
    membership.display_name = (profile.display_name or f"{profile.given_name} {profile.family_name}".strip())[:400]
    membership.name_key = text_key(membership.display_name or membership.email)[:512]


def remember_address(membership: Membership) -> None:
    """Keep the membership's address as its current one, from now on: it is no former holder's Name ID any more."""
    rows = MembershipAddress.objects.filter(org_id=membership.org_id, address_key=membership.email_key)
    known = rows.select_for_update().filter(Q(membership=membership) | ~Q(kind=AddressKind.CURRENT))
    by_membership = {row.membership_id: row for row in known}
    if any(row.kind == AddressKind.NAME_ID for row in by_membership.values()):
        rows.filter(kind=AddressKind.NAME_ID).update(kind=AddressKind.FORMER)
    own = by_membership.get(membership.pk) or MembershipAddress(
        org_id=membership.org_id, membership=membership, address_key=membership.email_key
    )
    own.address, own.kind, own.since = membership.email, AddressKind.CURRENT, now()
    own.save()


@transaction.atomic
def record_membership_sign_in(*, membership: Membership) -> None:
    """This membership alone remembers a sign-in: an IdP's word says nothing about the account's other memberships."""
    Membership.objects.filter(org_id=membership.org_id, pk=membership.pk).update(last_sign_in_at=now())


@transaction.atomic
def record_account_sign_in(*, user: User) -> None:
    """Every active membership of the account remembers this sign-in: such a membership is never removed, only held."""
    Membership.objects.filter(user=user, state=MembershipState.ACTIVE).update(last_sign_in_at=now())
