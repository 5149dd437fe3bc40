"""What a user's document means for the membership: its address and name, whether it is suspended, and its role."""

from dataclasses import replace as replace_fields

from orgs.base.text import address_key
from orgs.deprovisioning import services as deprovisioning
from orgs.domains import queries as domains
from orgs.events.services import Changes
from orgs.people import services as people
from orgs.people.types import Profile, RoleClaim
from orgs.providers.registry import is_name_of_deleted
from orgs.tenancy.types import GrantSource, MembershipState, Role, SuspensionSource
from scim.directories.types import ScimCaller
from scim.protocol.users import AddressCandidates, UserFacts, new_candidates
from scim.users.errors import AddressMissing
from scim.users.models import DirectoryUser

SET_INACTIVE = "Set inactive by the identity provider"


def require_address(known: UserFacts, address: str | None) -> str:
    """Return the address that was chosen for somebody new. Raises AddressMissing."""
    if address is None:
        raise AddressMissing(
            f"Neither emails nor the userName {known.user_name[:64]!r} is an e-mail address that can be used. Map emails to "
            "the person's work address."
        )
    return address


def choose_address(caller: ScimCaller, candidates: AddressCandidates) -> str | None:
    """Return the address of these by which the organization knows the person (decision 20), or None."""
    domains_to_ask = candidates.domains
    verified = domains.verified_keys_among(caller.directory.org, domains_to_ask) if domains_to_ask else frozenset()
    return candidates.choose(verified)


def update_membership(
    user: DirectoryUser, before: UserFacts, known: UserFacts, caller: ScimCaller, changes: Changes
) -> None:
    """Show what the document says; whoever gets the address of a suspended member is suspended, too."""
    membership = user.membership
    address = choose_address(caller, new_candidates(before.addresses, known.addresses)) or membership.email
    former_key = membership.email_key
    profile = profile_of(known, address)
    if known.display_name == known.user_name and is_name_of_deleted(known.user_name):
        profile = replace_fields(profile, display_name=membership.display_name)
    people.update_profile_held(membership=membership, profile=profile, changes=changes)
    if address_key(address) != former_key:
        deprovisioning.carry_over_held(membership=membership, changes=changes)


def apply_active(
    user: DirectoryUser, known: UserFacts, caller: ScimCaller, changes: Changes, *, is_changed: bool
) -> None:
    """Suspend the membership, or lift this directory's suspension, where that isn't so already."""
    membership, directory = user.membership, caller.public_id
    is_suspended = membership.state == MembershipState.SUSPENDED
    if known.active and is_suspended:
        people.lift_held(membership=membership, source=SuspensionSource.SCIM, directories=[directory], changes=changes)
    elif known.active is False and (is_changed or not is_suspended):
        people.suspend_held(
            membership=membership,
            source=SuspensionSource.SCIM,
            directory=directory,
            reason=SET_INACTIVE,
            changes=changes,
        )


def apply_role(
    user: DirectoryUser, before: str | None, after: str | None, caller: ScimCaller, changes: Changes
) -> None:
    """Give the membership the role that the directory claims now, beside its other roles; the highest counts."""
    if after == before:
        return
    claim = RoleClaim(
        source=GrantSource.DIRECTORY,
        reference=str(caller.public_id),
        role=Role(after) if after else Role.USER,
    )
    given, taken = ([user.membership_id], []) if after else ([], [user.membership_id])
    # the audit log has the acts in their order
    changes.write()
    people.update_claims(org=caller.org, claim=claim, given=given, taken=taken, actor=caller.actor)


def profile_of(known: UserFacts, address: str) -> Profile:
    """Return what the membership shows of its person."""
    return Profile(
        email=address,
        given_name=known.given_name,
        family_name=known.family_name,
        display_name=known.display_name,
    )
