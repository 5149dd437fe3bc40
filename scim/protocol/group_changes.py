"""PATCH of a group: operations → what changes. A delta costs what it names, not what the group holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim.protocol.errors import InvalidPath, InvalidValue, Mutability
from scim.protocol.filters import AttributePath, PatchPath
from scim.protocol.groups import read_display_name, read_external_id, read_members
from scim.protocol.operations import Op, Operation
from scim.protocol.schemas import GROUP, READ_ONLY_COMMON
from scim.protocol.selection import equal_values


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


@dataclass(slots=True)
class _Draft:
    """The operations so far, folded in order."""

    display_name: str | None = None
    external_id: str | None = None
    clears_external_id: bool = False
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


def apply_to_group(operations: Sequence[Operation]) -> GroupChange:
    """Return what all operations together change; unknown attributes are ignored.

    Raises InvalidValue, InvalidPath, Mutability.
    """
    draft = _Draft()
    for operation in operations:
        if operation.path is None:
            _apply_pathless(draft, operation)
        else:
            _apply_path(draft, operation, operation.path)
    members = None
    if draft.touches_members:
        members = MemberDelta(draft.replaces, tuple(draft.added), tuple(draft.removed))
    return GroupChange(draft.display_name, draft.external_id, draft.clears_external_id, members)


def _apply_pathless(draft: _Draft, operation: Operation) -> None:
    """Apply an operation without a path, as JumpCloud and Okta rename; Okta's id is ignored."""
    if not isinstance(operation.value, Mapping):
        raise InvalidValue("An operation on the whole group needs an object of attributes as its value.")
    for name, value in _attributes(operation.value).items():
        _apply_attribute(draft, operation.op, name, value)


def _attributes(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if name.casefold() == GROUP.casefold() and isinstance(inner, Mapping):
            found |= _attributes(inner)
        else:
            found[name.casefold().removeprefix(f"{GROUP.casefold()}:")] = inner
    return found


def _apply_path(draft: _Draft, operation: Operation, path: PatchPath) -> None:
    attribute = path.attribute
    if _is_schema(attribute):
        _apply_whole(draft, operation)
        return
    if attribute.uri is not None and attribute.uri.casefold() != GROUP.casefold():
        return
    name = attribute.name.casefold()
    if name in READ_ONLY_COMMON:
        raise Mutability(f"{attribute.name} is read-only: the service sets it.")
    if path.term is not None:
        _apply_selected(draft, operation, path)
    elif name == "members":
        refuse_part_of_member(attribute.sub)
        _apply_members(draft, operation.op, operation.value)
    elif attribute.sub is None:
        _apply_attribute(draft, operation.op, name, operation.value)


def _is_schema(attribute: AttributePath) -> bool:
    """Say whether the path is the core schema's own URN, which reads like an attribute called `Group`."""
    return attribute.uri is not None and f"{attribute.uri}:{attribute.name}".casefold() == GROUP.casefold()


def _apply_whole(draft: _Draft, operation: Operation) -> None:
    if operation.op is Op.REMOVE:
        raise InvalidValue("A group can't be removed by an operation. Send DELETE to its URL.")
    _apply_pathless(draft, operation)


def refuse_part_of_member(sub: str | None) -> None:
    """Raises Mutability for `members.display` and the like, which must not be taken for the members themselves."""
    if sub is not None and sub.casefold() != "value":
        raise Mutability(f"members.{sub} can't be changed (RFC 7643 §4.2). Add or remove the member.")


def _apply_selected(draft: _Draft, operation: Operation, path: PatchPath) -> None:
    """Apply a removal of `members[value eq "id"]`; nothing else in a group can be selected."""
    if path.attribute.name.casefold() != "members" or path.term is None:
        raise InvalidPath("Only members can be selected by a filter in a group's path.")
    refuse_part_of_member(path.sub)
    ids = equal_values(path.term, "value")
    if operation.op is not Op.REMOVE or ids is None:
        raise InvalidPath('A filter on members can remove: members[value eq "<id of a user>"].')
    draft.remove([member.lower() for member in ids])


def _apply_attribute(draft: _Draft, op: Op, name: str, value: Any) -> None:
    if name == "displayname":
        if op is Op.REMOVE:
            raise InvalidValue("displayName can't be removed: a group needs a name.")
        draft.display_name = read_display_name(value)
    elif name == "externalid":
        draft.set_external_id(None if op is Op.REMOVE else read_external_id(value))
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
