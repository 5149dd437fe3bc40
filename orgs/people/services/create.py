"""Creating, adopting and removing memberships."""

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.writes import Insert
from orgs.domains import queries as domains
from orgs.events.services import Changes
from orgs.people import queries
from orgs.people.errors import MembershipExists
from orgs.people.queries import lock_membership
from orgs.people.services.activate import activate, invite_new, join_held, join_new_account, withdraw_invitation
from orgs.people.services.lock import refuse_to_lose_last_owner, save_columns
from orgs.people.services.profile import copy_profile, remember_address, remember_first_address
from orgs.people.services.roles import grant_role
from orgs.people.types import NewMembership, Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import GrantSource, MembershipOrigin, Role

NEW_MEMBERSHIP = Insert(Membership)


@transaction.atomic
def create_membership(*, org: Organization, profile: Profile, origin: MembershipOrigin, actor: Actor) -> Membership:
    """Create a membership, active at once where no consent is needed, else waiting for its person's consent.

    Raises MembershipExists, AddressInvalid.
    """
    changes = Changes(org.pk, actor)
    new = NewMembership(
        profile=profile,
        origin=origin,
        is_domain_verified=domains.rely_on_domain(org.pk, profile.email) is not None,
        is_address_new=queries.is_address_new(org, profile.email),
    )
    membership = add_membership(new=new, changes=changes)
    membership.org = org
    changes.write()
    return membership


def add_membership(*, new: NewMembership, changes: Changes) -> Membership:
    """Do what `create_membership` does, in the caller's transaction, which relies on the domain; what it raises ends that."""
    membership = _insert_membership(new, changes)
    is_given = (
        new.is_domain_verified and new.is_address_new and join_new_account(membership=membership, changes=changes)
    )
    if not is_given and not (new.is_domain_verified and activate(membership=membership, changes=changes)):
        invite_new(membership=membership, changes=changes)
    return membership


@transaction.atomic
def create_owner_membership(*, org: Organization, user: User, email: str, actor: Actor) -> Membership:
    """Make the account an owner, known here by this address of it. Raises MembershipExists, AddressInvalid."""
    changes = Changes(org.pk, actor)
    membership = _insert_membership(NewMembership(Profile(email=email), MembershipOrigin.SETUP), changes)
    membership.org = org
    join_held(membership=membership, user=user, changes=changes)
    changes.write()
    grant_role(membership=membership, role=Role.OWNER, source=GrantSource.PERSON, actor=actor)
    return membership


def _insert_membership(new: NewMembership, changes: Changes) -> Membership:
    tenancy.require_address(new.profile.email)
    membership = Membership(org_id=changes.org_id, origins=new.origin)
    copy_profile(membership, new.profile)
    try:
        NEW_MEMBERSHIP.one(membership)
        if new.is_address_new:
            remember_first_address(membership)
        else:
            remember_address(membership)
    except IntegrityError as error:
        raise MembershipExists from error
    change = Change(after={"email": membership.email, "origin": str(new.origin)})
    changes.record("membership.created", AuditTarget.of_membership(membership), change)
    return membership


@transaction.atomic
def adopt_membership(*, membership: Membership, origin: MembershipOrigin, actor: Actor) -> Membership:
    """Add an origin to an existing membership; its roles and suspensions stay as they are."""
    locked, changes = lock_membership(membership), Changes(membership.org_id, actor)
    adopt_held(membership=locked, origin=origin, changes=changes)
    changes.write()
    return locked


def adopt_held(*, membership: Membership, origin: MembershipOrigin, changes: Changes) -> None:
    """Do what `adopt_membership` does with a membership that the caller's transaction holds."""
    if origin in membership.origin_set:
        return
    membership.origins = " ".join(sorted({*membership.origin_set, origin}))
    save_columns(membership, "origins")
    change = Change(after={"origins": membership.origins})
    changes.record("membership.adopted", AuditTarget.of_membership(membership), change)


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
