"""A filter evaluated on a resource as it is answered, straight from RFC 7644 §3.4.2.2: what the database must find, too."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt
from typing import Any

from orgs.base.text import folded, text_key
from scim.protocol.filters import And, AttributePath, Comparison, Filter, Not, Operator, Or, Present, ValuePath

ORDERS = {Operator.GT: gt, Operator.GE: ge, Operator.LT: lt, Operator.LE: le}
PARTS: dict[Operator, Callable[[str, str], bool]] = {
    Operator.CO: lambda text, part: part in text,
    Operator.SW: str.startswith,
    Operator.EW: str.endswith,
}
EXACT = {"externalid", "$ref", "location", "version", "resourcetype", "profileurl"}
EXACT_VALUES = {"photos", "x509certificates", "manager", "groups", "members"}


def matches(term: Filter, document: Mapping[str, Any], within: str = "") -> bool:
    """Say whether a resource, or one value of the multi-valued attribute `within`, meets a filter."""
    if isinstance(term, And):
        return all(matches(inner, document, within) for inner in term.terms)
    if isinstance(term, Or):
        return any(matches(inner, document, within) for inner in term.terms)
    if isinstance(term, Not):
        return not matches(term.term, document, within)
    if isinstance(term, ValuePath):
        found = values_at(document, term.path)
        return any(isinstance(value, dict) and matches(term.term, value, term.path.name) for value in found)
    if isinstance(term, Present):
        return any(value is not None for value in values_at(document, term.path))
    return compares(term, document, within)


def values_at(document: Mapping[str, Any], path: AttributePath) -> list[Any]:
    """Return the values that a path names: none, one, or those of a multi-valued attribute."""
    holder = document
    if path.uri and path.uri.casefold() in {name.casefold() for name in document}:
        holder = member(document, path.uri)
    found = as_list(member(holder, path.name))
    return [member(value, path.sub) for value in found] if path.sub else found


def member(holder: Mapping[str, Any], name: str) -> Any:
    return next((value for known, value in holder.items() if known.casefold() == name.casefold()), None)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def compares(term: Comparison, document: Mapping[str, Any], within: str) -> bool:
    found = values_at(document, term.path)
    if term.value is None:
        return (not any(value is not None for value in found)) == (term.op is Operator.EQ)
    plain = [member(value, "value") if isinstance(value, dict) else value for value in found]
    if not plain and term.path.name.casefold() == "primary":
        plain = [None]
    if not plain and term.op is Operator.NE:
        return True
    return any(meets(value, term, within) for value in plain)


def meets(value: Any, term: Comparison, within: str) -> bool:
    holder, name = (within or term.path.name).casefold(), (term.path.sub or term.path.name).casefold()
    if name in {"primary", "active"}:
        wanted = str(term.value).casefold() == "true"
        return (bool(value) == wanted) == (term.op is Operator.EQ)
    if value is None:
        return term.op is Operator.NE
    assert isinstance(term.value, str)
    if name in {"created", "lastmodified"}:
        return ordered(moment(value), term.op, moment(term.value))
    is_exact = name in EXACT or (name in {"value", holder} and holder in EXACT_VALUES)
    if term.op in PARTS:
        return PARTS[term.op](value, term.value) if is_exact else PARTS[term.op](text_key(value), folded(term.value))
    return ordered(value, term.op, term.value) if is_exact else ordered(text_key(value), term.op, text_key(term.value))


def ordered(left: Any, op: Operator, right: Any) -> bool:
    return eq(left, right) != (op is Operator.NE) if op in {Operator.EQ, Operator.NE} else bool(ORDERS[op](left, right))


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
