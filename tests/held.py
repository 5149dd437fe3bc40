"""Acts on one membership that in life are a part of a directory's request, each in a transaction of its own."""

from uuid import UUID, uuid4

from django.db import transaction

from orgs.deprovisioning import services as deprovisioning
from orgs.events.services import Changes
from orgs.groups import services as groups
from orgs.people import services as people
from orgs.people.services import activate
from orgs.people.types import Profile
from orgs.tenancy.models import Membership
from orgs.tenancy.types import MembershipOrigin
from tests.factories import ACTOR


@transaction.atomic
def remove(membership: Membership) -> None:
    changes = Changes(membership.org_id, ACTOR)
    people.remove_held(membership=people.lock_membership(membership), changes=changes)
    changes.write()


@transaction.atomic
def adopt(membership: Membership, origin: MembershipOrigin) -> Membership:
    locked, changes = people.lock_membership(membership), Changes(membership.org_id, ACTOR)
    people.adopt_held(membership=locked, origin=origin, changes=changes)
    changes.write()
    return locked


@transaction.atomic
def deprovision(membership: Membership) -> None:
    changes = Changes(membership.org_id, ACTOR)
    locked = people.lock_membership(membership)
    deprovisioning.deprovision_held(membership=locked, directory=uuid4(), changes=changes)
    changes.write()


@transaction.atomic
def restore(membership: Membership, profile: Profile) -> Membership:
    locked, changes = people.lock_membership(membership), Changes(membership.org_id, ACTOR)
    deprovisioning.restore_held(membership=locked, profile=profile, changes=changes)
    changes.write()
    return locked


@transaction.atomic
def leave_directory(membership: Membership, directory: UUID) -> None:
    changes = Changes(membership.org_id, ACTOR)
    groups.leave_directory(membership=people.lock_membership(membership), directory=directory, changes=changes)
    changes.write()


@transaction.atomic
def invite(membership: Membership) -> None:
    changes = Changes(membership.org_id, ACTOR)
    activate.invite(membership=people.lock_membership(membership), changes=changes)
    changes.write()
