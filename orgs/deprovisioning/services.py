"""A directory deletes a person, and later brings the same person back."""

from uuid import UUID

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.consent import services as consent
from orgs.deprovisioning import queries
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people.errors import MembershipExists
from orgs.people.types import PROFILE_COLUMNS, Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, MembershipAddress
from orgs.tenancy.types import AddressKind, SuspensionSource

DELETED = "Deleted by the identity provider"
CARRIED_OVER = "The member who had this address before was suspended. Check who this is before you lift it."


@transaction.atomic
def deprovision_membership(*, membership: Membership, directory: UUID, actor: Actor) -> None:
    """Suspend the membership and free its address for somebody else; the row stays, with its roles and its account.

    `directory` is the public id of the last one that had the person. Doing it twice changes nothing. Raises LastOwner,
    MembershipUnknown.
    """
    locked = people.lock_membership(membership)
    people.suspend_membership(
        membership=locked, source=SuspensionSource.SCIM, directory=directory, actor=actor, reason=DELETED
    )
    if locked.deprovisioned_at is not None:
        return
    if people_queries.was_never_used(locked):
        # nobody came: the account has nothing here, and keeps its address whoever has the next membership
        locked.user = None
    locked.deprovisioned_at = now()
    locked.save(update_fields=["user", "deprovisioned_at"])
    people.withdraw_invitation(membership=locked)
    current = MembershipAddress.objects.filter(
        org_id=locked.org_id, membership=locked, kind=AddressKind.CURRENT, address_key=locked.email_key
    )
    current.update(kind=AddressKind.FORMER, since=locked.deprovisioned_at)
    audit.record(
        org=locked.org, actor=actor, action="membership.deprovisioned", target=AuditTarget.of_membership(locked)
    )


@transaction.atomic
def restore_membership(*, membership: Membership, profile: Profile, actor: Actor) -> Membership:
    """Give the membership back to the same person, under the address that the directory names now; still suspended.

    Raises MembershipExists when another member has the address, AddressInvalid, MembershipUnknown.
    """
    tenancy.require_address(profile.email)
    locked = people.lock_membership(membership)
    if locked.deprovisioned_at is None:
        return locked
    before = people_queries.profile_of(locked)
    locked.deprovisioned_at = None
    people.copy_profile(locked, profile)
    try:
        with transaction.atomic():
            locked.save(update_fields=[*PROFILE_COLUMNS, "deprovisioned_at"])
            people.remember_address(locked)
    except IntegrityError as error:
        raise MembershipExists from error
    consent.remove_address_of_former_holders(membership=locked, actor=actor)
    change = Change(before=before, after=people_queries.profile_of(locked))
    target = AuditTarget.of_membership(locked)
    audit.record(org=locked.org, actor=actor, action="membership.restored", target=target, change=change)
    return locked


@transaction.atomic
def carry_over_suspensions(*, membership: Membership, actor: Actor) -> None:
    """Suspend a new membership as its address was, when a person here had suspended the member who had it before.

    Whether the directory has brought the same person back under another externalId can't be told: an admin who looks
    can lift it. Raises MembershipUnknown.
    """
    for source in queries.suspensions_by_people(membership, membership.email):
        people.suspend_membership(membership=membership, source=source, actor=actor, reason=CARRIED_OVER)
