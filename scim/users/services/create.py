"""POST of a user: what is there already is asked once; somebody new is written without asking anything else."""

from collections.abc import Sequence

from django.db import transaction

from orgs.base.clock import now
from orgs.deprovisioning import services as deprovisioning
from orgs.domains import queries as domains
from orgs.events.services import Changes
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people.errors import MembershipUnknown
from orgs.people.types import NewMembership, Profile
from orgs.providers.registry import creates_again
from orgs.tenancy.models import Membership
from orgs.tenancy.types import MembershipOrigin, SuspensionSource
from scim.directories.types import ScimCaller
from scim.protocol.schemas import Document
from scim.protocol.users import UserFacts, facts
from scim.users import queries
from scim.users.errors import UserNameTaken
from scim.users.models import DirectoryUser
from scim.users.services.adopt import take_listed, unlist_elsewhere
from scim.users.services.change import insert_user, refuse_taken, update_held, update_user
from scim.users.services.standing import apply_active, apply_role, choose_address, profile_of, require_address
from scim.users.types import Presence


@transaction.atomic(savepoint=False)
def create_user(*, caller: ScimCaller, document: Document) -> DirectoryUser:
    """Give the person a membership: theirs from before, the one that has this address, or a new one (decision 16).

    Raises UserNameTaken, AddressMissing, LastOwner, MembershipExists, AddressInvalid.
    """
    known, changes = facts(document), Changes(caller.org_id, caller.actor)
    address = choose_address(caller, known.addresses)
    # held before the membership, so that removing the domain waits
    domain = domains.rely_on_domain(caller.org_id, address) if address else None
    present = queries.presence_of(caller, known, address)
    if present.is_name_taken:
        holders = queries.holders_of(caller.directory, known.user_name, known.external_id)
        returning = _hold_returning(caller, known, holders)
        if returning is not None:
            update_held(returning, document, caller, changes)
            changes.write()
            return returning
        refuse_taken(known, holders)
    profile = profile_of(known, require_address(known, address))
    membership = _membership_from_before(caller, known, profile, present, changes)
    made = membership is None
    if membership is None:
        membership = _new_membership(profile, present, changes, is_domain_verified=domain is not None)
    membership.org = caller.org
    user = _store(caller, document, known, membership, made=made)
    apply_role(user, None, known.organization_role, caller, changes)
    apply_active(user, known, caller, changes, is_changed=True)
    if not user.made_membership:
        unlist_elsewhere(user)
        _lift_of_directories_without_user(user, changes)
    changes.write()
    return user


def _store(
    caller: ScimCaller, document: Document, known: UserFacts, membership: Membership, *, made: bool
) -> DirectoryUser:
    """Write the user: a new row, or the one by which the directory has seen the member so far."""
    listed = take_listed(caller, known, membership) if caller.directory.lists_members else None
    if listed is not None:
        update_user(listed, document, known)
        return listed
    user = DirectoryUser(
        org_id=caller.org_id,
        directory=caller.directory,
        membership=membership,
        made_membership=made,
        created_at=now(),
    )
    insert_user(user, document, known)
    return user


def _new_membership(profile: Profile, present: Presence, changes: Changes, *, is_domain_verified: bool) -> Membership:
    new = NewMembership(
        profile=profile,
        origin=MembershipOrigin.SCIM,
        is_domain_verified=is_domain_verified,
        is_address_new=present.is_address_new,
    )
    membership = people.add_membership(new=new, changes=changes)
    if not present.is_address_new:
        deprovisioning.carry_over_held(membership=membership, changes=changes)
    return membership


def _membership_from_before(
    caller: ScimCaller, known: UserFacts, profile: Profile, present: Presence, changes: Changes
) -> Membership | None:
    """Return the membership that the person had, or the one that has the address, or None."""
    restored = _restore(caller, known, profile, changes) if present.is_former else None
    if restored is None and present.is_member:
        return _adopt(caller, profile, changes)
    return restored


def _hold_returning(caller: ScimCaller, known: UserFacts, holders: Sequence[DirectoryUser]) -> DirectoryUser | None:
    """Return the inactive user as whom this person comes back, held until the transaction ends.

    It is who has the externalId, under whatever userName. Who has just the userName is the same person only to a client
    that is known to create people again whom it has set inactive, and never with another externalId.
    """
    for holder in holders:
        if not holder.active and _is_same_person(caller, known, holder):
            user = queries.hold_user(caller, holder.scim_id)
            return None if user.active else user
    return None


def _is_same_person(caller: ScimCaller, known: UserFacts, holder: DirectoryUser) -> bool:
    if known.external_id and holder.external_id:
        return holder.external_id == known.external_id
    return creates_again(caller.user_agent)


def _restore(caller: ScimCaller, known: UserFacts, profile: Profile, changes: Changes) -> Membership | None:
    """Return the membership of the person whom the directory had deleted under this externalId, under today's address."""
    former = queries.lock_former(caller.directory, known.external_id)
    if former is None:
        return None
    _refuse_second_user(caller, former.membership)
    membership = people.lock_membership(former.membership)
    deprovisioning.restore_held(membership=membership, profile=profile, changes=changes)
    deprovisioning.carry_over_held(membership=membership, changes=changes)
    former.delete()
    return membership


def _adopt(caller: ScimCaller, profile: Profile, changes: Changes) -> Membership | None:
    """Return the membership that has the person's address, with what the directory says of them, or None."""
    membership = _lock_member(caller, profile.email)
    if membership is not None:
        people.adopt_held(membership=membership, origin=MembershipOrigin.SCIM, changes=changes)
        people.update_profile_held(membership=membership, profile=profile, changes=changes)
    return membership


def _lock_member(caller: ScimCaller, address: str) -> Membership | None:
    """Return the member who has this address, held until the transaction ends. Raises UserNameTaken for one of this directory."""
    found = people_queries.membership_of_address(caller.org, address)
    if found is None:
        return None
    _refuse_second_user(caller, found)
    if queries.former_users_of(caller.directory).filter(membership=found).exists():
        raise UserNameTaken(
            f"The address {address!r} belongs to a member whom this directory has deleted, and another directory hasn't. Send "
            "the externalId that they had here, or delete them in the other directory."
        )
    try:
        locked = people.lock_membership(found)
    except MembershipUnknown:
        return None
    # another directory may have deleted the person since, or renamed them: then the address is free
    is_still_theirs = locked.deprovisioned_at is None and locked.email_key == found.email_key
    return locked if is_still_theirs else None


def _refuse_second_user(caller: ScimCaller, membership: Membership) -> None:
    other = queries.kept_by(caller.directory).filter(membership=membership).first()
    if other is not None:
        hint = "Look it up and update it." if other.active else f"Delete /Users/{other.scim_id} if it is somebody else."
        raise UserNameTaken(f"Another user of this directory has the address {membership.email!r}. {hint}")


def _lift_of_directories_without_user(user: DirectoryUser, changes: Changes) -> None:
    """Lift the suspensions by directories that have deleted the person: this one has brought them back."""
    suspending = people_queries.suspending_directories(user.membership)
    if gone := suspending - queries.directories_with(user.membership):
        people.lift_held(membership=user.membership, source=SuspensionSource.SCIM, directories=gone, changes=changes)
