"""Group resources: wire ↔ what a group is told to be (RFC 7643 §4.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.schemas import GROUP, MAX_NAME
from scim.protocol.users import Identity, render_meta

MAX_MEMBERS = 10_000


@dataclass(frozen=True, slots=True)
class GroupInput:
    """A whole group. `members` is None when the body doesn't mention them; then PUT leaves them as they are."""

    display_name: str
    external_id: str | None
    members: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class MemberReference:
    id: str
    location: str


def read_group(body: Mapping[str, Any]) -> GroupInput:
    """Return what POST and PUT ask for. Raises InvalidValue."""
    given = {name.casefold(): value for name, value in body.items()}
    return GroupInput(
        display_name=read_display_name(given.get("displayname")),
        external_id=read_external_id(given.get("externalid")),
        members=read_members(given["members"]) if "members" in given else None,
    )


def read_display_name(value: Any) -> str:
    """Return a group's name. Raises InvalidValue."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("displayName is missing. Send the group's name as text.")
    if len(value) > MAX_NAME:
        raise InvalidValue(f"displayName is longer than {MAX_NAME} characters.")
    return value


def read_external_id(value: Any) -> str | None:
    """Return the IdP's own id, or None when it is unassigned. Raises InvalidValue."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise InvalidValue(f"externalId must be text of at most {MAX_NAME} characters.")
    return value


def read_members(value: Any) -> tuple[str, ...]:
    """Return the members' ids, each once, from a list or one member; each an object or the bare id. Raises InvalidValue."""
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_MEMBERS:
        raise InvalidValue(f"members has {len(values)} values; send {MAX_MEMBERS} at most in one request.")
    return tuple(dict.fromkeys(_member_id(item) for item in values))


def _member_id(item: Any) -> str:
    if isinstance(item, str) and item:
        return item.lower()
    if not isinstance(item, Mapping):
        raise InvalidValue('A member must be an object such as {"value": "<id of a user>"}.')
    given = {name.casefold(): value for name, value in item.items()}
    if str(given.get("type") or "User").casefold() != "user":
        raise InvalidValue("Only users can be members of a group; a group within a group isn't supported.")
    if not isinstance(given.get("value"), str) or not given["value"]:
        raise InvalidValue("A member's value must be the id of a user, as text.")
    member_id: str = given["value"]
    return member_id.lower()


def render_group(
    *,
    identity: Identity,
    display_name: str,
    external_id: str | None,
    members: Sequence[MemberReference] | None,
) -> dict[str, Any]:
    """Return the group as it goes on the wire; without `members` when they weren't asked for."""
    shown: dict[str, Any] = {"schemas": [GROUP], "id": identity.id, "displayName": display_name}
    if external_id is not None:
        shown["externalId"] = external_id
    if members is not None:
        shown["members"] = [{"value": member.id, "$ref": member.location, "type": "User"} for member in members]
    shown["meta"] = render_meta("Group", identity)
    return shown
