"""A resolved filter → a condition on rows, and sortBy → an expression, over the places where each resource has its values."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, Protocol

from django.db.models import Exists, F, Q, QuerySet, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from orgs.base.ids import NIL, read_uuid
from orgs.base.text import exact_key
from scim.endpoint.expressions import (
    AnyValue,
    IdText,
    IsAssigned,
    Joined,
    KeyText,
    TextComparison,
    ValueText,
    constant,
)
from scim.protocol.filters import Operator
from scim.protocol.queryable import Queryable
from scim.protocol.resolution import (
    Assigned,
    Compared,
    Condition,
    Constant,
    Every,
    Negated,
    OfOneValue,
    Some,
)
from scim.protocol.schemas import AttributeType

MILLISECOND = timedelta(milliseconds=1)
Scalar = str | bool | datetime
_ORDER: dict[Operator, Callable[[str, str], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.CO: operator.contains,
    Operator.SW: str.startswith,
    Operator.EW: str.endswith,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}


class AttributeSource(Protocol):
    """Where rows have the value of one attribute. Conditions are true or false, never null, so that `not` can turn them."""

    @property
    def order(self) -> Combinable:
        """Return the expression by which rows are sorted; null where there is no value."""

    def compare(self, op: Operator, value: Scalar) -> Q: ...

    def is_assigned(self) -> Q: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is null where there is none. `by_index` returns what finds a value by an index, if anything does."""

    order: Combinable
    by_index: Callable[[str], Q | None] | None = None

    def compare(self, op: Operator, value: Scalar) -> Q:
        assert isinstance(value, str)  # noqa: S101 - resolution has given the value its type
        found = self.by_index(value) if self.by_index and op in (Operator.EQ, Operator.NE) else None
        if found is not None:
            return found if op is Operator.EQ else ~found
        if not value and op in (Operator.CO, Operator.SW, Operator.EW):
            return self.is_assigned()
        return Q(TextComparison(self.order, op, value))

    def is_assigned(self) -> Q:
        return Q(IsAssigned(self.order))


@dataclass(frozen=True, slots=True)
class Word:
    """A boolean that JSON has as a word; one that isn't there is false (RFC 7643 §2.4)."""

    order: Combinable

    def compare(self, op: Operator, value: Scalar) -> Q:
        is_true = Q(TextComparison(self.order, Operator.EQ, "true"))
        return is_true if (op is Operator.EQ) == value else ~is_true

    def is_assigned(self) -> Q:
        return Q(IsAssigned(self.order))


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean column that is never null."""

    column: str

    @property
    def order(self) -> Combinable:
        return F(self.column)

    def compare(self, op: Operator, value: Scalar) -> Q:
        return Q(**{self.column: value if op is Operator.EQ else not value})

    def is_assigned(self) -> Q:
        return Q(pk__isnull=False)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time column that is never null. What a resource shows has milliseconds, so what lies within one is equal."""

    column: str

    @property
    def order(self) -> Combinable:
        return F(self.column)

    def compare(self, op: Operator, value: Scalar) -> Q:
        assert isinstance(value, datetime)  # noqa: S101 - resolution has given the value its type
        start = value - timedelta(microseconds=value.microsecond % 1000)
        end = start + MILLISECOND
        first = start if start == value else end
        is_less, is_more = Q(**{f"{self.column}__lt": first}), Q(**{f"{self.column}__gte": end})
        if op in (Operator.EQ, Operator.NE):
            equal = ~is_less & ~is_more
            return equal if op is Operator.EQ else ~equal
        found = {Operator.LT: is_less, Operator.GT: is_more, Operator.LE: ~is_more, Operator.GE: ~is_less}
        return found[op]

    def is_assigned(self) -> Q:
        return Q(pk__isnull=False)


class Values(Protocol):
    """Where rows have the values of a multi-valued attribute."""

    def any_meets(self, term: Condition | None) -> Q:
        """Return which rows have a value that meets the condition; without one, which have a value at all."""


@dataclass(frozen=True, slots=True)
class JsonValues:
    """The values are a list in a JSON column. `by_index` returns what finds some of the conditions by an index."""

    column: str
    key: str
    by_index: Callable[[Condition], Q | None] | None = None

    def any_meets(self, term: Condition | None) -> Q:
        found = self.by_index(term) if self.by_index and term is not None else None
        if found is not None:
            return found
        return Q(AnyValue(self.column, self.key, condition(term, _InValue()) if term is not None else None))


@dataclass(frozen=True, slots=True)
class RelatedValues:
    """The values are rows of another table; `within` binds them to the row outside. All of it goes into one filter()."""

    rows: "QuerySet[Any, Any]"
    within: Q
    subs: Mapping[str, AttributeSource]

    def any_meets(self, term: Condition | None) -> Q:
        within = self.within if term is None else self.within & condition(term, _Related(self.subs))
        return Q(Exists(self.rows.filter(within)))


@dataclass(frozen=True, slots=True)
class ConstantValues:
    """The values are texts, each with the condition under which a row has it."""

    texts: Mapping[str, Q]

    def any_meets(self, term: Condition | None) -> Q:
        met = [holds for text, holds in self.texts.items() if term is None or _meets(text, term)]
        return reduce(operator.or_, met, Q(pk__in=[]))


