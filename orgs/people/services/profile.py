"""The name and address of a membership, and when its person last signed in."""

from copy import copy

from django.db import IntegrityError, transaction
from django.db.models import Q

from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.base.text import address_key, text_key
from orgs.base.writes import Insert
from orgs.consent import services as consent
from orgs.domains import queries as domains
from orgs.events.services import Changes
from orgs.people import queries
from orgs.people.errors import MembershipExists
from orgs.people.models import Invitation
from orgs.people.queries import lock_membership
from orgs.people.services.activate import activate, invite
from orgs.people.services.lock import refuse_to_lose_last_owner, save_columns
from orgs.people.types import PROFILE_COLUMNS, Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressTaken
from orgs.tenancy.models import Membership, MembershipAddress, User
from orgs.tenancy.types import AddressKind, MembershipState, Role

NEW_ADDRESS = Insert(MembershipAddress)
IDP_ACTORS = frozenset({ActorKind.SCIM, ActorKind.SAML})


@transaction.atomic
def update_profile(*, membership: Membership, profile: Profile, actor: Actor) -> None:
    """Set name and address; a former address is remembered. Raises MembershipExists, AddressInvalid, LastOwner."""
    changes = Changes(membership.org_id, actor)
    update_profile_held(membership=lock_membership(membership), profile=profile, changes=changes)
    changes.write()


def update_profile_held(*, membership: Membership, profile: Profile, changes: Changes) -> None:
    """Do what `update_profile` does with a membership that the caller's transaction holds; MembershipExists ends that."""
    before, former_key = queries.profile_of(membership), membership.email_key
    if profile.email != membership.email:
        tenancy.require_address(profile.email)
    copy_profile(membership, profile)
    if (after := queries.profile_of(membership)) == before:
        return
    is_renamed = membership.email_key != former_key
    if is_renamed and changes.actor.kind in IDP_ACTORS and membership.is_active:
        # decision 9: no identity provider renames the last owner
        refuse_to_lose_last_owner(membership)
    try:
        save_columns(membership, *PROFILE_COLUMNS)
        if is_renamed:
            _move_address(membership, former_key)
    except IntegrityError as error:
        raise MembershipExists from error
    changes.record("membership.updated", AuditTarget.of_membership(membership), Change(before=before, after=after))
    if is_renamed:
        _follow_address(membership, before["email"], changes)


def _move_address(membership: Membership, former_key: str) -> None:
    addresses = MembershipAddress.objects.filter(org_id=membership.org_id, membership=membership)
    addresses.filter(address_key=former_key).update(kind=AddressKind.FORMER, since=now())
    remember_address(membership)


def _follow_address(membership: Membership, former: str, changes: Changes) -> None:
    """Invite a waiting membership at its new address, or move an account that nobody has used yet to it.

    An account in use never moves: whoever can rename a membership, an IdP or an admin, could take it by a password reset.
    """
    consent.remove_address_of_former_holders(membership=membership, changes=changes)
    if membership.user is None:
        # what put off the mail to the former address doesn't hold for this one
        Invitation.objects.filter(org_id=membership.org_id, membership=membership).update(delayed_until=None)
        if not activate(membership=membership, changes=changes):
            invite(membership=membership, changes=changes)
        return
    user, org = tenancy_queries.lock_account(membership.user), membership.org
    is_new = user.email_key == address_key(former) and tenancy_queries.was_never_used(user)
    is_wholly_theirs = is_new and membership.role != Role.OWNER and not tenancy_queries.has_other_memberships(user, org)
    if is_wholly_theirs and _rely_on_domains(org.pk, former, membership.email):
        try:
            with transaction.atomic():
                tenancy.change_account_address(user=user, email=membership.email)
        except AddressTaken:
            # somebody else signs in with it: the membership shows the new address, the account keeps the old
            return


def _rely_on_domains(org_id: int, *addresses: str) -> bool:
    """Say whether the organization has verified the domain of each address; it keeps them until the transaction ends."""
    return all(domains.rely_on_domain(org_id, address, is_late=True) is not None for address in addresses)


def copy_profile(membership: Membership, profile: Profile) -> None:
    """Set name and address of the row; saving it is the caller's."""
    membership.email, membership.email_key = profile.email, address_key(profile.email)
    membership.given_name, membership.family_name = profile.given_name[:200], profile.family_name[:200]
    membership.display_name = (profile.display_name or f"{profile.given_name} {profile.family_name}".strip())[:400]
    membership.name_key = text_key(membership.display_name or membership.email)[:512]


def is_shown(membership: Membership, profile: Profile) -> bool:
    """Say whether the membership shows this name and address already. No query."""
    wanted = copy(membership)
    copy_profile(wanted, profile)
    return queries.profile_of(wanted) == queries.profile_of(membership)


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


def remember_first_address(membership: Membership) -> None:
    """Do what `remember_address` does where no membership of the organization ever had this address."""
    NEW_ADDRESS.one(
        MembershipAddress(
            org_id=membership.org_id,
            membership=membership,
            address=membership.email,
            address_key=membership.email_key,
            since=now(),
        )
    )


def record_membership_sign_in(*, membership: Membership) -> None:
    """Store the time of a sign-in through an IdP, for this membership alone."""
    Membership.objects.filter(org_id=membership.org_id, pk=membership.pk).update(last_sign_in_at=now())


@transaction.atomic
def record_account_sign_in(*, user: User) -> None:
    """Store the time of a personal sign-in for each active membership: a used one is suspended, not removed."""
    Membership.objects.filter(user=user, state=MembershipState.ACTIVE).update(last_sign_in_at=now())
