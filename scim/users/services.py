"""A directory's users become memberships, and change and leave with them: one transaction each, called by the endpoint."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace as replace_fields

from django.db import IntegrityError, transaction
from django.db.models import Q

from orgs.base.clock import now
from orgs.base.text import KEY_LENGTH, address_key, exact_key, text_key
from orgs.consent import queries as consent
from orgs.deprovisioning import services as deprovisioning
from orgs.deprovisioning.services import DELETED
from orgs.domains import queries as domains
from orgs.groups import services as groups
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people.errors import MembershipUnknown
from orgs.people.types import Profile, RoleClaim
from orgs.providers.registry import creates_again, is_name_of_deleted
from orgs.tenancy.models import Membership
from orgs.tenancy.types import GrantSource, MembershipOrigin, Role, SuspensionSource
from scim.directories.types import TEST_LIFE, Deleted, ScimCaller
from scim.protocol import patch
from scim.protocol.operations import read_operations
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import Document
from scim.protocol.users import (
    AddressCandidates,
    UserFacts,
    facts,
    filter_keys,
    filter_values,
    new_candidates,
    replace_user,
)
from scim.users import queries
from scim.users.errors import AddressMissing, UserNameTaken
from scim.users.models import TYPE_LENGTH, DirectoryUser, DirectoryUserValue


@transaction.atomic
def create_user(*, caller: ScimCaller, document: Document) -> DirectoryUser:
    """Give the person a membership: theirs from before, the one that has this address, or a new one (decision 16).

    Raises UserNameTaken, AddressMissing, LastOwner, MembershipExists, AddressInvalid.
    """
    known = facts(document)
    holders = queries.holders_of(caller.directory, known.user_name, known.external_id)
    returning = _lock_returning(caller, known, holders)
    if returning is not None:
        return _update(returning, document, caller)
    _refuse_taken(known, holders)
    restored = _restore(caller, known)
    membership, made = (restored, False) if restored is not None else _membership_for(caller, known)
    moment = now()
    user = DirectoryUser(
        org_id=caller.directory.org_id,
        directory=caller.directory,
        membership=membership,
        made_membership=made,
        created_at=moment,
    )
    _store(user, document, known)
    _apply_role(user, None, known.organization_role, caller)
    _apply_active(user, known, caller)
    if not made:
        _lift_of_directories_without_user(user, caller)
    return user


def _lock_returning(caller: ScimCaller, known: UserFacts, holders: Sequence[DirectoryUser]) -> DirectoryUser | None:
    """Return the inactive user as whom this person comes back, held until the transaction ends.

    It is who has the externalId, under whatever userName. Who has just the userName is the same person only to a client
    that is known to create people again whom it has set inactive, and never with another externalId.
    """
    for holder in holders:
        if not holder.active and _is_same_person(caller, known, holder):
            user = queries.lock_user(caller.directory, holder.scim_id)
            return None if user.active else user
    return None


def _is_same_person(caller: ScimCaller, known: UserFacts, holder: DirectoryUser) -> bool:
    if known.external_id and holder.external_id:
        return holder.external_id == known.external_id
    return creates_again(caller.user_agent)


def _refuse_taken(known: UserFacts, holders: Iterable[DirectoryUser]) -> None:
    """Raises UserNameTaken with a sentence that says what to do. The constraints decide for those who race."""
    for holder in holders:
        if holder.user_name_key != text_key(known.user_name):
            raise UserNameTaken("Another user of this directory has this externalId. Look it up and update it.")
        if holder.active:
            raise UserNameTaken(
                f"A user with the userName {known.user_name!r} exists already. Look it up and update it."
            )
        raise UserNameTaken(
            f"A user with the userName {known.user_name!r} exists, and is inactive. If it is the same person, set active to "
            f"true by PATCH or PUT of /Users/{holder.scim_id}; if it is somebody else, delete that user first."
        )


def _restore(caller: ScimCaller, known: UserFacts) -> Membership | None:
    """Return the membership of the person whom the directory had deleted under this externalId, under today's address."""
    former = queries.lock_former(caller.directory, known.external_id)
    if former is None:
        return None
    _refuse_second_user(caller, former.membership)
    profile = _profile(known, _first_address(caller, known))
    membership = deprovisioning.restore_membership(membership=former.membership, profile=profile, actor=caller.actor)
    deprovisioning.carry_over_suspensions(membership=membership, actor=caller.actor)
    former.delete()
    return membership


def _first_address(caller: ScimCaller, known: UserFacts) -> str:
    address = _choose(caller, known.addresses)
    if address is None:
        raise AddressMissing(
            f"Neither emails nor the userName {known.user_name[:64]!r} is an e-mail address that can be used. Map emails to "
            "the person's work address."
        )
    return address


