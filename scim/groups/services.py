"""A directory's groups become the organization's groups. Changes arrive as deltas and cost what changed."""

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction

from orgs.base.clock import now
from orgs.base.statements import number
from orgs.base.text import KEY_LENGTH, exact_key, text_key
from orgs.base.writes import Insert, Update
from orgs.groups import services as groups
from orgs.groups.types import GroupNameTaken, GroupSource
from orgs.providers.registry import replaces_groups
from orgs.tenancy.models import Membership
from orgs.tenancy.types import Role
from scim.directories.types import TEST_LIFE, Deleted, ScimCaller
from scim.groups import queries
from scim.groups.errors import DirectoryGroupTaken, MemberUnknown
from scim.groups.models import DirectoryGroup
from scim.protocol.errors import InvalidValue
from scim.protocol.group_changes import GroupChange, MemberDelta
from scim.protocol.groups import GroupInput
from scim.protocol.preconditions import require_match

TAKEN = "A group with the displayName {name!r} exists already. Look it up and update it."
EXTERNAL_ID_TAKEN = "Another group of this directory has this externalId. Look it up and update it."
UNKNOWN_SHOWN = 5
NEW_GROUP = Insert(DirectoryGroup)
COLUMNS = Update(lambda: DirectoryGroup.objects.filter(org_id=number("org"), pk=number("pk")))
# what a change of the group may write; name and members are the organization's group
CHANGED = ("external_id", "external_id_key", "organization_role", "version", "updated_at")


def refuse_long_key(name: str) -> None:
    """Raises InvalidValue for the rare name whose caseless form is longer than the database keeps."""
    if len(text_key(name)) > KEY_LENGTH:
        raise InvalidValue("displayName is too long once its letters are compared without case. Shorten it.")


@transaction.atomic(savepoint=False)
def create_group(*, caller: ScimCaller, given: GroupInput) -> DirectoryGroup:
    """Create a group with these members. Raises DirectoryGroupTaken, MemberUnknown."""
    refuse_long_key(given.display_name)
    org = caller.directory.org
    try:
        group = groups.create_group(
            org=org,
            name=given.display_name,
            source=GroupSource.SCIM,
            directory=caller.directory.public_id,
            actor=caller.actor,
        )
    except GroupNameTaken as error:
        raise DirectoryGroupTaken(TAKEN.format(name=given.display_name)) from error
    moment = now()
    row = DirectoryGroup(
        org_id=org.pk,
        directory=caller.directory,
        group=group,
        external_id=given.external_id or "",
        external_id_key=exact_key(given.external_id or ""),
        organization_role=given.organization_role or "",
        created_at=moment,
        updated_at=moment,
    )
    try:
        NEW_GROUP.one(row)
    except IntegrityError as error:
        raise DirectoryGroupTaken(EXTERNAL_ID_TAKEN) from error
    _apply_members(caller, row, MemberDelta(replaces=False, added=given.members or (), removed=()), is_new_role=False)
    return row


@transaction.atomic(savepoint=False)
def replace_group(*, caller: ScimCaller, scim_id: str, given: GroupInput) -> DirectoryGroup:
    """Replace the group by the body. Absent members stay as they are, unless the client is known to mean that there are none.

    Raises DirectoryGroupUnknown and like create_group.
    """
    wanted, members = given.members, None
    if wanted is None and replaces_groups(caller.user_agent):
        wanted = ()
    if wanted is not None:
        members = MemberDelta(replaces=True, added=wanted, removed=())
    change = GroupChange(
        display_name=given.display_name,
        external_id=given.external_id,
        clears_external_id=given.external_id is None,
        members=members,
        organization_role=given.organization_role,
        clears_organization_role=given.organization_role is None,
    )
    return change_group(caller=caller, scim_id=scim_id, change=change)


@transaction.atomic(savepoint=False)
def change_group(*, caller: ScimCaller, scim_id: str, change: GroupChange) -> DirectoryGroup:
    """Apply a change to the group, all of it or nothing. Raises DirectoryGroupUnknown and like create_group."""
    row = queries.lock_group(caller.directory, scim_id)
    if caller.if_match is not None:
        require_match(caller.if_match, row.version)
    changed = _rename(caller, row, change.display_name)
    changed = _set_external_id(row, change) or changed
    is_new_role = _set_role(row, change)
    changed = _apply_members(caller, row, change.members, is_new_role=is_new_role) or is_new_role or changed
    if changed:
        row.version, row.updated_at = row.version + 1, now()
        _save(row)
    return row


