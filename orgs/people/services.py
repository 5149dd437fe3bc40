"""Seats, their roles, holds and consent. Role and state are recomputed here from grants and holds, and nowhere else."""

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from orgs.audit import services as audit
from orgs.audit.services import Change, Target
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
from orgs.people.errors import InvitationUnknown, MembershipUnknown, SeatTaken
from orgs.people.models import Invitation
from orgs.people.types import INVITATION_DELAY, INVITATION_MAIL, Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressTaken, LastOwner
from orgs.tenancy.models import Membership, MembershipAddress, MembershipHold, Organization, RoleGrant, User
from orgs.tenancy.types import AddressKind, GrantSource, HoldSource, MembershipState, Origin, Role, highest

log = structlog.get_logger(__name__)
IDP_ACTORS = frozenset({ActorKind.SCIM, ActorKind.SAML})
PROFILE_COLUMNS = ("email", "email_key", "given_name", "family_name", "display_name", "name_key")


@transaction.atomic
def create_seat(*, org: Organization, profile: Profile, origin: Origin, actor: Actor) -> Membership:
    """A seat exists: active at once where decision 1 of the design allows it, else it waits for its person's consent.

    Raises SeatTaken, AddressInvalid.
    """
    seat = _save_new_seat(org, profile, origin, actor)
    admit_or_invite(membership=seat, actor=actor)
    return seat


@transaction.atomic
def create_owner_seat(*, org: Organization, user: User, actor: Actor) -> Membership:
    """The account owns the organisation from its first minute. Raises SeatTaken."""
    seat = _save_new_seat(org, Profile(email=user.email), Origin.SETUP, actor)
    join(membership=seat, user=user, actor=actor)
    grant_role(membership=seat, role=Role.OWNER, source=GrantSource.PERSON, actor=actor)
    return seat


def _save_new_seat(org: Organization, profile: Profile, origin: Origin, actor: Actor) -> Membership:
    tenancy.require_address(profile.email)
    seat = Membership(org=org, origins=origin)
    copy_profile(seat, profile)
    try:
        with transaction.atomic():
            seat.save()
            remember_address(seat)
    except IntegrityError as error:
        raise SeatTaken from error
    change = Change(after={"email": seat.email, "origin": str(origin)})
    audit.record(org=org, actor=actor, action="membership.created", target=Target.of_membership(seat), change=change)
    return seat


@transaction.atomic
def admit_or_invite(*, membership: Membership, actor: Actor) -> None:
    """The seat is active when its organisation has proved the domain of its address; otherwise an invitation leaves later.

    Staff, and owners of other organisations, are always asked: an IdP must not be able to take their account.
    """
    if not _admit(membership, actor):
        _invite(membership)


@transaction.atomic
def admit_or_ask(*, membership: Membership, actor: Actor) -> None:
    """As `admit_or_invite`, but an invitation that waits in the mailbox, or is about to leave, isn't sent again."""
    if not _admit(membership, actor) and not queries.has_open_invitation(membership):
        _invite(membership)


def _admit(membership: Membership, actor: Actor) -> bool:
    """Say whether somebody has this seat, after giving it to the account that may take it without being asked."""
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
    """The person has this seat, and the sessions in which they gave a personal proof reach it. Raises SeatTaken."""
    consent.leave_deprovisioned_membership(org=membership.org, user=user, actor=actor)
    membership.user, membership.joined_at = user, now()
    membership.state = queries.state_of(membership)
    try:
        with transaction.atomic():
            membership.save(update_fields=["user", "joined_at", "state"])
    except IntegrityError as error:
        raise SeatTaken("This account already has another seat in the organization.") from error
    withdraw_invitation(membership=membership)
    if membership.is_active:
        tenancy.extend_personal_sessions(membership=membership)
    audit.record(org=membership.org, actor=actor, action="membership.joined", target=Target.of_membership(membership))


