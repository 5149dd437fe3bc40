"""Granting roles; the role of a membership is recomputed here from its grants, and nowhere else."""

from django.db import transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.people.services.lock import lock_membership, refuse_to_lose_last_owner
from orgs.tenancy.models import Membership, RoleGrant
from orgs.tenancy.types import GrantSource, Role, highest


@transaction.atomic
def grant_role(*, membership: Membership, role: Role, source: GrantSource, actor: Actor, reference: str = "") -> None:
    """Grant the membership a role for this reason. Raises LastOwner."""
    locked = lock_membership(membership, may_lose_owner=True)
    RoleGrant.objects.update_or_create(
        org_id=locked.org_id, membership=locked, source=source, reference=reference, defaults={"role": role}
    )
    _recompute_role(locked, actor)
    membership.role = locked.role


def _recompute_role(membership: Membership, actor: Actor) -> None:
    before = membership.role
    role = highest(
        list(RoleGrant.objects.filter(org_id=membership.org_id, membership=membership).values_list("role", flat=True))
    )
    if role == before:
        return
    if role != Role.OWNER and membership.is_active:
        refuse_to_lose_last_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    audit.record(
        org=membership.org,
        actor=actor,
        action="membership.role_changed",
        target=AuditTarget.of_membership(membership),
        change=Change(before={"role": before}, after={"role": str(role)}),
    )
