"""Which rows a page has where several types are searched together (RFC 7644 §3.4.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Value

from scim.directories.types import ScimCaller
from scim.endpoint import cursors
from scim.endpoint.conditions import ResourcePlaces, condition
from scim.endpoint.cursors import Position
from scim.endpoint.listing import Listing
from scim.endpoint.ordering import after, key_expression, keyed_order, no_key, ordered
from scim.protocol.filters import Filter
from scim.protocol.queryable import Queryable, QuerySchema
from scim.protocol.resolution import resolve
from scim.protocol.search import Search, sorted_attributes

LABEL = "users and groups"
# the key by which a row is sorted, its kind, its primary key
Row = tuple[Any, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """The resources of one type that a filter finds, and where they have what they are sorted by."""

    rows: "QuerySet[Any, Any]"
    schema: QuerySchema
    places: ResourcePlaces

    def filtered(self, term: Filter, *others: QuerySchema) -> "Found":
        """Return those that meet a filter, which may name attributes of the other types. Raises InvalidFilter."""
        where = condition(resolve(term, self.schema, others), self.places)
        return Found(self.rows.filter(where), self.schema, self.places)


@dataclass(frozen=True, slots=True)
class MixedListing(Listing):
    """A page of several types: of which kind the rows are, each beside its id."""

    kinds: tuple[int, ...] = ()

    def ids_of(self, kind: int) -> list[int]:
        return [pk for pk, its_kind in zip(self.ids, self.kinds, strict=True) if its_kind == kind]


def list_found(found: Sequence[Found], asked: Search, caller: ScimCaller) -> MixedListing:
    """Return the rows of the page. Raises InvalidPath, InvalidCursor, ExpiredCursor."""
    position = cursors.read(asked, caller, LABEL)
    totals = [one.rows.count() for one in found] if position is None else []
    total = sum(totals) if position is None else position.total
    start = asked.page.start_index - 1 if asked.cursor is None else 0
    # by cursor one more than the page has: whether there is a next one
    count = asked.page.count + (asked.cursor is not None)
    wanted = slice(start, start + count)
    if asked.sort_by is None:
        rows = _one_kind_after_another(found, position, wanted, totals)
    else:
        rows = _sorted_together(found, position, wanted, asked)
    shown = rows[: asked.page.count]
    return MixedListing(
        [pk for _, _, pk in shown],
        total,
        _next_cursor(shown[-1], total, asked, caller) if len(rows) > len(shown) else None,
        kinds=tuple(kind for _, kind, _ in shown),
    )


def _next_cursor(last: Row, total: int, asked: Search, caller: ScimCaller) -> str:
    key, kind, pk = last
    return cursors.write(Position(cursors.key_of(key), pk, total, kind), asked, caller, LABEL)


def _one_kind_after_another(
    found: Sequence[Found], position: Position | None, wanted: slice, totals: Sequence[int]
) -> list[Row]:
    rows: list[Row] = []
    start, count = wanted.start, wanted.stop - wanted.start
    for kind, one in enumerate(found):
        mine = ordered(one.rows, one.places, None, descending=False)
        if position is not None:
            mine = after(mine, position.seen_from(kind), None, descending=False)
        left = count - len(rows)
        if left > 0:
            rows += [(None, kind, pk) for pk in mine.values_list("id", flat=True)[start : start + left]]
        start = max(start - totals[kind], 0) if totals else 0
    return rows


def _sorted_together(found: Sequence[Found], position: Position | None, wanted: slice, asked: Search) -> list[Row]:
    """Return the rows in one order over all types: what lacks the attribute is where what has no value is."""
    assert asked.sort_by is not None  # noqa: S101 - what isn't sorted is listed one kind after another
    attributes = sorted_attributes(asked.sort_by, tuple(one.schema for one in found))
    parts = list(_parts(found, attributes, position, descending=asked.descending))
    together = parts[0].union(*parts[1:], all=True).order_by(*keyed_order("kind", "id", descending=asked.descending))
    return list(together[wanted])


def _parts(
    found: Sequence[Found], attributes: Sequence[Queryable | None], position: Position | None, *, descending: bool
) -> "Iterator[QuerySet[Any, Any]]":
    known = next(attribute for attribute in attributes if attribute is not None)
    for kind, (one, attribute) in enumerate(zip(found, attributes, strict=True)):
        key = no_key(known.kind) if attribute is None else key_expression(one.places, attribute)
        rows = one.rows.annotate(sort_key=key)
        if position is not None:
            rows = after(rows, position.seen_from(kind), known, descending=descending)
        yield rows.order_by().annotate(kind=Value(kind)).values_list("sort_key", "kind", "id")
