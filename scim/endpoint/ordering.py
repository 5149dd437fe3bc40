"""Sorting (RFC 7644 §3.4.2.3) and the rows that follow a position, in one order: what has no value is last, then first."""

from datetime import datetime
from typing import Any, TypeVar

from django.db.models import BooleanField, DateTimeField, F, Field, Model, Q, QuerySet, TextField, Value
from django.db.models.expressions import Combinable, OrderBy
from django.db.models.functions import Cast

from scim.endpoint.conditions import ResourcePlaces
from scim.endpoint.cursors import Position
from scim.endpoint.expressions import KeyText, Ordered
from scim.protocol.errors import InvalidPath
from scim.protocol.queryable import Queryable
from scim.protocol.schemas import AttributeType

M = TypeVar("M", bound=Model)
# how databases keep what isn't sorted as text
FIELDS: "dict[AttributeType, Field[Any, Any]]" = {
    AttributeType.DATE_TIME: DateTimeField(),
    AttributeType.BOOLEAN: BooleanField(),
}


def ordered(found: "QuerySet[M, Any]", places: ResourcePlaces, attribute: Queryable | None, *, descending: bool) -> Any:
    """Return the rows in their order, the primary key last; each has what it is sorted by as `sort_key`."""
    if attribute is None:
        return found.order_by("-id" if descending else "id")
    return found.annotate(sort_key=key_expression(places, attribute)).order_by(
        *keyed_order("id", descending=descending)
    )


def keyed_order(*names: str, descending: bool) -> list[OrderBy | str]:
    """Return the order of rows that have a sort_key, and of those with the same one."""
    key = F("sort_key")
    first = key.desc(nulls_first=True) if descending else key.asc(nulls_last=True)
    return [first, *(f"-{name}" if descending else name for name in names)]


def no_key(kind: AttributeType) -> Combinable:
    """Return the key of rows that have no such attribute, beside rows that are sorted by one of this type."""
    field = FIELDS.get(kind)
    return Cast(Value(None), field) if field else Ordered(Cast(Value(None), TextField()))


def key_expression(places: ResourcePlaces, attribute: Queryable) -> Combinable:
    whole = attribute.values
    if whole is None:
        order = places.source(attribute).order
        return order if attribute.kind in FIELDS else Ordered(order)
    if whole.key in places.related:
        raise InvalidPath(f"{whole.name} has no order here. Sort by another attribute.")
    # the primary value is the first one in the keys (§3.4.2.3)
    return Ordered(KeyText(places.column, whole.key, 0, attribute.sub_key))


def after(found: "QuerySet[M, Any]", position: Position, attribute: Queryable | None, *, descending: bool) -> Any:
    """Return the rows after a position in that order."""
    further = Q(id__lt=position.row) if descending else Q(id__gt=position.row)
    if attribute is None:
        return found.filter(further)
    nothing = Q(sort_key__isnull=True)
    if position.key is None:
        return found.filter((nothing & further) | ~nothing) if descending else found.filter(nothing & further)
    key = datetime.fromisoformat(str(position.key)) if attribute.kind is AttributeType.DATE_TIME else position.key
    same = Q(sort_key=key) & further
    if descending:
        return found.filter(Q(sort_key__lt=key) | same)
    return found.filter(Q(sort_key__gt=key) | same | nothing)