def _meets(text: str, term: Condition) -> bool:
    assert isinstance(term, Compared) and isinstance(term.value, str)  # noqa: S101, PT018 - these have no sub-attributes
    return _ORDER[term.op](text, term.value)


class Places(Protocol):
    """Where one resource, or one value of a multi-valued attribute, has its values."""

    def source(self, attribute: Queryable) -> AttributeSource: ...

    def values(self, attribute: Queryable) -> Values: ...

    def is_within(self, attribute: Queryable) -> bool:
        """Say whether the attribute is looked at as the part of one value."""


@dataclass(frozen=True, slots=True)
class ResourcePlaces:
    """The places of a resource: some attributes have their own, by casefolded name; the others are in a JSON column."""

    sources: Mapping[str, AttributeSource]
    lists: Mapping[str, Values]
    column: str = ""

    @property
    def related(self) -> frozenset[str]:
        """Return the multi-valued attributes that aren't in the JSON column."""
        return frozenset(key for key, values in self.lists.items() if not isinstance(values, JsonValues))

    def source(self, attribute: Queryable) -> AttributeSource:
        return self.sources.get(attribute.key) or Text(KeyText(self.column, attribute.key))

    def values(self, attribute: Queryable) -> Values:
        return self.lists.get(attribute.key) or JsonValues(self.column, attribute.key)

    def is_within(self, attribute: Queryable) -> bool:
        return attribute.values is None


class _Within:
    def values(self, attribute: Queryable) -> Values:
        raise NotImplementedError  # no value of an attribute has attributes with several values

    def is_within(self, attribute: Queryable) -> bool:
        return True


class _InValue(_Within):
    def source(self, attribute: Queryable) -> AttributeSource:
        text = ValueText(attribute.sub_key)
        return Word(text) if attribute.kind is AttributeType.BOOLEAN else Text(text)


@dataclass(frozen=True, slots=True)
class _Related(_Within):
    subs: Mapping[str, AttributeSource]

    def source(self, attribute: Queryable) -> AttributeSource:
        return self.subs[attribute.sub_key]


def condition(term: Condition, places: Places) -> Q:
    """Return which rows meet a filter."""
    if isinstance(term, Every | Some):
        join = operator.and_ if isinstance(term, Every) else operator.or_
        return reduce(join, (condition(inner, places) for inner in term.terms))
    if isinstance(term, Negated):
        return ~condition(term.term, places)
    if isinstance(term, Constant):
        return Q(pk__isnull=not term.truth)
    if isinstance(term, OfOneValue):
        return places.values(term.attribute).any_meets(term.term)
    if isinstance(term, Assigned):
        return _is_assigned(term, places)
    return _is_compared(term, places)


def _is_assigned(term: Assigned, places: Places) -> Q:
    attribute = term.attribute
    if not places.is_within(attribute):
        whole = attribute.values
        assert whole is not None  # noqa: S101 - is_within says so
        return places.values(whole).any_meets(None if attribute is whole else term)
    if attribute.kind is AttributeType.COMPLEX:
        return reduce(operator.or_, (places.source(sub).is_assigned() for sub in attribute.subs))
    return places.source(attribute).is_assigned()


def _is_compared(term: Compared, places: Places) -> Q:
    attribute = term.attribute
    if places.is_within(attribute):
        return places.source(attribute).compare(term.op, term.value)
    assert attribute.values is not None  # noqa: S101 - is_within says so
    values = places.values(attribute.values)
    found = values.any_meets(term)
    return found | ~values.any_meets(None) if term.op is Operator.NE else found


def equal_parts(term: Condition) -> dict[str, Scalar]:
    """Return what `a eq x and b eq y` says of the parts of one value, each once; nothing for any other condition."""
    parts = term.terms if isinstance(term, Every) else (term,)
    found: dict[str, Scalar] = {}
    for part in parts:
        if not isinstance(part, Compared) or part.op is not Operator.EQ or part.attribute.sub_key in found:
            return {}
        found[part.attribute.sub_key] = part.value
    return found


def by_exact_id(column: str, text: str) -> Q:
    """Return what finds an id whose case counts, by the index of its column."""
    return Q(**{column: read_uuid(text) if text == text.lower() else NIL})


def by_external_id(text: str) -> Q:
    """Return what finds the IdP's own id by its index, which leaves out whoever has none."""
    return Q(external_id_key=exact_key(text)) & ~Q(external_id_key="")


def common_sources(resource_type: str, place: str) -> dict[str, AttributeSource]:
    """Return where every resource has its id and meta; `place` is what is before the id in its URL."""
    return {
        "id": Text(IdText(F("public_id")), lambda key: Q(public_id=read_uuid(key))),
        "meta.resourcetype": Text(constant(resource_type)),
        "meta.created": Moment("created_at"),
        "meta.lastmodified": Moment("updated_at"),
        "meta.location": Text(Joined(constant(place), IdText(F("public_id")))),
        "meta.version": Text(Joined(constant('W/"'), Cast(F("version"), TextField()), constant('"'))),
    }
