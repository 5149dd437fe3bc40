"""What a query of resources asks for: as URL parameters (RFC 7644 §3.4.2), as a SearchRequest (§3.4.3), by cursor (RFC 9865)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import InvalidCount, InvalidCursor, InvalidPath, InvalidSyntax, InvalidValue
from scim.protocol.filters import parse_path
from scim.protocol.paging import PageRequest, read_page
from scim.protocol.queryable import Queryable, QuerySchema, unknown
from scim.protocol.schemas import SEARCH_REQUEST, AttributeType, Document

ORDERS = {"": False, "ascending": False, "descending": True}
_TEXTS = ("filter", "sortBy", "sortOrder", "cursor")
_NUMBERS = ("startIndex", "count")
_LISTS = ("attributes", "excludedAttributes")


@dataclass(frozen=True, slots=True)
class Search:
    """`cursor` is None where pages are counted by startIndex, and empty where the first page by cursor is asked for."""

    filter: str | None
    sort_by: str | None
    descending: bool
    page: PageRequest
    cursor: str | None

    @property
    def is_plain(self) -> bool:
        """Say whether the resources come in their own order, page by page by startIndex."""
        return self.sort_by is None and self.cursor is None


def read_search(query: Mapping[str, str]) -> Search:
    """Return what URL parameters ask for. Raises InvalidValue, InvalidCount, InvalidCursor."""
    order = query.get("sortOrder", "").strip().casefold()
    if order not in ORDERS:
        raise InvalidValue("sortOrder must be ascending or descending.")
    filter_text, sort_by = query.get("filter", "").strip(), query.get("sortBy", "").strip()
    cursor = query.get("cursor")
    if cursor is not None and query.get("startIndex"):
        raise InvalidCursor("Send startIndex or cursor, not both.")
    return Search(
        filter=filter_text or None,
        sort_by=sort_by or None,
        descending=ORDERS[order],
        page=read_page(query) if cursor is None else _cursor_page(query),
        cursor=cursor,
    )


def _cursor_page(query: Mapping[str, str]) -> PageRequest:
    """Return how many resources a page by cursor has: RFC 9865 §2.1 has an error of its own for less than one."""
    try:
        page = read_page({"count": query.get("count", "")})
    except InvalidValue as error:
        raise InvalidCount(error.detail) from error
    if page.count < 1:
        raise InvalidCount("count must be 1 at least where pages are asked for by cursor.")
    return page


def read_search_body(body: Document) -> dict[str, str]:
    """Return a SearchRequest as the URL parameters that ask for the same. Raises InvalidSyntax."""
    given = {name.casefold(): value for name, value in body.items()}
    if SEARCH_REQUEST.casefold() not in _schemas(given.get("schemas")):
        raise InvalidSyntax(f"schemas must name {SEARCH_REQUEST}.")
    found: dict[str, str] = {}
    for name in (*_TEXTS, *_NUMBERS, *_LISTS):
        value = given.get(name.casefold())
        if value is not None:
            found[name] = _parameter(name, value)
    return found


def _schemas(value: Any) -> set[str]:
    return {urn.casefold() for urn in value if isinstance(urn, str)} if isinstance(value, list) else set()


def _parameter(name: str, value: Any) -> str:
    if name in _LISTS and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if name in _NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if name in _TEXTS and isinstance(value, str):
        return value
    kind = "a list of names" if name in _LISTS else "an integer" if name in _NUMBERS else "text"
    raise InvalidSyntax(f"{name} must be {kind}.")


def sorted_attribute(text: str, schema: QuerySchema) -> Queryable:
    """Return the attribute that sortBy names; a complex one stands for its value (§3.4.2.3). Raises InvalidPath."""
    [found] = sorted_attributes(text, (schema,))
    assert found is not None  # noqa: S101 - the one schema has it
    return found


def sorted_attributes(text: str, schemas: tuple[QuerySchema, ...]) -> list[Queryable | None]:
    """Return what sortBy names in each type that is searched, None in those that have no such attribute. Raises InvalidPath."""
    path = parse_path(text)
    if path.term is not None:
        raise InvalidPath("sortBy names an attribute, without a bracket.")
    found = [schema.find(path.attribute) for schema in schemas]
    if not any(found):
        raise InvalidPath(f"sortBy: {unknown(path.attribute, schemas)}")
    return [None if attribute is None else _leaf(attribute) for attribute in found]


def _leaf(found: Queryable) -> Queryable:
    leaf = found.sub("value") if found.kind is AttributeType.COMPLEX else found
    if leaf is None or leaf.is_long or leaf.kind is AttributeType.BINARY:
        raise InvalidPath(f"{found.name} has no order. Sort by another attribute, or by one of its parts.")
    return leaf