def withdraw_invitation(*, membership: Membership) -> None:
    """No invitation of this seat can be sent or accepted any more."""
    outbox.cancel(org=membership.org, kind=INVITATION_MAIL, key=str(membership.public_id))
    Invitation.objects.filter(org_id=membership.org_id, membership=membership).delete()


@transaction.atomic
def accept_seat(*, membership: Membership, user: User, actor: Actor, by_link: bool) -> None:
    """Give the waiting membership to the person who accepts its invitation.

    Without the mailed link, which proves that they read the address now, the account's own proof must be fresh
    (decision 15). Raises InvitationUnknown, InvitationForSomebodyElse, InvitationLinkNeeded.
    """
    seat = lock_seat(membership)
    if seat.state != MembershipState.INVITED or seat.user_id is not None:
        raise InvitationUnknown
    if seat.email_key not in tenancy_queries.verified_keys_of(user):
        raise errors.InvitationForSomebodyElse
    if not by_link and not consent_queries.may_accept_without_link(seat, user):
        raise errors.InvitationLinkNeeded
    # whoever accepts is signed in: from now on the seat is held, not removed, when its IdP deletes it
    seat.last_sign_in_at = now()
    seat.save(update_fields=["last_sign_in_at"])
    join(membership=seat, user=user, actor=actor)


@transaction.atomic
def admit_waiting(*, domain: Domain, actor: Actor, after: int = 0) -> int | None:
    """Of the seats that wait under this proved domain, the next hundred are active where consent isn't needed.

    Returns the last one's id, or None when none was left. A seat that can't be given keeps nobody else out. Raises
    DomainUnknown.
    """
    # held before the seats: who removes the domain waits, and then finds the accounts that its word has made
    if not domains.lock_domain(domain).is_verified:
        return None
    seats = queries.waiting_in_domain(domain.org, domain.name_key, after=after)
    for seat in seats:
        try:
            with transaction.atomic():
                admit_or_ask(membership=lock_seat(seat), actor=actor)
        except DomainError as problem:
            log.warning("people.not_admitted", membership=str(seat.public_id), problem=problem.code)
    return seats[-1].pk if seats else None


@transaction.atomic
def adopt_seat(*, membership: Membership, origin: Origin, actor: Actor) -> Membership:
    """A seat that was there before has this origin, too; its roles and holds stay as they are."""
    seat = lock_seat(membership)
    if origin not in seat.origin_set:
        seat.origins = " ".join(sorted({*seat.origin_set, origin}))
        seat.save(update_fields=["origins"])
        audit.record(
            org=seat.org,
            actor=actor,
            action="membership.adopted",
            target=Target.of_membership(seat),
            change=Change(after={"origins": seat.origins}),
        )
    return seat


@transaction.atomic
def update_profile(*, membership: Membership, profile: Profile, actor: Actor) -> None:
    """The seat shows this name and address; a former address is remembered. Raises SeatTaken, AddressInvalid, LastOwner.

    Only these columns are written: who holds or promotes the seat at the same time loses nothing.
    """
    tenancy.require_address(profile.email)
    seat = lock_seat(membership)
    before, former_key = queries.profile_of(seat), seat.email_key
    copy_profile(seat, profile)
    if (after := queries.profile_of(seat)) == before:
        return
    if seat.email_key != former_key and actor.kind in IDP_ACTORS and seat.is_active:
        # decision 9: no identity provider renames the last owner
        refuse_to_lose_last_owner(seat)
    try:
        with transaction.atomic():
            seat.save(update_fields=PROFILE_COLUMNS)
            if seat.email_key != former_key:
                _move_address(seat, former_key)
    except IntegrityError as error:
        raise SeatTaken from error
    change = Change(before=before, after=after)
    target = Target.of_membership(seat)
    audit.record(org=seat.org, actor=actor, action="membership.updated", target=target, change=change)
    if seat.email_key != former_key:
        _follow_address(seat, before["email"], actor)


def _move_address(membership: Membership, former_key: str) -> None:
    addresses = MembershipAddress.objects.filter(org_id=membership.org_id, membership=membership)
    addresses.filter(address_key=former_key).update(kind=AddressKind.FORMER, since=now())
    remember_address(membership)


