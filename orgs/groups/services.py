from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.text import text_key
from orgs.groups import queries
from orgs.groups.models import Group, GroupMember
from orgs.groups.types import GroupNameTaken, GroupSource
from orgs.people import services as people
from orgs.people.types import RoleClaim
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import GrantSource, Role

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
def add_members(*, group: Group, memberships: Collection[Membership], actor: Actor) -> Sequence[Membership]:
    """Add memberships to the group; members stay members. Costs what is added. Returns those that are new."""
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
    return new


@transaction.atomic
def remove_members(*, group: Group, memberships: Collection[Membership], actor: Actor) -> Sequence[Membership]:
    """Remove memberships from the group, those that are in it. Returns those."""
    rows = GroupMember.objects.filter(org_id=group.org_id, group=group, membership__in=memberships)
    gone = [row.membership for row in rows.select_related("membership")]
    rows.delete()
    _record_members(group, actor, "group.members_removed", gone)
    return gone


@transaction.atomic
def leave_directory(*, membership: Membership, directory: UUID, actor: Actor) -> None:
    """Remove the membership from every group that this directory made, and the roles that it has from there."""
    rows = GroupMember.objects.filter(org_id=membership.org_id, membership=membership, group__directory=directory)
    groups = [row.group for row in rows.select_related("group__org")]
    for group in groups:
        remove_members(group=group, memberships=[membership], actor=actor)
    references = [str(directory), *(str(group.public_id) for group in groups)]
    people.drop_claims(membership=membership, references=references, actor=actor)


@transaction.atomic
def update_roles(
    *, group: Group, role: Role | None, joined: Collection[int] | None, left: Collection[int], actor: Actor
) -> None:
    """Give the role of the group to those who joined, and take it from those who left, by ids of memberships.

    `joined` is None where the role itself has changed, or was taken from the group: then it is about all members.
    """
    members = queries.member_ids(group) if joined is None else joined
    people.update_claims(
        org=group.org,
        claim=RoleClaim(source=GrantSource.GROUP, reference=str(group.public_id), role=role or Role.USER),
        given=members if role else (),
        taken=left if role else (*left, *members),
        actor=actor,
    )


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
