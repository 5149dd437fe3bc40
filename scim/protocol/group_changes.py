"""PATCH of a group: operations → what changes. A delta costs what it names, not what the group holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim.protocol.errors import InvalidPath, InvalidValue, Mutability
from scim.protocol.filters import And, AttributePath, Comparison, Filter, Operator, Or, PatchPath
from scim.protocol.groups import (
    EXTENSION,
    GROUP_SCHEMAS,
    KNOWN,
    ROLE_KEY,
    attributes,
    read_display_name,
    read_external_id,
    read_members,
    read_role,
)
from scim.protocol.normal import is_scalar
from scim.protocol.operations import Op, Operation
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import COMMON, READ_ONLY_COMMON, find
from scim.protocol.selection import paths, selects


@dataclass(frozen=True, slots=True)
class MemberDelta:
    """When it replaces, the members are those added; else they are those present, without removed, with added."""

    replaces: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What a PUT or PATCH changes; None leaves it as it is."""

    display_name: str | None = None
    external_id: str | None = None
    clears_external_id: bool = False
    members: MemberDelta | None = None
    organization_role: str | None = None
    clears_organization_role: bool = False


@dataclass(slots=True)
class _Draft:
    """The operations so far, folded in order."""

    display_name: str | None = None
    external_id: str | None = None
    clears_external_id: bool = False
    organization_role: str | None = None
    clears_organization_role: bool = False
    touches_members: bool = False
    replaces: bool = False
    added: dict[str, None] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)

    def add(self, ids: Sequence[str]) -> None:
        self.touches_members = True
        for member in ids:
            self.removed.pop(member, None)
            self.added[member] = None

    def remove(self, ids: Sequence[str]) -> None:
        self.touches_members = True
        for member in ids:
            self.added.pop(member, None)
            if not self.replaces:
                self.removed[member] = None

    def replace(self, ids: Sequence[str]) -> None:
        self.touches_members = self.replaces = True
        self.added, self.removed = dict.fromkeys(ids), {}

    def set_external_id(self, value: str | None) -> None:
        self.external_id, self.clears_external_id = value, value is None

    def set_role(self, value: str | None) -> None:
        self.organization_role, self.clears_organization_role = value, value is None

    def finished(self) -> GroupChange:
        members = None
        if self.touches_members and (self.replaces or self.added or self.removed):
            members = MemberDelta(self.replaces, tuple(self.added), tuple(self.removed))
        return GroupChange(
            self.display_name,
            self.external_id,
            self.clears_external_id,
            members,
            self.organization_role,
            self.clears_organization_role,
        )


def apply_to_group(operations: Sequence[Operation], remarks: Remarks | None = None) -> GroupChange:
    """Return what all operations together change. An unknown attribute within a value is ignored and named in `remarks`.

    A path to one is refused: it would be a change that the group misses. Raises InvalidValue, InvalidPath, Mutability.
    """
    draft = _Draft()
    noted = Remarks() if remarks is None else remarks
    for operation in operations:
        if operation.path is None:
            _apply_pathless(draft, operation, noted)
        else:
            _apply_path(draft, operation, operation.path, noted)
    return draft.finished()


def _apply_pathless(draft: _Draft, operation: Operation, remarks: Remarks) -> None:
    """Apply an operation without a path, as JumpCloud and Okta rename; Okta's id is ignored."""
    if not isinstance(operation.value, Mapping):
        raise InvalidValue("An operation on the whole group needs an object of attributes as its value.")
    for name, value in attributes(operation.value, remarks).items():
        _apply_attribute(draft, operation.op, name, value)


def _apply_path(draft: _Draft, operation: Operation, path: PatchPath, remarks: Remarks) -> None:
    attribute = path.attribute
    urn = _schema_of(attribute)
    if urn:
        _apply_whole(draft, operation, urn, remarks)
        return
    if attribute.uri is not None and attribute.uri.casefold() not in GROUP_SCHEMAS:
        raise InvalidPath(f"A group has nothing of the schema {attribute.uri!r}. {_HAS}")
    name = attribute.name.casefold()
    if name in READ_ONLY_COMMON:
        raise Mutability(f"{attribute.name} is read-only: the service sets it.")
    if path.term is not None:
        _apply_selected(draft, operation, path)
    elif name == "members":
        refuse_part_of_member(attribute.sub)
        _apply_members(draft, operation.op, operation.value)
    elif attribute.sub is not None or (name not in COMMON and find(KNOWN, name) is None):
        raise InvalidPath(f"A group has no attribute {_written(attribute)!r}. {_HAS}")
    else:
        _apply_attribute(draft, operation.op, name, operation.value)


