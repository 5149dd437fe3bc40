"""One operation on a multi-valued attribute: its values → its values (RFC 7644 §3.5.2.1 to §3.5.2.3)."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import InvalidValue, NoTarget
from scim.protocol.filters import Filter
from scim.protocol.normal import normal_object, normal_value, one_primary
from scim.protocol.operations import Op
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import MAX_VALUES, AttributeSpec, Document
from scim.protocol.selection import comparable, selects, template

Values = list[Document]


@dataclass(frozen=True, slots=True)
class PatchTarget:
    """Where an operation points: an attribute, those of its values that `term` selects, one of their sub-attributes.

    `extension` is the URN of the schema, empty for the core schema.
    """

    spec: AttributeSpec
    term: Filter | None
    sub: AttributeSpec | None
    extension: str = ""

    def selects(self, item: Document) -> bool:
        return self.term is None or selects(self.term, item)


def change_values(values: Values, op: Op, target: PatchTarget, value: Any, remarks: Remarks | None = None) -> Values:
    """Return the values after the operation, with one primary at most. Raises InvalidValue, NoTarget."""
    if op is Op.REMOVE:
        changed = _without(values, target, value)
    elif target.term is None and target.sub is None:
        given = normal_value(target.spec, value, target.spec.name, remarks) or []
        changed = given if op is Op.REPLACE else _with_added(values, given)
    elif op is Op.REPLACE and _is_unassigned(value):
        changed = _without(values, target, None)
    else:
        changed = _with_selected(values, target, _change_of(target, value, remarks))
    if len(changed) > MAX_VALUES:
        # counted at every operation, so that a thousand of them can't pile up work
        raise InvalidValue(f"{target.spec.name} would have {len(changed)} values; {MAX_VALUES} are kept at most.")
    return one_primary(changed)


def _is_unassigned(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _with_added(values: Values, given: Values) -> Values:
    """Return the values with those given; one that is there already changes in place of being doubled (§3.5.2.1)."""
    changed = dict(enumerate(values))
    places = {_identity(item): place for place, item in reversed(changed.items())}
    for free, item in enumerate(given, len(values)):
        place = places.get(_identity(item), free)
        same = changed.get(place, {})
        merged = same | item
        if merged != same:
            # to the end, where it is the primary one if it says so
            changed.pop(place, None)
            changed[free] = merged
            places[_identity(item)] = free
    return list(changed.values())


def _identity(item: Document) -> Hashable:
    """Return what two values have in common when they are one: (value, type), or all parts (RFC 7643 §2.4)."""
    return _parts(item, ("value", "type")) if "value" in item else frozenset(item.items())


def _without(values: Values, target: PatchTarget, value: Any) -> Values:
    """Return what stays. Entra names the values to remove in `value`; others by a filter, or remove them all."""
    if target.sub is not None:
        return [item for item in (_pruned(item, target) for item in values) if item]
    if target.term is not None:
        return [item for item in values if not target.selects(item)]
    if value is None or value == "":
        return []
    return _without_listed(values, normal_value(target.spec, value, target.spec.name) or [])


def _without_listed(values: Values, listed: Values) -> Values:
    """Return the values that aren't on the list: compared by `value`, or by all parts where the list has no `value`."""
    gone: dict[tuple[str, ...], set[tuple[Any, ...]]] = {}
    for wanted in listed:
        names = ("value",) if "value" in wanted else tuple(sorted(wanted))
        gone.setdefault(names, set()).add(_parts(wanted, names))
    return [item for item in values if not any(_parts(item, names) in parts for names, parts in gone.items())]


def _parts(item: Document, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(comparable(item.get(name)) for name in names)


def _pruned(item: Document, target: PatchTarget) -> Document:
    """Return a selected value without the sub-attribute; without its `value` nothing is left of it."""
    if target.sub is None or not target.selects(item):
        return item
    return (
        {} if target.sub.name == "value" else {name: inner for name, inner in item.items() if name != target.sub.name}
    )


def _with_selected(values: Values, target: PatchTarget, change: Document) -> Values:
    """Return the values with the selected ones changed; a value that the filter describes is made when there is none.

    Adding to a selected value and replacing it come to the same; without a change there is none.
    """
    if not change:
        return values
    selected = [target.selects(item) for item in values]
    if not any(selected):
        return [*values, _described(target) | change]
    return [
        item | change if is_selected else _yielding(item, change)
        for item, is_selected in zip(values, selected, strict=True)
    ]


def _yielding(item: Document, change: Document) -> Document:
    """Return a value beside the changed one: it isn't primary any more when that one becomes so (§3.5.2)."""
    return item | {"primary": False} if change.get("primary") and "primary" in item else item


def _change_of(target: PatchTarget, value: Any, remarks: Remarks | None) -> Document:
    """Return the sub-attributes that the selected values get."""
    if target.sub is not None:
        cleaned = normal_value(target.sub, value, f"{target.spec.name}.{target.sub.name}", remarks)
        return {} if cleaned is None else {target.sub.name: cleaned}
    if isinstance(value, Mapping):
        # a part of a value may stand alone: the value that is selected has the rest
        return normal_object(value, target.spec.sub, f"{target.spec.name}.", remarks)
    merged: Document = {}
    for item in normal_value(target.spec, value, target.spec.name, remarks) or []:
        merged |= item
    return merged


def _described(target: PatchTarget) -> Document:
    """Return the value that the filter describes, by what it is for: one named by its `value` must be there (§3.5.2.3)."""
    if target.term is None:
        return {}
    described = normal_object(template(target.term) or {}, target.spec.sub, f"{target.spec.name}.")
    if not described or "value" in described or not target.selects(described):
        raise NoTarget(
            f"No value of {target.spec.name} meets the filter, and the filter doesn't describe a single new one."
        )
    return described