def _follow_address(seat: Membership, former: str, actor: Actor) -> None:
    """A waiting seat is invited at its new address; an account that nobody has used yet moves with its seat.

    An account in use never moves: whoever can rename a seat, an IdP or an admin, could take it by a password reset.
    """
    consent.remove_address_of_former_holders(membership=seat, actor=actor)
    if seat.user is None:
        # what put off the mail to the former address doesn't hold for this one
        Invitation.objects.filter(org_id=seat.org_id, membership=seat).update(delayed_until=None)
        admit_or_invite(membership=seat, actor=actor)
        return
    user, org = tenancy_queries.lock_account(seat.user), seat.org
    is_new = user.email_key == address_key(former) and tenancy_queries.was_never_used(user)
    is_wholly_theirs = is_new and seat.role != Role.OWNER and not tenancy_queries.has_other_seats(user, org)
    if is_wholly_theirs and domains.has_verified(org, former) and domains.has_verified(org, seat.email):
        try:
            with transaction.atomic():
                tenancy.change_account_address(user=user, email=seat.email)
        except AddressTaken:
            # somebody else signs in with it: the seat shows the new address, the account keeps the old
            return


@transaction.atomic
def grant_role(*, membership: Membership, role: Role, source: GrantSource, actor: Actor, reference: str = "") -> None:
    """The seat has this role for this reason. Raises LastOwner."""
    seat = lock_seat(membership, may_lose_owner=True)
    RoleGrant.objects.update_or_create(
        org_id=seat.org_id, membership=seat, source=source, reference=reference, defaults={"role": role}
    )
    _recompute_role(seat, actor)
    membership.role = seat.role


@transaction.atomic
def hold_seat(*, membership: Membership, source: HoldSource, actor: Actor, reason: str = "") -> None:
    """The seat is suspended, and no session reaches it from this commit on. Holding twice is a no-op. Raises LastOwner."""
    seat = lock_seat(membership)
    if seat.is_active:
        refuse_to_lose_last_owner(seat)
    _, is_new = MembershipHold.objects.get_or_create(
        org_id=seat.org_id, membership=seat, source=source, defaults={"reason": reason[:200]}
    )
    if is_new:
        _recompute_state(seat)
        if seat.user_id is None:
            outbox.cancel(org=seat.org, kind=INVITATION_MAIL, key=str(seat.public_id))
        tenancy.delete_session_grants(membership=seat)
        _record_hold(seat, source, actor, "membership.suspended")
    membership.state = seat.state


@transaction.atomic
def lift_hold(*, membership: Membership, source: HoldSource, actor: Actor) -> None:
    """This source holds the seat no more; other holds stay. Lifting what isn't there is a no-op."""
    seat = lock_seat(membership)
    deleted, _ = MembershipHold.objects.filter(org_id=seat.org_id, membership=seat, source=source).delete()
    if deleted:
        _recompute_state(seat)
        _record_hold(seat, source, actor, "membership.hold_lifted")
        # the link of a mail that was sent before still works: it isn't sent again each time
        if not _admit(seat, actor) and not queries.has_link(seat):
            _invite(seat)
        if seat.is_active:
            tenancy.extend_personal_sessions(membership=seat)
    membership.state, membership.user = seat.state, seat.user


@transaction.atomic
def remove_seat(*, membership: Membership, actor: Actor) -> None:
    """The seat is gone, and its account with it when nobody ever used that for anything. Raises LastOwner."""
    seat = lock_seat(membership)
    if seat.is_active:
        refuse_to_lose_last_owner(seat)
    withdraw_invitation(membership=seat)
    audit.record(org=seat.org, actor=actor, action="membership.removed", target=Target.of_membership(seat))
    user = tenancy_queries.lock_account(seat.user) if seat.user is not None else None
    seat.delete()
    if (
        user is not None
        and tenancy_queries.was_never_used(user)
        and not tenancy_queries.has_other_seats(user, seat.org)
    ):
        tenancy.delete_unused_account(user=user)


