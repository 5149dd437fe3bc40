"""What of a user filters and sorting look up, and in which form, which is the same on every database."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orgs.base.text import text_key
from scim.protocol.queryable import USERS, Queryable
from scim.protocol.schemas import AttributeType

# these have columns of their own, or rows
ELSEWHERE = frozenset({"username", "externalid", "active", "groups", "id", "meta", "schemas"})
WORDS: dict[object, str] = {True: "true", False: "false"}


def digest(text: str) -> str:
    """Return what stands for a text that is too long to be looked up itself."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(attribute: Queryable) -> Callable[[str], str]:
    """Return how the values of an attribute are made comparable: as they are, without case, or by a digest."""
    if attribute.is_long:
        return digest
    return str if attribute.is_exact else text_key


@dataclass(frozen=True, slots=True)
class LookedUp:
    """An attribute of which keys are kept; a table of these is made once, so that to write a user costs little."""

    name: str
    key: str
    urn: str | None
    is_multi: bool
    key_of: Callable[[Any], str]
    subs: "tuple[LookedUp, ...]"


def _looked_up(attribute: Queryable, key: str) -> LookedUp:
    return LookedUp(
        attribute.spec.name,
        key,
        attribute.urn,
        attribute.spec.multi,
        WORDS.__getitem__ if attribute.kind is AttributeType.BOOLEAN else key_of(attribute),
        tuple(_looked_up(sub, sub.sub_key if attribute.spec.multi else sub.key) for sub in attribute.subs),
    )


LOOKED_UP = tuple(_looked_up(attribute, attribute.key) for attribute in USERS.wholes if attribute.key not in ELSEWHERE)