@transaction.atomic(savepoint=False)
def delete_group(*, caller: ScimCaller, scim_id: str) -> Deleted:
    """Delete the group; its name is free, its members stay in the organization. Raises DirectoryGroupUnknown."""
    row = queries.lock_group(caller.directory, scim_id)
    if caller.if_match is not None:
        require_match(caller.if_match, row.version)
    name, age = row.group.name, now() - row.created_at
    if row.organization_role:
        groups.update_roles(group=row.group, role=None, joined=None, left=(), actor=caller.actor)
    groups.delete_group(group=row.group, actor=caller.actor)
    return Deleted(name=name, was_test=age < TEST_LIFE)


def _rename(caller: ScimCaller, row: DirectoryGroup, name: str | None) -> bool:
    if name is None or name == row.group.name:
        return False
    refuse_long_key(name)
    try:
        groups.rename_group(group=row.group, name=name, actor=caller.actor)
    except GroupNameTaken as error:
        raise DirectoryGroupTaken(TAKEN.format(name=name)) from error
    return True


def _set_external_id(row: DirectoryGroup, change: GroupChange) -> bool:
    before = row.external_id
    if change.clears_external_id:
        row.external_id = ""
    elif change.external_id is not None:
        row.external_id = change.external_id
    row.external_id_key = exact_key(row.external_id)
    return row.external_id != before


def _set_role(row: DirectoryGroup, change: GroupChange) -> bool:
    before = row.organization_role
    if change.clears_organization_role:
        row.organization_role = ""
    elif change.organization_role is not None:
        row.organization_role = change.organization_role
    return row.organization_role != before


def _apply_members(caller: ScimCaller, row: DirectoryGroup, delta: MemberDelta | None, *, is_new_role: bool) -> bool:
    """Add and remove what the delta names, and bring the roles in line; say whether other people are members now."""
    joined, left = _change_members(caller, row, delta) if delta is not None else ([], [])
    if is_new_role or (row.organization_role and (joined or left)):
        groups.update_roles(
            group=row.group,
            role=Role(row.organization_role) if row.organization_role else None,
            joined=None if is_new_role else [membership.pk for membership in joined],
            left=[membership.pk for membership in left],
            actor=caller.actor,
        )
    return bool(joined or left)


def _change_members(
    caller: ScimCaller, row: DirectoryGroup, delta: MemberDelta
) -> tuple[Sequence[Membership], Sequence[Membership]]:
    """Return who joined and who left; a replacement removes only whoever isn't in the new list."""
    wanted = _memberships(caller, delta.added)
    removed = _present(caller, delta.removed)
    if delta.replaces:
        removed = queries.scim_members_except(row, wanted)
    left = groups.remove_members(group=row.group, memberships=removed, actor=caller.actor) if removed else []
    joined = groups.add_members(group=row.group, memberships=wanted, actor=caller.actor) if wanted else []
    return joined, left


def _memberships(caller: ScimCaller, scim_ids: Iterable[str]) -> list[Membership]:
    """Return the memberships of these users. Raises MemberUnknown naming those that aren't users of this directory."""
    wanted = list(dict.fromkeys(scim_ids))
    known = queries.memberships_by_scim_id(caller.directory, wanted)
    unknown = [scim_id for scim_id in wanted if scim_id not in known]
    if unknown:
        named = ", ".join(repr(scim_id[:64]) for scim_id in unknown[:UNKNOWN_SHOWN])
        raise MemberUnknown(f"These members are no users of this directory: {named}. Create them first.")
    return list(known.values())


def _present(caller: ScimCaller, scim_ids: Iterable[str]) -> list[Membership]:
    """Return the memberships of those who can be removed; who isn't a user here isn't a member either."""
    return list(queries.memberships_by_scim_id(caller.directory, scim_ids).values())


def _save(row: DirectoryGroup) -> None:
    columns = {column: getattr(row, column) for column in CHANGED}
    try:
        COLUMNS.run(columns, org=row.org_id, pk=row.pk)
    except IntegrityError as error:
        raise DirectoryGroupTaken(EXTERNAL_ID_TAKEN) from error
