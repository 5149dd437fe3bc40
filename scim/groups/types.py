from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orgs.base.clock import iso
from scim.protocol.users import Identity
from scim.protocol.wire import group_text, read_ids


@dataclass(slots=True)
class GroupRow:
    """A group as a read takes it.

    `members` is JSON text of rows of a user's id, or None without any or without asking; `external_id` and
    `organization_role` are empty where there is none. Not frozen: a page makes hundreds of them.
    """

    pk: int
    public_id: UUID
    name: str
    external_id: str
    organization_role: str
    version: int
    created_at: datetime
    updated_at: datetime
    members: str | None = None

    def text(self, base: str, *, with_members: bool) -> str:
        """Return the group as it goes on the wire, below a Base URL."""
        scim_id = str(self.public_id)
        identity = Identity(
            id=scim_id,
            location=f"{base}/Groups/{scim_id}",
            created=iso(self.created_at),
            last_modified=iso(self.updated_at),
            version=self.version,
        )
        return group_text(
            identity=identity,
            display_name=self.name,
            external_id=self.external_id,
            organization_role=self.organization_role,
            members=read_ids(self.members) if with_members else None,
            users=f"{base}/Users",
        )
