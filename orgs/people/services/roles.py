"""Granting roles; the role of a membership is recomputed here from its grants, and nowhere else."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db import transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change, Record
from orgs.base.actor import Actor
from orgs.events.services import Changes
from orgs.people.queries import lock_membership
from orgs.people.services.lock import refuse_to_lose_last_owner
from orgs.people.types import RoleClaim
from orgs.tenancy.models import Membership, Organization, RoleGrant
from orgs.tenancy.types import CLAIMS, GrantSource, Role, highest

PORTION = 1000


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


@transaction.atomic
def update_claims(
    *, org: Organization, claim: RoleClaim, given: Collection[int], taken: Collection[int], actor: Actor
) -> None:
    """Give the claimed role to some memberships and take it from others, by their ids; each role is recomputed once.

    Owners stay owners: the claim is kept as a reason, and counts when a person takes the ownership away.
    """
    wanted = set(given)
    ids = sorted(wanted | set(taken))
    for start in range(0, len(ids), PORTION):
        # in the order of their ids, so that two groups with the same members wait for each other
        held = _hold(org, ids[start : start + PORTION])
        _give(claim, [membership for membership in held if membership.pk in wanted])
        _take(claim, [membership for membership in held if membership.pk not in wanted])
        _recompute_roles(org, held, actor)


def drop_claims(*, membership: Membership, references: Collection[str], changes: Changes) -> None:
    """Take the roles that come from these directories and groups. The caller holds the membership."""
    claims = RoleGrant.objects.filter(org_id=membership.org_id, membership=membership, source__in=CLAIMS)
    deleted, _ = claims.filter(reference__in=references).delete()
    if deleted:
        # the audit log has the acts in their order
        changes.write()
        _recompute_roles(membership.org, [membership], changes.actor)


def _hold(org: Organization, ids: Sequence[int]) -> list[Membership]:
    # a weaker lock than the one of a delete: whoever has just put the same people into another group holds their rows, too
    rows = Membership.objects.select_for_update(of=("self",), no_key=True).filter(org=org, pk__in=ids)
    return list(rows.order_by("pk"))


def _give(claim: RoleClaim, memberships: Sequence[Membership]) -> None:
    RoleGrant.objects.bulk_create(
        [
            RoleGrant(
                org_id=membership.org_id,
                membership=membership,
                source=claim.source,
                reference=claim.reference,
                role=claim.role,
            )
            for membership in memberships
        ],
        update_conflicts=True,
        unique_fields=["membership", "source", "reference"],
        update_fields=["role"],
    )


def _take(claim: RoleClaim, memberships: Sequence[Membership]) -> None:
    if memberships:
        org_id = memberships[0].org_id
        grants = RoleGrant.objects.filter(org_id=org_id, membership__in=memberships, source=claim.source)
        grants.filter(reference=claim.reference).delete()


def _recompute_roles(org: Organization, memberships: Sequence[Membership], actor: Actor) -> None:
    """Set the role of each membership, none of which becomes or stops being an owner by this. All are held."""
    granted: dict[int, list[str]] = defaultdict(list)
    for pk, role in RoleGrant.objects.filter(org=org, membership__in=memberships).values_list("membership_id", "role"):
        granted[pk].append(role)
    changed: dict[Role, list[Membership]] = defaultdict(list)
    for membership in memberships:
        role = highest(granted[membership.pk])
        if role != membership.role and Role.OWNER not in (role, membership.role):
            changed[role].append(membership)
    for role, rows in changed.items():
        Membership.objects.filter(org=org, pk__in=[row.pk for row in rows]).update(role=role)
    audit.record_all(
        records=[
            Record(
                org=org,
                actor=actor,
                action="membership.role_changed",
                target=AuditTarget.of_membership(row),
                change=Change(before={"role": row.role}, after={"role": str(role)}),
            )
            for role, rows in changed.items()
            for row in rows
        ]
    )
    for role, rows in changed.items():
        for row in rows:
            row.role = role
