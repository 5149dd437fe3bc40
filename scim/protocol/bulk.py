"""Bulk requests: many operations in one body, which may name one another's new resources (RFC 7644 §3.7)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim.protocol.errors import BodyTooLarge, InvalidSyntax, InvalidValue, ScimError
from scim.protocol.schemas import Document

BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
# what ServiceProviderConfig tells clients
MAX_OPERATIONS = 100
MAX_PAYLOAD = 2 * 1024 * 1024
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PATH = re.compile(r"/?(?P<resource>users|groups)(?:/(?P<id>[^/?#]+))?/?", re.IGNORECASE)
# a whole text, or a value within a filter of a PATCH path
_REFERENCE = re.compile(r'(?:^|(?<="))bulkId:(?P<id>[^"]+)(?="|$)')


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One operation. `resource` is users or groups, `resource_id` empty for POST; `refers` are the bulkIds that it names.

    `problem` says what makes it unusable; then only `place`, `method` and `bulk_id` count.
    """

    place: int
    method: str
    bulk_id: str = ""
    resource: str = ""
    resource_id: str = ""
    version: str = ""
    data: Document = field(default_factory=dict)
    refers: frozenset[str] = frozenset()
    problem: ScimError | None = None


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """`fail_on_errors` is how many errors are accepted before the rest isn't tried; None for any number."""

    operations: tuple[BulkOperation, ...]
    fail_on_errors: int | None = None


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of one operation. `location` is where its resource is, empty where there is none."""

    operation: BulkOperation
    status: int
    location: str = ""
    version: int | None = None
    error: ScimError | None = None


def read_bulk(body: Mapping[str, Any]) -> BulkRequest:
    """Return the operations. What is wrong in one is its own problem. Raises InvalidSyntax, InvalidValue, BodyTooLarge."""
    given = {name.casefold(): value for name, value in body.items()}
    found = given.get("operations")
    if not isinstance(found, list) or not found:
        raise InvalidSyntax("Operations is missing. Send a list of objects with method, path and data.")
    if len(found) > MAX_OPERATIONS:
        raise BodyTooLarge(
            f"The request has {len(found)} operations; {MAX_OPERATIONS} are taken at most (maxOperations)."
        )
    most = given.get("failonerrors")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise InvalidValue("failOnErrors must be a number of 1 or more.")
    known: set[str] = set()
    return BulkRequest(tuple(_read(item, place, known) for place, item in enumerate(found)), most)


def _read(item: Any, place: int, known: set[str]) -> BulkOperation:
    given = {name.casefold(): value for name, value in item.items()} if isinstance(item, Mapping) else {}
    method, bulk_id = str(given.get("method", "")).upper(), str(given.get("bulkid") or "")
    try:
        operation = _checked(given, place, method, bulk_id)
        if bulk_id in known:
            raise InvalidValue(f"The bulkId {bulk_id[:64]!r} stands for another operation of this request, too.")
    except ScimError as error:
        return BulkOperation(place, method, bulk_id, problem=error)
    if bulk_id:
        known.add(bulk_id)
    return operation


def _checked(given: Mapping[str, Any], place: int, method: str, bulk_id: str) -> BulkOperation:
    path, data = given.get("path"), given.get("data")
    match = _PATH.fullmatch(path) if isinstance(path, str) else None
    if method not in METHODS:
        raise InvalidSyntax("method must be POST, PUT, PATCH or DELETE.")
    if match is None or bool(match["id"]) == (method == "POST"):
        raise InvalidSyntax(
            "path must be /Users or /Groups for POST, and end with the id of one resource for the others."
        )
    if method == "POST" and not bulk_id:
        raise InvalidSyntax("bulkId is missing: an operation that creates needs a name of its own.")
    if method != "DELETE" and not isinstance(data, Mapping):
        raise InvalidSyntax("data is missing. Send the body of the operation as an object.")
    held = dict(data) if isinstance(data, Mapping) else {}
    return BulkOperation(
        place=place,
        method=method,
        bulk_id=bulk_id,
        resource=match["resource"].casefold(),
        resource_id=match["id"] or "",
        version=str(given.get("version") or ""),
        data=held,
        refers=frozenset(_references(held)) | frozenset(_references(match["id"] or "")),
    )


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (match["id"] for match in _REFERENCE.finditer(value))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def resolved(value: Any, ids: Mapping[str, str]) -> Any:
    """Return the value with each bulkId replaced by the id that its resource got. Raises KeyError for one without."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: ids[match["id"]], value)
    if isinstance(value, Mapping):
        return {name: resolved(inner, ids) for name, inner in value.items()}
    return [resolved(inner, ids) for inner in value] if isinstance(value, list) else value


def in_order(operations: Sequence[BulkOperation]) -> tuple[list[BulkOperation], list[BulkOperation]]:
    """Return the operations so that each comes after those that it refers to, else as they were sent; and the circular ones.

    A reference to what no operation makes is no reason to wait.
    """
    makers = {one.bulk_id for one in operations if one.method == "POST" and one.problem is None}
    ordered: list[BulkOperation] = []
    waiting, made = list(operations), set[str]()
    while waiting:
        ready = [one for one in waiting if one.refers & makers <= made]
        if not ready:
            break
        ordered += ready
        made |= {one.bulk_id for one in ready}
        waiting = [one for one in waiting if one not in ready]
    return ordered, waiting


def render_bulk(outcomes: Sequence[BulkOutcome]) -> Document:
    """Return the answer, in the order in which the operations were sent."""
    in_place = sorted(outcomes, key=lambda outcome: outcome.operation.place)
    return {"schemas": [BULK_RESPONSE], "Operations": [_rendered(outcome) for outcome in in_place]}


def _rendered(outcome: BulkOutcome) -> Document:
    shown: Document = {"method": outcome.operation.method, "status": str(outcome.status)}
    if outcome.operation.bulk_id:
        shown["bulkId"] = outcome.operation.bulk_id
    if outcome.location:
        shown["location"] = outcome.location
    if outcome.version is not None:
        shown["version"] = f'W/"{outcome.version}"'
    if outcome.error is not None:
        shown["response"] = outcome.error.to_body()
    return shown
