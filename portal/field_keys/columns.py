"""Where sealed values are kept: every column of the site that holds one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column with sealed text, or a JSON column in whose objects these members hold sealed text or lists of it."""

    model: str
    field: str
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.model}.{self.field}"

    def sealed_in(self, value: Any) -> Iterator[str]:
        """Yield each sealed text of one row's value."""
        for found in [value.get(member) for member in self.members] if self.members else [value]:
            yield from found if isinstance(found, list) else [found] if found else []

    def replaced(self, value: Any, change: Callable[[str], str]) -> Any:
        """Return the value with each sealed text changed."""
        if not self.members:
            return change(value)
        return value | {member: _changed(value[member], change) for member in self.members if value.get(member)}


def _changed(found: Any, change: Callable[[str], str]) -> Any:
    return [change(each) for each in found] if isinstance(found, list) else change(found)


@dataclass(slots=True)
class Count:
    """How many sealed values of a column each key opens, how many rows were sealed anew, and which nothing opens."""

    column: SealedColumn
    first: int = 0
    other: int = 0
    resealed: int = 0
    broken: int = 0
    broken_ids: list[int] | None = None


SEALED_COLUMNS = (
    SealedColumn("sso.SpKey", "private_sealed"),
    # mail about accounts that waits or was given up
    SealedColumn("orgs.OutboxEvent", "payload", ("sealed",)),
    # TOTP's seed, the seed of recovery codes, and recovery codes from elsewhere; passkeys hold no secret
    SealedColumn("mfa.Authenticator", "data", ("secret", "seed", "migrated_codes")),
)
