"""Cursors: where a page ended, signed, and good for the query that it was given to only (RFC 9865 §2)."""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.core import signing

from scim.directories.types import ScimCaller
from scim.protocol.errors import ExpiredCursor, InvalidCursor
from scim.protocol.paging import CURSOR_TIMEOUT
from scim.protocol.search import Search

SALT = "scim.endpoint.cursors"
LONGEST = 4096
# no primary key is larger
LAST = 2**63 - 1
Key = str | bool | None


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: what it is sorted by, its primary key, and the total that the first page told.

    `kind` tells which of the types it is of that were searched together.
    """

    key: Key
    row: int
    total: int
    kind: int = 0

    def seen_from(self, kind: int) -> "Position":
        """Return the position among the rows of one kind: rows of one key come kind by kind, in the order of their ids."""
        return self if kind == self.kind else replace(self, row=0 if kind > self.kind else LAST)


def key_of(value: Any) -> Key:
    """Return the value by which a row is sorted as a cursor holds it."""
    return value.isoformat() if isinstance(value, datetime) else value


def write(position: Position, search: Search, caller: ScimCaller, label: str) -> str:
    """Return a cursor of unreserved characters."""
    payload = [_query(search, caller, label), position.key, position.row, position.total, position.kind]
    signed: str = signing.TimestampSigner(salt=SALT, sep=".").sign(
        urlsafe_b64encode(json.dumps(payload, ensure_ascii=False).encode()).decode().rstrip("=")
    )
    return signed


def read(search: Search, caller: ScimCaller, label: str) -> Position | None:
    """Return where the page before ended, or None for the first page. Raises InvalidCursor, ExpiredCursor."""
    if not search.cursor:
        return None
    try:
        text = signing.TimestampSigner(salt=SALT, sep=".").unsign(search.cursor[:LONGEST], max_age=CURSOR_TIMEOUT)
    except signing.SignatureExpired as error:
        raise ExpiredCursor(
            f"The cursor is older than {CURSOR_TIMEOUT} s. Begin again with an empty cursor."
        ) from error
    except signing.BadSignature as error:
        raise InvalidCursor("This is no cursor of ours. Begin with an empty one, then send each nextCursor.") from error
    query, key, row, total, kind = json.loads(signing.b64_decode(text.encode()))
    if query != _query(search, caller, label):
        raise InvalidCursor("The cursor belongs to another query: filter and sorting must stay as they were.")
    return Position(key, row, total, kind)


def _query(search: Search, caller: ScimCaller, label: str) -> str:
    parts = [str(caller.public_id), label, search.filter, search.sort_by, search.descending]
    return sha256(json.dumps(parts).encode()).hexdigest()[:32]
