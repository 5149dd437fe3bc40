"""A filter's syntax tree → the same about known attributes, with values of their types (RFC 7644 §3.4.2.2).

What the RFC leaves open is decided here, for every resource and database alike:
- Text without case is compared by its key (orgs.base.text): eq, ne, gt, ge, lt and le without outer space, co, sw, ew with.
- An attribute without a value isn't equal to anything: eq, co, sw, ew, gt, ge, lt, le are false, ne is true.
- A multi-valued attribute meets a comparison if one of its values does; without any, only ne does.
- `not` turns the answer round, whatever has a value. `eq null` is `not (… pr)`.
- A boolean sub-attribute that a value doesn't have is false; `pr` still says that it isn't there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from orgs.base.text import folded, text_key
from scim.protocol.errors import InvalidFilter
from scim.protocol.filter_keys import key_of
from scim.protocol.filters import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    Present,
    ValuePath,
    parse,
)
from scim.protocol.queryable import Queryable, QuerySchema, unknown, written
from scim.protocol.schemas import AttributeType

EQUALITY = frozenset({Operator.EQ, Operator.NE})
PARTS = frozenset({Operator.CO, Operator.SW, Operator.EW})
# no resource is older or younger, and every database can count to them
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison; `value` has the form in which the attribute's values are looked up."""

    attribute: Queryable
    op: Operator
    value: str | bool | datetime


@dataclass(frozen=True, slots=True)
class Assigned:
    attribute: Queryable


@dataclass(frozen=True, slots=True)
class Constant:
    truth: bool


@dataclass(frozen=True, slots=True)
class Every:
    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negated:
    term: "Condition"


@dataclass(frozen=True, slots=True)
class OfOneValue:
    """One value of the multi-valued attribute meets the whole condition, which is about its sub-attributes."""

    attribute: Queryable
    term: "Condition"


Condition = Compared | Assigned | Constant | Every | Some | Negated | OfOneValue
Find = Callable[[AttributePath], Queryable | None]


def read_filter(text: str, schema: QuerySchema) -> Condition | None:
    """Return what a filter asks of resources of one type; a blank one asks nothing. Raises InvalidFilter."""
    return resolve(parse(text), schema) if text.strip() else None


def resolve(term: Filter, schema: QuerySchema, others: tuple[QuerySchema, ...] = ()) -> Condition:
    """Return what a filter asks of resources of one type. Raises InvalidFilter.

    What only other types have that are searched at once has no value here (RFC 7644 §3.4.2.1).
    """

    def find(path: AttributePath) -> Queryable | None:
        found = schema.find(path)
        if found is None and not any(other.find(path) for other in others):
            raise InvalidFilter(unknown(path, (schema, *others)))
        return found

    return _resolve(term, find)


def _resolve(term: Filter, find: Find) -> Condition:
    if isinstance(term, And):
        return Every(tuple(_resolve(inner, find) for inner in term.terms))
    if isinstance(term, Or):
        return Some(tuple(_resolve(inner, find) for inner in term.terms))
    if isinstance(term, Not):
        return Negated(_resolve(term.term, find))
    attribute = find(term.path)
    if isinstance(term, ValuePath):
        return _value_path(term, attribute)
    if isinstance(term, Present):
        return Constant(truth=False) if attribute is None else Assigned(attribute)
    return _comparison(term, attribute)


def _value_path(term: ValuePath, attribute: Queryable | None) -> Condition:
    if attribute is None:
        return Constant(truth=False)
    if attribute.kind is not AttributeType.COMPLEX:
        raise InvalidFilter(f"{attribute.name} has no sub-attributes, so no bracket can follow it.")
    whole = attribute

    def find_sub(path: AttributePath) -> Queryable:
        found = whole.sub(path.name) if path.uri is None and path.sub is None else None
        if found is None:
            raise InvalidFilter(f"{whole.name} has no sub-attribute {written(path)!r}.")
        return found

    inner = _resolve(term.term, find_sub)
    return OfOneValue(whole, inner) if whole.spec.multi else Every((Assigned(whole), inner))


def _comparison(term: Comparison, attribute: Queryable | None) -> Condition:
    if attribute is None:
        is_true = term.op is Operator.NE if term.value is not None else term.op is Operator.EQ
        return Constant(truth=is_true)
    if term.value is None:
        return _null(term, attribute)
    if attribute.kind is AttributeType.COMPLEX:
        value = attribute.sub("value")
        if value is None:
            raise InvalidFilter(f"{attribute.name} has parts: compare one of them, such as {_example(attribute)}.")
        attribute = value
    return Compared(attribute, term.op, _value(attribute, term))


def _example(attribute: Queryable) -> str:
    return f"{attribute.name}.{attribute.spec.sub[0].name}"


def _null(term: Comparison, attribute: Queryable) -> Condition:
    if term.op is Operator.EQ:
        return Negated(Assigned(attribute))
    if term.op is Operator.NE:
        return Assigned(attribute)
    raise InvalidFilter(f"{attribute.name} can't be compared with null by {term.op}: use eq, ne or pr.")


def _value(attribute: Queryable, term: Comparison) -> str | bool | datetime:
    if attribute.kind is AttributeType.BOOLEAN:
        return _boolean(attribute, term)
    if not isinstance(term.value, str):
        raise InvalidFilter(f"{attribute.name} is text: put the value in double quotes.")
    if attribute.kind is AttributeType.DATE_TIME:
        return _moment(attribute, term.op, term.value)
    if attribute.kind is AttributeType.BINARY or attribute.is_long:
        _require(attribute, term.op, EQUALITY)
    make_key = key_of(attribute)
    return folded(term.value) if term.op in PARTS and make_key is text_key else make_key(term.value)


def _boolean(attribute: Queryable, term: Comparison) -> bool:
    """Entra puts the word in quotes."""
    _require(attribute, term.op, EQUALITY)
    value = BOOLEANS.get(term.value.casefold()) if isinstance(term.value, str) else term.value
    if not isinstance(value, bool):
        raise InvalidFilter(f"{attribute.name} is compared with true or false.")
    return value


def _moment(attribute: Queryable, op: Operator, text: str) -> datetime:
    if op in PARTS:
        raise InvalidFilter(f"{attribute.name} is a time: it is compared by eq, ne, gt, ge, lt and le.")
    try:
        found = datetime.fromisoformat(text)
        moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidFilter(f"{attribute.name} is compared with a time such as 2026-05-13T04:42:34Z.") from error
    return min(max(moment, EARLIEST), LATEST)


def _require(attribute: Queryable, op: Operator, allowed: frozenset[Operator]) -> None:
    """Raises InvalidFilter: RFC 7644 table 3 has an order for texts and times, and none for booleans and binary values."""
    if op not in allowed:
        raise InvalidFilter(f"{attribute.name} can't be compared by {op}: use eq, ne or pr.")
