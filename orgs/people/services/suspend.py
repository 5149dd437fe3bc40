"""Suspending memberships, each source for itself; the state is recomputed here."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When

from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.ids import NIL
from orgs.base.statements import number, text, uuid
from orgs.base.writes import IGNORED, Delete, Insert, Update
from orgs.events.services import Changes
from orgs.people.queries import lock_membership
from orgs.people.services.activate import activate, invite_without_link
from orgs.people.services.lock import refuse_to_lose_last_owner, save_columns
from orgs.people.types import INVITATION_MAIL
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Suspension
from orgs.tenancy.types import MembershipState, SuspensionSource

NEW_SUSPENSION = Insert(Suspension, on_conflict=IGNORED)
OF_SOURCE = Delete(
    lambda: Suspension.objects.filter(
        Q(directory=None) | Q(directory=uuid("directory")),
        org_id=number("org"),
        membership_id=number("membership"),
        source=text("source"),
    )
)


def _state() -> dict[str, Case]:
    """Return the state as the database works it out, by the rule of `queries.state_of`."""
    suspensions = Suspension.objects.filter(org_id=OuterRef("org_id"), membership_id=OuterRef("pk"))
    state = Case(
        When(Exists(suspensions), then=Value(str(MembershipState.SUSPENDED))),
        When(user__isnull=True, then=Value(str(MembershipState.INVITED))),
        default=Value(str(MembershipState.ACTIVE)),
        output_field=CharField(),
    )
    return {"state": state}


DERIVED_STATE = Update(
    lambda: Membership.objects.filter(org_id=number("org"), pk=number("pk")), computed=_state, returning="state"
)


@transaction.atomic
def suspend_membership(
    *,
    membership: Membership,
    source: SuspensionSource,
    actor: Actor,
    reason: str = "",
    directory: UUID | None = None,
) -> None:
    """Suspend the membership and end its sessions in the same transaction; suspending twice changes nothing.

    `directory` is the public id of the one that suspends. Raises LastOwner.
    """
    locked, changes = lock_membership(membership), Changes(membership.org_id, actor)
    suspend_held(membership=locked, source=source, directory=directory, reason=reason, changes=changes)
    changes.write()
    membership.state = locked.state


def suspend_held(
    *,
    membership: Membership,
    source: SuspensionSource,
    changes: Changes,
    reason: str = "",
    directory: UUID | None = None,
) -> None:
    """Do what `suspend_membership` does with a membership that the caller's transaction holds."""
    if membership.is_active:
        refuse_to_lose_last_owner(membership)
    suspension = Suspension(
        org_id=membership.org_id, membership=membership, source=source, directory=directory, reason=reason[:200]
    )
    if not NEW_SUSPENSION.one(suspension):
        return
    if membership.state != MembershipState.SUSPENDED:
        membership.state = MembershipState.SUSPENDED
        save_columns(membership, "state")
    if membership.user_id is None:
        changes.cancel(INVITATION_MAIL, str(membership.public_id))
    else:
        tenancy.delete_session_grants(membership=membership)
    _record_suspension(membership, source, changes, "membership.suspended")


@transaction.atomic
def lift_suspension(
    *, membership: Membership, source: SuspensionSource, actor: Actor, directories: Collection[UUID] = ()
) -> None:
    """Lift the suspensions of this source, of a directory's those that name these or none; lifting none changes nothing."""
    locked, changes = lock_membership(membership), Changes(membership.org_id, actor)
    lift_held(membership=locked, source=source, directories=directories, changes=changes)
    changes.write()
    membership.state, membership.user = locked.state, locked.user


def lift_held(
    *, membership: Membership, source: SuspensionSource, changes: Changes, directories: Collection[UUID] = ()
) -> None:
    """Do what `lift_suspension` does with a membership that the caller's transaction holds."""
    whose = {"org": membership.org_id, "membership": membership.pk, "source": source}
    if not sum(OF_SOURCE.run(**whose, directory=directory) for directory in directories or [NIL]):
        return
    membership.state = MembershipState(DERIVED_STATE.value(org=membership.org_id, pk=membership.pk))
    _record_suspension(membership, source, changes, "membership.suspension_lifted")
    if membership.user_id is not None:
        if membership.is_active:
            tenancy.extend_personal_sessions(membership=membership)
    elif not activate(membership=membership, changes=changes):
        invite_without_link(membership=membership, changes=changes)


def _record_suspension(membership: Membership, source: SuspensionSource, changes: Changes, action: str) -> None:
    change = Change(after={"source": str(source), "state": str(membership.state)})
    changes.record(action, AuditTarget.of_membership(membership), change)
