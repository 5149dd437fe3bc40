from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.text import text_key
from orgs.groups.errors import GroupNameTaken
from orgs.groups.models import Group, GroupMember
from orgs.groups.types import GroupSource
from orgs.tenancy.models import Membership, Organization

AUDITED_NAMES = 50


@transaction.atomic
def create_group(
    *, org: Organization, name: str, source: GroupSource, actor: Actor, directory: UUID | None = None
) -> Group:
    """Create a group without members. Raises GroupNameTaken when its directory, or else its source, has the name already."""
    try:
        with transaction.atomic():
            group = Group.objects.create(
                org=org, name=name, name_key=text_key(name), source=source, directory=directory
            )
    except IntegrityError as error:
        raise GroupNameTaken from error
    audit.record(org=org, actor=actor, action="group.created", target=_target(group))
    return group


@transaction.atomic
def rename_group(*, group: Group, name: str, actor: Actor) -> None:
    """Rename the group; the same name again changes nothing. Raises GroupNameTaken."""
    before = group.name
    if name == before:
        return
    group.name, group.name_key = name, text_key(name)
    try:
        with transaction.atomic():
            group.save(update_fields=["name", "name_key", "updated_at"])
    except IntegrityError as error:
        raise GroupNameTaken from error
    change = Change(before={"name": before}, after={"name": name})
    audit.record(org=group.org, actor=actor, action="group.renamed", target=_target(group), change=change)


@transaction.atomic
def add_members(*, group: Group, memberships: Collection[Membership], actor: Actor) -> int:
    """Add memberships to the group; members stay members. Costs what is added. Returns how many are new."""
    present = set(
        GroupMember.objects.filter(org_id=group.org_id, group=group, membership__in=memberships).values_list(
            "membership_id", flat=True
        )
    )
    new = [membership for membership in memberships if membership.pk not in present]
    # two callers may add the same person at once: the constraint keeps one row, and neither fails
    GroupMember.objects.bulk_create(
        [GroupMember(org_id=group.org_id, group=group, membership=membership) for membership in new],
        ignore_conflicts=True,
    )
    _record_members(group, actor, "group.members_added", new)
    return len(new)


@transaction.atomic
def remove_members(*, group: Group, memberships: Collection[Membership], actor: Actor) -> int:
    """Remove memberships from the group, those that are in it. Returns how many were."""
    rows = GroupMember.objects.filter(org_id=group.org_id, group=group, membership__in=memberships)
    gone = [row.membership for row in rows.select_related("membership")]
    rows.delete()
    _record_members(group, actor, "group.members_removed", gone)
    return len(gone)


@transaction.atomic
def leave_groups(*, membership: Membership, directory: UUID, actor: Actor) -> None:
    """Remove the membership from every group that this directory made."""
    rows = GroupMember.objects.filter(org_id=membership.org_id, membership=membership, group__directory=directory)
    for row in rows.select_related("group__org"):
        remove_members(group=row.group, memberships=[membership], actor=actor)


@transaction.atomic
def delete_group(*, group: Group, actor: Actor) -> None:
    """Delete the group; the memberships that were in it stay."""
    audit.record(org=group.org, actor=actor, action="group.deleted", target=_target(group))
    group.delete()


def _record_members(group: Group, actor: Actor, action: str, memberships: Collection[Membership]) -> None:
    if not memberships:
        return
    # names of the first few: one event must not grow with a group of 50,000
    names = [membership.email for membership in list(memberships)[:AUDITED_NAMES]]
    change = Change(after={"count": len(memberships), "members": names})
    audit.record(org=group.org, actor=actor, action=action, target=_target(group), change=change)


def _target(group: Group) -> AuditTarget:
    return AuditTarget("group", str(group.public_id), group.name)
