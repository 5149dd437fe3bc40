from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.statements import Statement, number, uuid
from orgs.base.text import text_key
from orgs.base.writes import IGNORED, Delete, Insert, Update
from orgs.events.services import Changes
from orgs.groups import queries
from orgs.groups.models import Group, GroupMember
from orgs.groups.types import GroupNameTaken, GroupSource
from orgs.people import services as people
from orgs.people.types import RoleClaim
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import GrantSource, Role

AUDITED_NAMES = 50
# up to so many members are added one by one, as IdPs mostly send them
FEW = 2
NEW_GROUP, NEW_MEMBER = Insert(Group), Insert(GroupMember, on_conflict=IGNORED)
GROUPS_OF_DIRECTORY = Statement(
    lambda: (
        Group.objects.filter(org_id=number("org"), directory=uuid("directory"))
        .filter(members__membership_id=number("membership"))
        .order_by("pk")
    )
)
PLACES_IN_GROUPS = Delete(
    lambda: GroupMember.objects.filter(
        org_id=number("org"), membership_id=number("membership"), group__directory=uuid("directory")
    )
)
COLUMNS = Update(lambda: Group.objects.filter(org_id=number("org"), pk=number("pk")))


@transaction.atomic(savepoint=False)
def create_group(
    *, org: Organization, name: str, source: GroupSource, actor: Actor, directory: UUID | None = None
) -> Group:
    """Create a group without members. Raises GroupNameTaken when its directory, or else its source, has the name already."""
    group = Group(org=org, name=name, name_key=text_key(name), source=source, directory=directory)
    try:
        NEW_GROUP.one(group)
    except IntegrityError as error:
        raise GroupNameTaken from error
    audit.record(org=org, actor=actor, action="group.created", target=_target(group))
    return group


@transaction.atomic(savepoint=False)
def rename_group(*, group: Group, name: str, actor: Actor) -> None:
    """Rename the group; the same name again changes nothing. Raises GroupNameTaken."""
    before = group.name
    if name == before:
        return
    group.name, group.name_key = name, text_key(name)
    columns = {"name": group.name, "name_key": group.name_key, "updated_at": now()}
    try:
        COLUMNS.run(columns, org=group.org_id, pk=group.pk)
    except IntegrityError as error:
        raise GroupNameTaken from error
    change = Change(before={"name": before}, after={"name": name})
    audit.record(org=group.org, actor=actor, action="group.renamed", target=_target(group), change=change)


@transaction.atomic(savepoint=False)
def add_members(*, group: Group, memberships: Collection[Membership], actor: Actor) -> Sequence[Membership]:
    """Add memberships to the group; members stay members. Costs what is added. Returns those that are new."""
    # two callers may add the same person at once: the constraint keeps one row, and neither fails
    if len(memberships) <= FEW:
        new = [one for one in memberships if NEW_MEMBER.one(_member(group, one))]
    else:
        present = set(queries.member_ids_among(group, memberships))
        new = [membership for membership in memberships if membership.pk not in present]
        GroupMember.objects.bulk_create([_member(group, one) for one in new], ignore_conflicts=True)
    _record_members(group, actor, "group.members_added", new)
    return new


def _member(group: Group, membership: Membership) -> GroupMember:
    return GroupMember(org_id=group.org_id, group=group, membership=membership)


@transaction.atomic(savepoint=False)
def remove_members(*, group: Group, memberships: Collection[Membership], actor: Actor) -> Sequence[Membership]:
    """Remove memberships from the group, those that are in it. Returns those."""
    rows = GroupMember.objects.filter(org_id=group.org_id, group=group, membership__in=memberships)
    gone = [row.membership for row in rows.select_related("membership")]
    rows.delete()
    _record_members(group, actor, "group.members_removed", gone)
    return gone


def leave_directory(*, membership: Membership, directory: UUID, changes: Changes) -> None:
    """Remove a membership that is held from every group that this directory made, and the roles that it has from there."""
    whose = {"org": membership.org_id, "membership": membership.pk, "directory": directory}
    groups = GROUPS_OF_DIRECTORY.all(**whose)
    if groups:
        PLACES_IN_GROUPS.run(**whose)
    for group in groups:
        changes.record("group.members_removed", _target(group), _names([membership]))
    references = [str(directory), *(str(group.public_id) for group in groups)]
    people.drop_claims(membership=membership, references=references, changes=changes)


@transaction.atomic(savepoint=False)
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


@transaction.atomic(savepoint=False)
def delete_group(*, group: Group, actor: Actor) -> None:
    """Delete the group; the memberships that were in it stay."""
    audit.record(org=group.org, actor=actor, action="group.deleted", target=_target(group))
    group.delete()


def _record_members(group: Group, actor: Actor, action: str, memberships: Collection[Membership]) -> None:
    if not memberships:
        return
    audit.record(org=group.org, actor=actor, action=action, target=_target(group), change=_names(memberships))


def _names(memberships: Collection[Membership]) -> Change:
    # those of the first few: one event must not grow with a group of 50,000
    names = [membership.email for membership in list(memberships)[:AUDITED_NAMES]]
    return Change(after={"count": len(memberships), "members": names})


def _target(group: Group) -> AuditTarget:
    return AuditTarget("group", str(group.public_id), group.name)
