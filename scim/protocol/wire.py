"""Answers of reads as text: what is stored goes out as it is, with id, meta and groups put around it.

To parse a stored document and write it again takes longer than all else that a read does here.
"""

import json
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring_ascii as quoted
from uuid import UUID

from scim.protocol.groups import render_group
from scim.protocol.paging import PageRequest
from scim.protocol.schemas import LIST_RESPONSE, USER, USER_EXTENSIONS
from scim.protocol.users import Identity

_ONLY_CORE = f'"schemas":["{USER}"'
# how a document with this member is written; inside of a text the quotes would follow backslashes
_EXTENSIONS = tuple((f'"{urn}":', f',"{urn}"') for urn in USER_EXTENSIONS)


def user_text(document: str, *, identity: Identity, groups: Sequence[tuple[str, str, str]] = ()) -> str:
    """Return a user as `render_user` has it, from the JSON text of its document; `groups` are id, location and name."""
    extensions = "".join(name for member, name in _EXTENSIONS if member in document)
    attributes = document[1:-1]
    parts = [f'{{{_ONLY_CORE}{extensions}],"id":"{identity.id}",{attributes}{"," if attributes else ""}']
    parts.append(meta_text("User", identity))
    if groups:
        shown = (
            f'{{"value":"{scim_id}","$ref":{quoted(location)},"display":{quoted(name)},"type":"direct"}}'
            for scim_id, location, name in groups
        )
        parts.append(f',"groups":[{",".join(shown)}]')
    return "".join((*parts, "}"))


def group_text(
    *,
    identity: Identity,
    display_name: str,
    external_id: str,
    organization_role: str,
    members: Iterable[str] | None,
    users: str,
) -> str:
    """Return a group as `render_group` has it; `members` are ids of users, and `users` is the URL before each of them."""
    document = render_group(
        identity=identity,
        display_name=display_name,
        external_id=external_id or None,
        members=None,
        organization_role=organization_role or None,
    )
    text = json.dumps(document, separators=(",", ":"))
    if members is None:
        return text
    before = f'","$ref":{quoted(users)[:-1]}/'
    shown = ",".join(f'{{"value":"{scim_id}{before}{scim_id}","type":"User"}}' for scim_id in members)
    return f'{text[:-1]},"members":[{shown}]}}'


def meta_text(resource_type: str, identity: Identity) -> str:
    """Return the member `meta` (RFC 7643 §3.1) as JSON text."""
    return (
        f'"meta":{{"resourceType":"{resource_type}","created":"{identity.created}",'
        f'"lastModified":"{identity.last_modified}","location":{quoted(identity.location)},'
        f'"version":"W/\\"{identity.version}\\""}}'
    )


def list_text(resources: Sequence[str], *, total: int, page: PageRequest | None, next_cursor: str | None = None) -> str:
    """Return the envelope of `list_response` around resources that are JSON texts; by cursor there is no `page`."""
    start = "" if page is None else f'"startIndex":{page.start_index},'
    cursor = "" if next_cursor is None else f'"nextCursor":{quoted(next_cursor)},'
    return (
        f'{{"schemas":["{LIST_RESPONSE}"],"totalResults":{total},{start}{cursor}'
        f'"itemsPerPage":{len(resources)},"Resources":[{",".join(resources)}]}}'
    )


def read_pairs(text: str | None) -> list[tuple[str, str]]:
    """Return rows of an id and a name that a database gave as JSON; it may have written an id without hyphens."""
    return [(str(UUID(scim_id)), name) for scim_id, name in json.loads(text)] if text else []


def read_ids(text: str | None) -> list[str]:
    """Return rows of an id alone that a database gave as JSON."""
    found = json.loads(text) if text else []
    if found and len(found[0][0]) == len(str(UUID(int=0))):
        return [scim_id for [scim_id] in found]
    return [str(UUID(scim_id)) for [scim_id] in found]
