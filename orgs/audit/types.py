from dataclasses import dataclass

from orgs.base.actor import ActorKind
from orgs.logs.filters import LogFilter

# the columns of an exported audit log, in their order
EXPORTED = (
    "at",
    "actor_kind",
    "actor_label",
    "actor_reference",
    "ip",
    "action",
    "target_kind",
    "target_label",
    "target_id",
    "before",
    "after",
    "request_id",
    "public_id",
)
# who acts, as pages call them
ACTORS: dict[str, str] = {
    ActorKind.PERSON: "A person",
    ActorKind.SCIM: "Provisioning (SCIM)",
    ActorKind.SAML: "Single sign-on (SAML)",
    ActorKind.STAFF: "Gatehouse support",
    ActorKind.SYSTEM: "Gatehouse itself",
    ActorKind.COMMAND: "A command on the server",
}
# what acts are about, as their names begin, with the words for it
SUBJECTS = {
    "membership": "Members",
    "group": "Groups",
    "domain": "Domains",
    "connection": "Connections",
    "directory": "Directories",
    "scim_token": "SCIM tokens",
    "organization": "The organization",
}


@dataclass(frozen=True, slots=True)
class AuditFilter(LogFilter):
    """What the audit log shows; empty shows all. `actor` is an ActorKind.

    `action` is the whole name of an act, or its first word, for all acts about such a thing.
    """

    actor: str = ""
    action: str = ""