def _choose(caller: ScimCaller, candidates: AddressCandidates) -> str | None:
    """Return the address of these by which the organization knows the person (decision 20), or None."""
    domains_to_ask = candidates.domains
    verified = domains.verified_keys_among(caller.directory.org, domains_to_ask) if domains_to_ask else frozenset()
    return candidates.choose(verified)


def _membership_for(caller: ScimCaller, known: UserFacts) -> tuple[Membership, bool]:
    """Return the person's membership, and whether this directory made it."""
    org = caller.directory.org
    profile = _profile(known, _first_address(caller, known))
    present = _lock_member(caller, profile.email)
    if present is None:
        membership = people.create_membership(
            org=org, profile=profile, origin=MembershipOrigin.SCIM, actor=caller.actor
        )
        deprovisioning.carry_over_suspensions(membership=membership, actor=caller.actor)
        return membership, True
    membership = people.adopt_membership(membership=present, origin=MembershipOrigin.SCIM, actor=caller.actor)
    people.update_profile(membership=membership, profile=profile, actor=caller.actor)
    return membership, False


def _lock_member(caller: ScimCaller, address: str) -> Membership | None:
    """Return the member who has this address, held until the transaction ends. Raises UserNameTaken for one of this directory."""
    found = people_queries.membership_of_address(caller.directory.org, address)
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
    # another directory may have deleted the person since: then the address is free
    return locked if locked.deprovisioned_at is None else None


def _refuse_second_user(caller: ScimCaller, membership: Membership) -> None:
    other = queries.users_of(caller.directory).filter(membership=membership).first()
    if other is not None:
        hint = "Look it up and update it." if other.active else f"Delete /Users/{other.scim_id} if it is somebody else."
        raise UserNameTaken(f"Another user of this directory has the address {membership.email!r}. {hint}")


@transaction.atomic
def replace(*, caller: ScimCaller, scim_id: str, body: Document, remarks: Remarks | None = None) -> DirectoryUser:
    """Replace the user by the body (RFC 7644 §3.5.1), and say in `remarks` what of it has no effect.

    Raises UserUnknown, InvalidValue and what create_user raises.
    """
    return _change(caller, scim_id, lambda document: replace_user(document, body, remarks))


@transaction.atomic
def patch_user(*, caller: ScimCaller, scim_id: str, body: Document, remarks: Remarks | None = None) -> DirectoryUser:
    """Apply all operations to the user, or none (RFC 7644 §3.5.2). Raises like replace, and InvalidPath, NoTarget."""
    operations = read_operations(body)
    return _change(caller, scim_id, lambda document: patch.apply(document, operations, remarks))


def _change(caller: ScimCaller, scim_id: str, compute: Callable[[Document], Document]) -> DirectoryUser:
    user = queries.lock_user(caller.directory, scim_id)
    return _update(user, compute(user.document), caller)


def _update(user: DirectoryUser, document: Document, caller: ScimCaller) -> DirectoryUser:
    """Bring the user and its membership in line with the document. The user is held."""
    known = facts(document)
    if document != user.document:
        before = facts(user.document)
        holders = queries.holders_of(caller.directory, known.user_name, known.external_id)
        _refuse_taken(known, [holder for holder in holders if holder.pk != user.pk])
        if known.external_id and known.external_id != user.external_id:
            # from now on it means this person, and nobody whom the directory deleted before
            queries.former_users_of(caller.directory).filter(external_id=exact_key(known.external_id)).delete()
        user.version += 1
        _store(user, document, known)
        _update_membership(user, before, known, caller)
        _apply_role(user, before.organization_role, known.organization_role, caller)
    _apply_active(user, known, caller)
    return user


def _update_membership(user: DirectoryUser, before: UserFacts, known: UserFacts, caller: ScimCaller) -> None:
    """Show what the document says; whoever gets the address of a suspended member is suspended, too."""
    address = _choose(caller, new_candidates(before.addresses, known.addresses)) or user.membership.email
    former_key = user.membership.email_key
    profile = _profile(known, address)
    if known.display_name == known.user_name and is_name_of_deleted(known.user_name):
        profile = replace_fields(profile, display_name=user.membership.display_name)
    people.update_profile(membership=user.membership, profile=profile, actor=caller.actor)
    if address_key(address) != former_key:
        user.membership = people.lock_membership(user.membership)
        deprovisioning.carry_over_suspensions(membership=user.membership, actor=caller.actor)