def lock_seat(membership: Membership, *, may_lose_owner: bool = False) -> Membership:
    """Return the seat as it is now, held until the transaction ends; an owner's organisation is held first.

    Lock order is organisation, then membership: only owners need the organisation's row. Raises MembershipUnknown.
    """
    if may_lose_owner or membership.role == Role.OWNER:
        tenancy_queries.lock_organization(membership.org_id)
    held = Membership.objects.select_for_update(of=("self",)).select_related("org", "user")
    found = held.filter(org_id=membership.org_id, pk=membership.pk).first()
    if found is None:
        raise MembershipUnknown
    return found


def refuse_to_lose_last_owner(seat: Membership) -> None:
    """Raises LastOwner when no other active owner would remain. The organisation's row is held afterwards."""
    if seat.role != Role.OWNER:
        return
    tenancy_queries.lock_organization(seat.org_id)
    if queries.active_owner_count(seat.org, without=seat) == 0:
        raise LastOwner


def _recompute_role(seat: Membership, actor: Actor) -> None:
    before = seat.role
    role = highest(list(RoleGrant.objects.filter(org_id=seat.org_id, membership=seat).values_list("role", flat=True)))
    if role == before:
        return
    if role != Role.OWNER and seat.is_active:
        refuse_to_lose_last_owner(seat)
    seat.role = role
    seat.save(update_fields=["role"])
    audit.record(
        org=seat.org,
        actor=actor,
        action="membership.role_changed",
        target=Target.of_membership(seat),
        change=Change(before={"role": before}, after={"role": str(role)}),
    )


def _recompute_state(seat: Membership) -> None:
    seat.state = queries.state_of(seat)
    seat.save(update_fields=["state"])


def _record_hold(seat: Membership, source: HoldSource, actor: Actor, action: str) -> None:
    audit.record(
        org=seat.org,
        actor=actor,
        action=action,
        target=Target.of_membership(seat),
        change=Change(after={"source": str(source), "state": str(seat.state)}),
    )


def copy_profile(seat: Membership, profile: Profile) -> None:
    """Set name and address of the row; saving it is the caller's."""
    seat.email, seat.email_key = profile.email, address_key(profile.email)
    seat.given_name, seat.family_name = profile.given_name[:200], profile.family_name[:200]
    seat.display_name = (profile.display_name or f"{profile.given_name} {profile.family_name}".strip())[:400]
    seat.name_key = text_key(seat.display_name or seat.email)[:512]


def remember_address(seat: Membership) -> None:
    """Keep the membership's address as its current one, from now on: it is no former holder's Name ID any more."""
    rows = MembershipAddress.objects.filter(org_id=seat.org_id, address_key=seat.email_key)
    known = rows.select_for_update().filter(Q(membership=seat) | ~Q(kind=AddressKind.CURRENT))
    by_membership = {row.membership_id: row for row in known}
    if any(row.kind == AddressKind.NAME_ID for row in by_membership.values()):
        rows.filter(kind=AddressKind.NAME_ID).update(kind=AddressKind.FORMER)
    own = by_membership.get(seat.pk) or MembershipAddress(
        org_id=seat.org_id, membership=seat, address_key=seat.email_key
    )
    own.address, own.kind, own.since = seat.email, AddressKind.CURRENT, now()
    own.save()


@transaction.atomic
def note_seat_sign_in(*, membership: Membership) -> None:
    """This seat alone remembers a sign-in: an IdP's word says nothing about the account's other seats."""
    Membership.objects.filter(org_id=membership.org_id, pk=membership.pk).update(last_sign_in_at=now())


@transaction.atomic
def note_sign_in(*, user: User) -> None:
    """Every active seat of the account remembers this sign-in: such a seat is never removed, only held."""
    Membership.objects.filter(user=user, state=MembershipState.ACTIVE).update(last_sign_in_at=now())
