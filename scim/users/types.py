from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orgs.base.clock import iso
from scim.protocol.users import Identity
from scim.protocol.wire import read_pairs, user_text


@dataclass(frozen=True, slots=True)
class Presence:
    """What is there already of somebody whom a directory wants to create.

    `is_name_taken` when a user of the directory has the userName or the externalId, `is_former` when one with this
    externalId was deleted, `is_member` when a membership has the address, `is_address_new` when none ever had it.
    """

    is_name_taken: bool
    is_former: bool
    is_member: bool
    is_address_new: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides what becomes of a membership whose user is deleted.

    `is_used` by the rule of `orgs.people.queries.is_used`, `is_elsewhere` when another directory has the member,
    `has_claims` when the member is in groups of directories, or has roles from these.
    """

    is_used: bool
    is_elsewhere: bool
    has_claims: bool


@dataclass(slots=True)
class UserRow:
    """A user as a read takes it. `document` is JSON text, `groups` JSON text of rows of id and name, or None without any.

    Not frozen: a page makes hundreds of them.
    """

    pk: int
    public_id: UUID
    user_name: str
    version: int
    created_at: datetime
    updated_at: datetime
    document: str
    groups: str | None

    def text(self, base: str) -> str:
        """Return the user as it goes on the wire, below a Base URL."""
        scim_id = str(self.public_id)
        identity = Identity(
            id=scim_id,
            location=f"{base}/Users/{scim_id}",
            created=iso(self.created_at),
            last_modified=iso(self.updated_at),
            version=self.version,
        )
        pairs = read_pairs(self.groups) if self.groups else ()
        groups = [(group_id, f"{base}/Groups/{group_id}", name) for group_id, name in pairs]
        return user_text(self.document, identity=identity, groups=groups)
