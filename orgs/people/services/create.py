"""Creating, adopting and removing memberships."""

from django.db import IntegrityError, transaction

from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.statements import number
from orgs.base.writes import DeleteCascade, Insert
from orgs.domains import queries as domains
from orgs.events.services import Changes
from orgs.people import queries
from orgs.people.errors import MembershipExists
from orgs.people.services.activate import activate, invite_new, join_held, join_new_account
from orgs.people.services.lock import refuse_to_lose_last_owner, save_columns
from orgs.people.services.profile import copy_profile, remember_address, remember_first_address
from orgs.people.services.roles import grant_role
from orgs.people.types import INVITATION_MAIL, NewMembership, Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import GrantSource, MembershipOrigin, Role

NEW_MEMBERSHIP = Insert(Membership)
MEMBERSHIP = DeleteCascade(lambda: Membership.objects.filter(org_id=number("org"), pk=number("pk")))


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


def adopt_held(*, membership: Membership, origin: MembershipOrigin, changes: Changes) -> None:
    """Add an origin to a membership that the caller's transaction holds; its roles and suspensions stay as they are."""
    if origin in membership.origin_set:
        return
    membership.origins = " ".join(sorted({*membership.origin_set, origin}))
    save_columns(membership, "origins")
    change = Change(after={"origins": membership.origins})
    changes.record("membership.adopted", AuditTarget.of_membership(membership), change)


def remove_held(*, membership: Membership, changes: Changes) -> None:
    """Delete a membership that the caller's transaction holds, and its account when nobody ever used that.

    Raises LastOwner.
    """
    if membership.is_active:
        refuse_to_lose_last_owner(membership)
    changes.cancel(INVITATION_MAIL, str(membership.public_id))
    changes.record("membership.removed", AuditTarget.of_membership(membership))
    user = tenancy_queries.lock_account(membership.user) if membership.user is not None else None
    MEMBERSHIP.run(org=membership.org_id, pk=membership.pk)
    if (
        user is not None
        and tenancy_queries.was_never_used(user)
        and not tenancy_queries.has_other_memberships(user, membership.org)
    ):
        tenancy.delete_unused_account(user=user)