_HAS = "It has displayName, members, externalId and organizationRole."


def _written(attribute: AttributePath) -> str:
    return f"{attribute.name}.{attribute.sub}" if attribute.sub else attribute.name


def _schema_of(attribute: AttributePath) -> str:
    """Return the URN, in lower case, when the path is a schema's own, which reads like an attribute called `Group`."""
    urn = f"{attribute.uri}:{attribute.name}".casefold()
    return urn if attribute.sub is None and urn in GROUP_SCHEMAS else ""


def _apply_whole(draft: _Draft, operation: Operation, urn: str, remarks: Remarks) -> None:
    if urn == EXTENSION and (operation.op is Op.REMOVE or operation.value in (None, "")):
        draft.set_role(None)
        return
    if operation.op is Op.REMOVE:
        raise InvalidValue("A group can't be removed by an operation. Send DELETE to its URL.")
    _apply_pathless(draft, operation, remarks)


def refuse_part_of_member(sub: str | None) -> None:
    """Raises Mutability for `members.display` and the like, which must not be taken for the members themselves."""
    if sub is not None and sub.casefold() != "value":
        raise Mutability(f"members.{sub} can't be changed (RFC 7643 §4.2). Add or remove the member.")


def _apply_selected(draft: _Draft, operation: Operation, path: PatchPath) -> None:
    """Apply a removal of `members[value eq "id"]`; nothing else in a group can be selected."""
    if path.attribute.name.casefold() != "members" or path.term is None:
        raise InvalidPath("Only members can be selected by a filter in a group's path.")
    refuse_part_of_member(path.sub)
    ids = selected_members(path.term)
    if operation.op is not Op.REMOVE or ids is None:
        raise InvalidPath('A filter on members can remove: members[value eq "<id of a user>"].')
    draft.remove([member.lower() for member in ids])


def selected_members(term: Filter) -> tuple[str, ...] | None:
    """Return the ids that a filter on members lists, or None when it tells them by something else.

    Every member is a User, so a condition on `type` holds for all of those it is combined with, or for none.
    """
    if isinstance(term, Comparison) and term.op is Operator.EQ and term.path.key == (None, "value", None):
        return (str(term.value),) if is_scalar(term.value) else None
    if isinstance(term, Or):
        parts = [selected_members(inner) for inner in term.terms]
        return None if None in parts else tuple(dict.fromkeys(one for part in parts for one in part or ()))
    if isinstance(term, And):
        return _in_all(term)
    return None


def _in_all(term: And) -> tuple[str, ...] | None:
    """Return the ids that each of the conditions leaves."""
    about_type = [inner for inner in term.terms if all(path.key == (None, "type", None) for path in paths(inner))]
    lists = [selected_members(inner) for inner in term.terms if inner not in about_type]
    if not lists or None in lists:
        return None
    if not all(selects(inner, {"type": "User"}) for inner in about_type):
        return ()
    wanted = set.intersection(*(set(part or ()) for part in lists))
    return tuple(one for one in lists[0] or () if one in wanted)


def _apply_attribute(draft: _Draft, op: Op, name: str, value: Any) -> None:
    if name == "displayname":
        if op is Op.REMOVE:
            raise InvalidValue("displayName can't be removed: a group needs a name.")
        draft.display_name = read_display_name(value)
    elif name == "externalid":
        draft.set_external_id(None if op is Op.REMOVE else read_external_id(value))
    elif name == ROLE_KEY:
        draft.set_role(None if op is Op.REMOVE else read_role(value))
    elif name == "members":
        _apply_members(draft, op, value)


def _apply_members(draft: _Draft, op: Op, value: Any) -> None:
    if op is Op.ADD:
        draft.add(read_members(value))
    elif op is Op.REPLACE:
        draft.replace(read_members(value))
    elif value is None:
        draft.replace(())
    else:
        draft.remove(read_members(value))