@transaction.atomic
def delete_user(*, caller: ScimCaller, scim_id: str) -> Deleted:
    """Delete the user; its userName is free. A membership that the directory made and nobody used goes too (decision 8).

    One that another directory has stays as it is, without the groups and the suspension of this one. Any other is
    suspended. One that was used, or whose address belongs to an account in use, gives its address free, and its externalId
    is kept: a later POST with that returns to it.

    Raises UserUnknown, LastOwner.
    """
    user = queries.lock_user(caller.directory, scim_id)
    membership = people.lock_membership(user.membership)
    was_used = not people_queries.was_never_used(membership) or consent.is_address_of_own_account(membership)
    is_unused = user.made_membership and not was_used
    directory = caller.directory.public_id
    groups.leave_directory(membership=membership, directory=directory, actor=caller.actor)
    user.delete()
    if queries.users_in_other_directories(user).exists():
        is_unused = False
        _leave_to_other_directories(user, caller)
    elif is_unused:
        people.remove_membership(membership=membership, actor=caller.actor)
    elif was_used:
        deprovisioning.deprovision_membership(membership=membership, directory=directory, actor=caller.actor)
        _keep_external_id(user)
    else:
        people.suspend_membership(
            membership=membership,
            source=SuspensionSource.SCIM,
            directory=directory,
            actor=caller.actor,
            reason=DELETED,
        )
        # the next one with this address may be somebody else: a link of an earlier mail must not open their membership
        people.withdraw_invitation(membership=membership)
    return Deleted(name=user.user_name, was_test=is_unused and now() - user.created_at < TEST_LIFE)


def _leave_to_other_directories(user: DirectoryUser, caller: ScimCaller) -> None:
    """Lift the suspension of this directory and keep the externalId; what it made is the others' to remove from now on."""
    people.lift_suspension(
        membership=user.membership,
        source=SuspensionSource.SCIM,
        directories=[caller.directory.public_id],
        actor=caller.actor,
    )
    if user.made_membership:
        queries.users_in_other_directories(user).update(made_membership=True)
    _keep_external_id(user)


def _keep_external_id(user: DirectoryUser) -> None:
    if not user.external_id:
        return
    kept = queries.former_users_of(user.directory)
    # the newest holder of an externalId is whom it means
    kept.filter(Q(external_id=user.external_id_key) | Q(membership=user.membership)).delete()
    kept.create(
        org_id=user.org_id,
        directory_id=user.directory_id,
        membership=user.membership,
        external_id=user.external_id_key,
        deleted_at=now(),
    )


def _apply_active(user: DirectoryUser, known: UserFacts, caller: ScimCaller) -> None:
    if known.active is None:
        return
    if known.active:
        people.lift_suspension(
            membership=user.membership,
            source=SuspensionSource.SCIM,
            directories=[caller.directory.public_id],
            actor=caller.actor,
        )
    else:
        people.suspend_membership(
            membership=user.membership,
            source=SuspensionSource.SCIM,
            directory=caller.directory.public_id,
            actor=caller.actor,
            reason="Set inactive by the identity provider",
        )


def _apply_role(user: DirectoryUser, before: str | None, after: str | None, caller: ScimCaller) -> None:
    """Give the membership the role that the directory claims now, beside its other roles; the highest counts."""
    if after == before:
        return
    claim = RoleClaim(
        source=GrantSource.DIRECTORY,
        reference=str(caller.directory.public_id),
        role=Role(after) if after else Role.USER,
    )
    given, taken = ([user.membership_id], []) if after else ([], [user.membership_id])
    people.update_claims(org=caller.directory.org, claim=claim, given=given, taken=taken, actor=caller.actor)


def _lift_of_directories_without_user(user: DirectoryUser, caller: ScimCaller) -> None:
    """Lift the suspensions by directories that have deleted the person: this one has brought them back."""
    suspending = people_queries.suspending_directories(user.membership)
    if gone := suspending - queries.directories_with(user.membership):
        people.lift_suspension(
            membership=user.membership, source=SuspensionSource.SCIM, directories=gone, actor=caller.actor
        )


def _store(user: DirectoryUser, document: Document, known: UserFacts) -> None:
    user.document = document
    user.user_name, user.user_name_key = known.user_name, text_key(known.user_name)
    user.external_id = known.external_id or ""
    user.external_id_key = exact_key(user.external_id)
    user.filter_keys = filter_keys(document)
    user.display_name_key = user.filter_keys.get("displayname", "")[:KEY_LENGTH]
    user.active = user.active if known.active is None else known.active
    user.updated_at = now()
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise UserNameTaken("Another request took this userName or externalId first. Look the user up.") from error
    _store_values(user)


def _store_values(user: DirectoryUser) -> None:
    scope = {"org_id": user.org_id, "directory_id": user.directory_id}
    DirectoryUserValue.objects.filter(**scope, directory_user=user).delete()
    DirectoryUserValue.objects.bulk_create(
        DirectoryUserValue(
            **scope,
            directory_user=user,
            attribute=value.attribute,
            type_key=text_key(value.type)[:TYPE_LENGTH],
            value_key=text_key(value.value)[:KEY_LENGTH],
            is_primary=value.primary,
        )
        for value in filter_values(user.document)
    )


def _profile(known: UserFacts, address: str) -> Profile:
    return Profile(
        email=address,
        given_name=known.given_name,
        family_name=known.family_name,
        display_name=known.display_name,
    )
