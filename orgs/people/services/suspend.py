"""Suspending memberships, each source for itself; the state is recomputed here."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.events import services as outbox
from orgs.people import queries
from orgs.people.services.activate import activate, invite
from orgs.people.services.lock import lock_membership, refuse_to_lose_last_owner
from orgs.people.types import INVITATION_MAIL
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Suspension
from orgs.tenancy.types import SuspensionSource


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
    locked = lock_membership(membership)
    if locked.is_active:
        refuse_to_lose_last_owner(locked)
    _, is_new = Suspension.objects.get_or_create(
        org_id=locked.org_id,
        membership=locked,
        source=source,
        directory=directory,
        defaults={"reason": reason[:200]},
    )
    if is_new:
        _recompute_state(locked)
        if locked.user_id is None:
            outbox.cancel(org=locked.org, kind=INVITATION_MAIL, key=str(locked.public_id))
        tenancy.delete_session_grants(membership=locked)
        _record_suspension(locked, source, actor, "membership.suspended")
    membership.state = locked.state


@transaction.atomic
def lift_suspension(
    *, membership: Membership, source: SuspensionSource, actor: Actor, directories: Collection[UUID] = ()
) -> None:
    """Lift the suspensions of this source, of a directory's those that name these or none; lifting none changes nothing."""
    locked = lock_membership(membership)
    own = Q(directory=None) | Q(directory__in=directories)
    deleted, _ = Suspension.objects.filter(own, org_id=locked.org_id, membership=locked, source=source).delete()
    if deleted:
        _recompute_state(locked)
        _record_suspension(locked, source, actor, "membership.suspension_lifted")
        # the link of a mail that was sent before still works: it isn't sent again each time
        if not activate(locked, actor) and not queries.has_link(locked):
            invite(locked)
        if locked.is_active:
            tenancy.extend_personal_sessions(membership=locked)
    membership.state, membership.user = locked.state, locked.user


def _recompute_state(membership: Membership) -> None:
    membership.state = queries.state_of(membership)
    membership.save(update_fields=["state"])


def _record_suspension(membership: Membership, source: SuspensionSource, actor: Actor, action: str) -> None:
    audit.record(
        org=membership.org,
        actor=actor,
        action=action,
        target=AuditTarget.of_membership(membership),
        change=Change(after={"source": str(source), "state": str(membership.state)}),
    )
