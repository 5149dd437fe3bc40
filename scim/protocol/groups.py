"""Group resources: wire ↔ what a group is told to be (RFC 7643 §4.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.normal import is_empty, is_scalar, normal_value
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import (
    COMMON,
    EARLY_CORE,
    EXTERNAL_ID,
    GATEHOUSE_GROUP,
    GATEHOUSE_GROUP_SPECS,
    GROUP,
    GROUP_SPECS,
    ROLE_NAME,
    Specs,
    find,
    with_colon,
)
from scim.protocol.users import Identity, render_meta

MAX_MEMBERS = 10_000
DISPLAY_NAME = GROUP_SPECS[0]
[ROLE] = GATEHOUSE_GROUP_SPECS
KNOWN: Specs = (*GROUP_SPECS, EXTERNAL_ID, *GATEHOUSE_GROUP_SPECS)
EXTENSION = GATEHOUSE_GROUP.casefold()
ROLE_KEY = ROLE_NAME.casefold()
GROUP_SCHEMAS = frozenset({GROUP.casefold(), EXTENSION, *EARLY_CORE})


@dataclass(frozen=True, slots=True)
class GroupInput:
    """A whole group. `members` is None when the body doesn't mention them; `organization_role` is admin, user or guest."""

    display_name: str
    external_id: str | None
    members: tuple[str, ...] | None
    organization_role: str | None = None


@dataclass(frozen=True, slots=True)
class MemberReference:
    id: str
    location: str


def read_group(body: Mapping[str, Any], remarks: Remarks | None = None) -> GroupInput:
    """Return what POST and PUT ask for. Unknown attributes are named in `remarks`. Raises InvalidValue."""
    given = attributes(body, remarks)
    return GroupInput(
        display_name=read_display_name(given.get("displayname")),
        external_id=read_external_id(given.get("externalid")),
        members=read_members(given["members"]) if "members" in given else None,
        organization_role=read_role(given.get(ROLE_KEY)),
    )


def attributes(body: Mapping[str, Any], remarks: Remarks | None = None) -> dict[str, Any]:
    """Return a group's attributes by their names in lower case, whether they stand alone or under a schema's URN."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        key = with_colon(name).casefold()
        urn, _, bare = key.rpartition(":")
        attribute = bare if urn in GROUP_SCHEMAS else key
        if key in GROUP_SCHEMAS and isinstance(value, Mapping):
            found |= attributes(value, remarks)
        elif key == EXTENSION and is_empty(value):
            # null unassigns all that the extension has (RFC 7643 §2.5)
            found[ROLE_KEY] = None
        elif find(KNOWN, attribute) is not None:
            found[attribute] = value
        elif remarks is not None and attribute not in COMMON and not is_empty(value):
            remarks.ignore(name)
    return found


def read_display_name(value: Any) -> str:
    """Return a group's name. Raises InvalidValue."""
    name = normal_value(DISPLAY_NAME, value, "displayName")
    if name is None or not name.strip():
        raise InvalidValue("displayName is missing. Send the group's name as text.")
    return str(name)


def read_external_id(value: Any) -> str | None:
    """Return the IdP's own id, or None when it is unassigned. Raises InvalidValue."""
    found: str | None = normal_value(EXTERNAL_ID, value, "externalId")
    return found


def read_role(value: Any) -> str | None:
    """Return admin, user or guest, or None when the group gives no role. Raises InvalidValue."""
    found: str | None = normal_value(ROLE, value, ROLE_NAME)
    return found.casefold() if found else None


def read_members(value: Any) -> tuple[str, ...]:
    """Return the members' ids, each once, from a list or one member; each an object or the bare id. Raises InvalidValue."""
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_MEMBERS:
        raise InvalidValue(f"members has {len(values)} values; send {MAX_MEMBERS} at most in one request.")
    return tuple(dict.fromkeys(_member_id(item) for item in values))


def _member_id(item: Any) -> str:
    if is_scalar(item) and item != "":
        return str(item).lower()
    if not isinstance(item, Mapping):
        raise InvalidValue('A member must be an object such as {"value": "<id of a user>"}.')
    given = {name.casefold(): value for name, value in item.items()}
    if str(given.get("type") or "User").casefold() != "user":
        raise InvalidValue("Only users can be members of a group; a group within a group isn't supported.")
    value = given.get("value")
    if not is_scalar(value) or value == "":
        raise InvalidValue("A member's value must be the id of a user, as text.")
    return str(value).lower()


def read_canonical_role(role: str) -> str | None:
    """Return a role as the wire has it, such as Admin."""
    found: str | None = normal_value(ROLE, role, ROLE_NAME)
    return found


def render_group(
    *,
    identity: Identity,
    display_name: str,
    external_id: str | None,
    members: Sequence[MemberReference] | None,
    organization_role: str | None = None,
) -> dict[str, Any]:
    """Return the group as it goes on the wire; without `members` when they weren't asked for."""
    schemas = [GROUP, GATEHOUSE_GROUP] if organization_role else [GROUP]
    shown: dict[str, Any] = {"schemas": schemas, "id": identity.id, "displayName": display_name}
    if external_id is not None:
        shown["externalId"] = external_id
    if organization_role:
        shown[GATEHOUSE_GROUP] = {ROLE_NAME: read_canonical_role(organization_role)}
    if members is not None:
        shown["members"] = [{"value": member.id, "$ref": member.location, "type": "User"} for member in members]
    shown["meta"] = render_meta("Group", identity)
    return shown
