"""Sorting (RFC 7644 §3.4.2.3) and the rows that follow a position, in one order: what has no value is last, then first."""

from datetime import datetime
from typing import Any, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import Combinable

from scim.endpoint.conditions import ResourcePlaces
from scim.endpoint.cursors import Position
from scim.endpoint.expressions import KeyText, Ordered
from scim.protocol.errors import InvalidPath
from scim.protocol.queryable import Queryable
from scim.protocol.schemas import AttributeType

M = TypeVar("M", bound=Model)
TIMES_AND_FLAGS = frozenset({AttributeType.DATE_TIME, AttributeType.BOOLEAN})


def ordered(found: "QuerySet[M, Any]", places: ResourcePlaces, attribute: Queryable | None, *, descending: bool) -> Any:
    """Return the rows in their order, the primary key last; each has what it is sorted by as `sort_key`."""
    if attribute is None:
        return found.order_by("-id" if descending else "id")
    key = F("sort_key")
    first = key.desc(nulls_first=True) if descending else key.asc(nulls_last=True)
    return found.annotate(sort_key=_expression(places, attribute)).order_by(first, "-id" if descending else "id")


def _expression(places: ResourcePlaces, attribute: Queryable) -> Combinable:
    whole = attribute.values
    if whole is None:
        order = places.source(attribute).order
        return order if attribute.kind in TIMES_AND_FLAGS else Ordered(order)
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
