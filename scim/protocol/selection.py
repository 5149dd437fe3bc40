"""Which values of a multi-valued attribute a filter selects, and what a value must be for it to select it."""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scim.protocol.filters import And, AttributePath, Comparison, Filter, Not, Operator, Or, Present, ValuePath

Value = Mapping[str, Any]
_TEXT_OPERATORS: dict[Operator, Callable[[str, str], bool]] = {
    Operator.CO: operator.contains,
    Operator.SW: str.startswith,
    Operator.EW: str.endswith,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}


def selects(term: Filter, value: Value) -> bool:
    """Say whether one value meets the condition; text is compared without case (RFC 7643 §2.2: caseExact is false)."""
    if isinstance(term, And):
        return all(selects(inner, value) for inner in term.terms)
    if isinstance(term, Or):
        return any(selects(inner, value) for inner in term.terms)
    if isinstance(term, Not):
        return not selects(term.term, value)
    if isinstance(term, Present):
        return attribute(value, term.path.name) not in (None, "")
    if isinstance(term, Comparison):
        return _compares(term.op, _found(value, term.path.name), term.value)
    return False


def paths(term: Filter) -> Iterator[AttributePath]:
    """Yield every attribute that the condition asks about."""
    if isinstance(term, And | Or):
        for inner in term.terms:
            yield from paths(inner)
    elif isinstance(term, Not | ValuePath):
        yield from paths(term.term)
    else:
        yield term.path


def attribute(value: Value, name: str) -> Any:
    """Return a sub-attribute by its name in whatever case, or None."""
    if name in value:
        return value[name]
    key = name.casefold()
    return next((inner for known, inner in value.items() if known.casefold() == key), None)


def _found(value: Value, name: str) -> Any:
    """Return what a comparison looks at: a value that doesn't say so isn't primary (RFC 7643 §2.4)."""
    found = attribute(value, name)
    return False if found is None and name.casefold() == "primary" else found


def _compares(op: Operator, found: Any, wanted: Any) -> bool:
    left, right = comparable(found), comparable(wanted)
    if op is Operator.EQ:
        return bool(left == right)
    if op is Operator.NE:
        return bool(left != right)
    return isinstance(left, str) and isinstance(wanted, str | bool) and _TEXT_OPERATORS[op](left, right)


def comparable(value: Any) -> Any:
    """Return text without case; true and false as words, since Entra compares `primary` with "true"; numbers as digits."""
    if isinstance(value, bool | int | float):
        return str(value).casefold()
    return value.casefold() if isinstance(value, str) else value


def template(term: Filter) -> dict[str, Any] | None:
    """Return the value that `type eq "work" and …` describes, or None when the condition describes no single one.

    Entra replaces `emails[type eq "work"].value` on users who have no such e-mail, and expects it to be made.
    """
    if isinstance(term, Comparison) and term.op is Operator.EQ and term.path.sub is None:
        return {term.path.name: term.value}
    if isinstance(term, And):
        parts = [template(inner) for inner in term.terms]
        if all(part is not None for part in parts):
            return {name: value for part in parts if part for name, value in part.items()}
    return None
