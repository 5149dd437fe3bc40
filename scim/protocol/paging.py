"""startIndex and count, and the list envelope (RFC 7644 §3.4.2.4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.schemas import LIST_RESPONSE

DEFAULT_COUNT = 100
MAX_COUNT = 200
# for how long, in seconds, a cursor leads on
CURSOR_TIMEOUT = 3600
FARTHEST = 10**9
_INTEGER = re.compile(r"[+-]?\d{1,4000}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`start_index` counts from 1; `count` is how many resources at most, and may be 0."""

    start_index: int
    count: int

    @property
    def offset(self) -> int:
        """Return how many resources come before the page."""
        return self.start_index - 1

    def total_by(self, found: int) -> int | None:
        """Return how many resources there are, as far as a page of this many tells: only the last one does, unless empty."""
        is_last = 0 < found < self.count or (found == 0 < self.count and self.offset == 0)
        return self.offset + found if is_last else None


def read_page(query: Mapping[str, str]) -> PageRequest:
    """Return the page that was asked for: an index below 1 means 1, a negative count 0. Raises InvalidValue."""
    start = _integer(query, "startIndex", 1)
    count = _integer(query, "count", DEFAULT_COUNT)
    return PageRequest(start_index=min(max(start, 1), FARTHEST), count=min(max(count, 0), MAX_COUNT))


def _integer(query: Mapping[str, str], name: str, default: int) -> int:
    text = (query.get(name) or "").strip()
    if not text:
        return default
    if not _INTEGER.fullmatch(text):
        raise InvalidValue(f"{name} must be an integer.")
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = int(digits) if len(digits) <= 9 else FARTHEST
    return -number if text.startswith("-") else number


def list_response(resources: Sequence[Mapping[str, Any]], *, total: int, page: PageRequest) -> dict[str, Any]:
    """Return the envelope; its three numbers are JSON integers."""
    return {
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "startIndex": page.start_index,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }
