"""Creating, adopting and removing memberships."""

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.people.errors import MembershipExists
from orgs.people.services.activate import activate_or_invite, join, withdraw_invitation
from orgs.people.services.lock import lock_membership, refuse_to_lose_last_owner
from orgs.people.services.profile import copy_profile, remember_address
from orgs.people.services.roles import grant_role
from orgs.people.types import Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import GrantSource, MembershipOrigin, Role


@transaction.atomic
def create_membership(*, org: Organization, profile: Profile, origin: MembershipOrigin, actor: Actor) -> Membership:
    """Create a membership, active at once where no consent is needed, else waiting for its person's consent.

    Raises MembershipExists, AddressInvalid.
    """
    membership = _save_new_membership(org, profile, origin, actor)
    activate_or_invite(membership=membership, actor=actor)
    return membership


@transaction.atomic
def create_owner_membership(*, org: Organization, user: User, email: str, actor: Actor) -> Membership:
    """Make the account an owner, known here by this address of it. Raises MembershipExists, AddressInvalid."""
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
def adopt_membership(*, membership: Membership, origin: MembershipOrigin, actor: Actor) -> Membership:
    """Add an origin to an existing membership; its roles and suspensions stay as they are."""
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
def remove_membership(*, membership: Membership, actor: Actor) -> None:
    """Delete the membership, and its account when nobody ever used that. Raises LastOwner."""
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
