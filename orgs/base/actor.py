"""Who did something, in the form in which the audit log keeps it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self


class ActorKind(StrEnum):
    PERSON = "person"
    SCIM = "scim"
    SAML = "saml"
    STAFF = "staff"
    SYSTEM = "system"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Actor:
    """`reference` is a public id or an address, never a secret; `ip` is empty when no request is behind the act."""

    kind: ActorKind
    reference: str = ""
    label: str = ""
    ip: str = ""

    @classmethod
    def system(cls) -> Self:
        return cls(ActorKind.SYSTEM, label="Gatehouse")

    @classmethod
    def command(cls, name: str) -> Self:
        return cls(ActorKind.COMMAND, reference=name, label=f"manage.py {name}")

    @classmethod
    def from_json(cls, given: Mapping[str, str]) -> Self:
        """Return the actor of which `as_json` has kept this, for work that is done later in their name."""
        return cls(ActorKind(given["kind"]), given["reference"], given["label"], given["ip"])

    def as_json(self) -> dict[str, str]:
        return asdict(self)
