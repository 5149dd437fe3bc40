"""A directory deletes a person, and later brings the same person back."""

from uuid import UUID

from django.db import IntegrityError, transaction

from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.statements import number, text
from orgs.base.writes import Update
from orgs.consent import services as consent
from orgs.deprovisioning import queries
from orgs.events.services import Changes
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people.errors import MembershipExists
from orgs.people.types import PROFILE_COLUMNS, Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, MembershipAddress
from orgs.tenancy.types import AddressKind, SuspensionSource

DELETED = "Deleted by the identity provider"
CARRIED_OVER = "The member who had this address before was suspended. Check who this is before you lift it."

CURRENT_ADDRESS = Update(
    lambda: MembershipAddress.objects.filter(
        org_id=number("org"), membership_id=number("membership"), address_key=text("key"), kind=AddressKind.CURRENT
    )
)


def deprovision_held(*, membership: Membership, directory: UUID, changes: Changes) -> None:
    """Suspend a membership that is held, and free its address for somebody else; the row stays, with its roles and its account.

    `directory` is the public id of the last one that had the person. Doing it twice changes nothing. Raises LastOwner.
    """
    people.suspend_held(
        membership=membership, source=SuspensionSource.SCIM, directory=directory, reason=DELETED, changes=changes
    )
    if membership.deprovisioned_at is not None:
        return
    if people_queries.was_never_used(membership):
        # nobody came: the account has nothing here, and keeps its address whoever has the next membership
        membership.user = None
    membership.deprovisioned_at = now()
    people.save_columns(membership, "user_id", "deprovisioned_at")
    people.withdraw_invitation(membership=membership, changes=changes)
    CURRENT_ADDRESS.run(
        {"kind": AddressKind.FORMER, "since": membership.deprovisioned_at},
        org=membership.org_id,
        membership=membership.pk,
        key=membership.email_key,
    )
    changes.record("membership.deprovisioned", AuditTarget.of_membership(membership))


def restore_held(*, membership: Membership, profile: Profile, changes: Changes) -> None:
    """Give a membership that is held back to the same person, under the address that the directory names now; still suspended.

    What it raises ends the transaction: MembershipExists when another member has the address, AddressInvalid.
    """
    tenancy.require_address(profile.email)
    if membership.deprovisioned_at is None:
        return
    before = people_queries.profile_of(membership)
    membership.deprovisioned_at = None
    people.copy_profile(membership, profile)
    try:
        people.save_columns(membership, *PROFILE_COLUMNS, "deprovisioned_at")
        people.remember_address(membership)
    except IntegrityError as error:
        raise MembershipExists from error
    consent.remove_address_of_former_holders(membership=membership, changes=changes)
    change = Change(before=before, after=people_queries.profile_of(membership))
    changes.record("membership.restored", AuditTarget.of_membership(membership), change)


@transaction.atomic
def carry_over_suspensions(*, membership: Membership, actor: Actor) -> None:
    """Suspend a new membership as its address was, when a person here had suspended the member who had it before.

    Whether the directory has brought the same person back under another externalId can't be told: an admin who looks
    can lift it. Raises MembershipUnknown.
    """
    locked, changes = people.lock_membership(membership), Changes(membership.org_id, actor)
    carry_over_held(membership=locked, changes=changes)
    changes.write()
    membership.state = locked.state


def carry_over_held(*, membership: Membership, changes: Changes) -> None:
    """Do what `carry_over_suspensions` does with a membership that the caller's transaction holds."""
    for source in queries.suspensions_by_people(membership, membership.email):
        people.suspend_held(membership=membership, source=source, reason=CARRIED_OVER, changes=changes)
