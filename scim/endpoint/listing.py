"""Which rows a page has that is sorted, or asked for by cursor: their primary keys, in order, and what leads on."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from scim.directories.types import ScimCaller
from scim.endpoint import cursors
from scim.endpoint.conditions import ResourcePlaces
from scim.endpoint.cursors import Position
from scim.endpoint.ordering import after, ordered
from scim.protocol.queryable import QuerySchema
from scim.protocol.search import Search, sorted_attribute


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a page. `next_cursor` is None on the last page, and where pages are counted by startIndex."""

    ids: list[int]
    total: int
    next_cursor: str | None = None


def list_ids(
    found: "QuerySet[Any, Any]", search: Search, places: ResourcePlaces, schema: QuerySchema, caller: ScimCaller
) -> Listing:
    """Return the rows of the page. Raises InvalidPath, InvalidCursor, ExpiredCursor."""
    attribute = None if search.sort_by is None else sorted_attribute(search.sort_by, schema)
    rows = ordered(found, places, attribute, descending=search.descending)
    names = ("id",) if attribute is None else ("id", "sort_key")
    if search.cursor is None:
        start = search.page.start_index - 1
        page = rows.values_list(*names)[start : start + search.page.count]
        return Listing([row[0] for row in page], found.count())
    position = cursors.read(search, caller, schema.label)
    total = found.count() if position is None else position.total
    if position is not None:
        rows = after(rows, position, attribute, descending=search.descending)
    # one more than the page has: whether there is a next one
    page = list(rows.values_list(*names)[: search.page.count + 1])
    shown = page[: search.page.count]
    if len(shown) == len(page):
        return Listing([row[0] for row in shown], total)
    last = Position(cursors.key_of(shown[-1][1]) if attribute else None, shown[-1][0], total)
    return Listing([row[0] for row in shown], total, cursors.write(last, search, caller, schema.label))
