"""PATCH of a user: document and operations → a new document, or an error and nothing (RFC 7644 §3.5.2)."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import Mutability, NoTarget
from scim.protocol.filters import Filter, PatchPath, parse_path
from scim.protocol.normal import normal_boolean, normal_object, normal_value, one_primary
from scim.protocol.operations import Op, Operation
from scim.protocol.schemas import (
    ENTERPRISE,
    ENTERPRISE_SPECS,
    READ_ONLY_COMMON,
    AttributeSpec,
    Kind,
    Specs,
    find,
    is_core_user,
    is_enterprise,
)
from scim.protocol.selection import selects, template
from scim.protocol.users import SPECS, normal_user

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """Where an operation points: an attribute, some of its values, one of their sub-attributes."""

    spec: AttributeSpec
    term: Filter | None
    sub: AttributeSpec | None
    is_extension: bool


def apply(document: Document, operations: Sequence[Operation]) -> Document:
    """Return the document after all operations, or raise; never half-way. The document given stays as it was.

    Raises InvalidValue, InvalidPath, NoTarget, Mutability. Unknown attributes are ignored.
    """
    changed = deepcopy(document)
    for operation in operations:
        for path, value in _parts(operation):
            _apply_part(changed, operation.op, path, value, is_named=operation.path is not None)
    result = normal_user(changed)
    # unassigned is not inactive: an account isn't blocked, or freed, by leaving a word out
    result.setdefault("active", document.get("active", True))
    return result


def _parts(operation: Operation) -> Iterator[tuple[PatchPath, Any]]:
    """Yield each attribute that the operation names, with its value; a pathless value names several."""
    if operation.path is not None and not _is_schema(operation.path):
        yield operation.path, operation.value
        return
    prefix = ""
    if operation.path is not None and is_enterprise(_schema_of(operation.path)):
        prefix = f"{ENTERPRISE}:"
    if operation.op is Op.REMOVE:
        yield from ((parse_path(prefix + spec.name), None) for spec in (ENTERPRISE_SPECS if prefix else ()))
        return
    yield from _named(operation.value, prefix)


def _named(value: Any, prefix: str) -> Iterator[tuple[PatchPath, Any]]:
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if is_enterprise(name):
            yield from _named(inner, f"{ENTERPRISE}:")
        elif is_core_user(name):
            yield from _named(inner, "")
        else:
            yield parse_path(prefix + name), inner


def _is_schema(path: PatchPath) -> bool:
    return is_enterprise(_schema_of(path)) or is_core_user(_schema_of(path))


def _schema_of(path: PatchPath) -> str:
    """Return `urn:…:2.0:User` when the path is a schema's own URN, which reads like an attribute called `0:User`."""
    attribute = path.attribute
    if attribute.uri is None:
        return ""
    return f"{attribute.uri}:{attribute.name}" + (f".{attribute.sub}" if attribute.sub else "")


def _apply_part(document: Document, op: Op, path: PatchPath, value: Any, *, is_named: bool) -> None:
    target = _resolve(path, is_named=is_named)
    if target is None:
        return
    holder = document.setdefault(ENTERPRISE, {}) if target.is_extension else document
    if target.spec.multi:
        _change_values(holder, op, target, value)
    elif target.sub is not None:
        _change_sub(holder, op, target.spec, target.sub, value)
    else:
        _change_single(holder, op, target.spec, value)
    if target.is_extension and not holder:
        del document[ENTERPRISE]


def _resolve(path: PatchPath, *, is_named: bool) -> Target | None:
    """Return what the path points to, or None for what this service doesn't know. Raises Mutability."""
    attribute = path.attribute
    specs, is_extension = _specs_of(attribute.uri)
    spec = find(specs, attribute.name)
    if attribute.name.casefold() in READ_ONLY_COMMON or (spec is not None and spec.is_read_only):
        # Okta sends the id inside the value of a pathless rename
        refuse_read_only(attribute.name, is_named=is_named)
        return None
    if spec is None:
        return None
    sub_name = path.sub or attribute.sub
    sub = spec.sub_named(sub_name) if sub_name else None
    if sub_name and sub is None:
        return None
    if sub is not None and sub.is_read_only:
        refuse_read_only(f"{spec.name}.{sub.name}", is_named=is_named)
        return None
    return Target(spec, path.term, sub, is_extension)


def refuse_read_only(name: str, *, is_named: bool) -> None:
    """Raises Mutability when the operation's own path names the attribute; inside a value it is ignored."""
    if is_named:
        raise Mutability(f"{name} is read-only: the service sets it.")


def _specs_of(uri: str | None) -> tuple[Specs, bool]:
    if uri is None or is_core_user(uri):
        return SPECS, False
    return (ENTERPRISE_SPECS, True) if is_enterprise(uri) else ((), False)


def _change_single(holder: Document, op: Op, spec: AttributeSpec, value: Any) -> None:
    cleaned = None if op is Op.REMOVE else normal_value(spec, value, spec.name)
    if cleaned is None:
        holder.pop(spec.name, None)
    elif spec.kind is Kind.COMPLEX and isinstance(value, Mapping):
        # sub-attributes that aren't named stay (§3.5.2.3); those named with null go
        kept = holder.get(spec.name, {})
        named = {name.casefold() for name in value}
        kept = {name: inner for name, inner in kept.items() if name.casefold() not in named}
        holder[spec.name] = kept | cleaned
    else:
        holder[spec.name] = cleaned


def _change_sub(holder: Document, op: Op, spec: AttributeSpec, sub: AttributeSpec, value: Any) -> None:
    cleaned = None if op is Op.REMOVE else normal_value(sub, value, f"{spec.name}.{sub.name}")
    whole = {**holder.get(spec.name, {}), sub.name: cleaned}
    holder[spec.name] = {name: inner for name, inner in whole.items() if inner is not None}
    if not holder[spec.name]:
        del holder[spec.name]


def _change_values(holder: Document, op: Op, target: Target, value: Any) -> None:
    values: list[Document] = holder.get(target.spec.name, [])
    if op is Op.REMOVE:
        changed = _without(values, target, value)
    elif target.term is None and target.sub is None:
        given = normal_value(target.spec, value, target.spec.name) or []
        changed = given if op is Op.REPLACE else [*values, *(item for item in given if item not in values)]
    else:
        changed = _with_selected(values, target, value)
    holder[target.spec.name] = one_primary(changed)
    if not changed:
        del holder[target.spec.name]


def _without(values: list[Document], target: Target, value: Any) -> list[Document]:
    """Return what stays. Entra names the values to remove in `value`; others by a filter, or remove them all."""
    if target.sub is not None:
        pruned = [_pruned(item, target.sub) if _is_selected(target, item) else item for item in values]
        return [item for item in pruned if item]
    if target.term is not None:
        return [item for item in values if not selects(target.term, item)]
    listed = normal_value(target.spec, value, target.spec.name)
    if listed is None:
        return []
    gone = {str(item.get("value", "")).casefold() for item in listed}
    return [item for item in values if str(item.get("value", "")).casefold() not in gone]


def _pruned(item: Document, sub: AttributeSpec) -> Document:
    return {name: inner for name, inner in item.items() if name != sub.name}


def _is_selected(target: Target, item: Document) -> bool:
    return target.term is None or selects(target.term, item)


def _with_selected(values: list[Document], target: Target, value: Any) -> list[Document]:
    """Return the values with the selected ones changed; a value that the filter describes is made when there is none.

    Adding to a selected value and replacing it come to the same.
    """
    change = _change_of(target, value)
    if not any(_is_selected(target, item) for item in values):
        return [*values, normal_object({**_described(target), **change}, target.spec.sub, f"{target.spec.name}.")]
    changed = []
    for item in values:
        if _is_selected(target, item):
            changed.append({name: inner for name, inner in {**item, **change}.items() if inner is not None})
        elif change.get("primary"):
            changed.append({**item, "primary": False} if "primary" in item else item)
        else:
            changed.append(item)
    return changed


def _change_of(target: Target, value: Any) -> Document:
    """Return the sub-attributes that the selected values get."""
    spec = target.spec
    if target.sub is not None:
        where = f"{spec.name}.{target.sub.name}"
        if target.sub.kind is Kind.BOOLEAN:
            return {target.sub.name: normal_boolean(value, where)}
        return {target.sub.name: normal_value(target.sub, value, where)}
    merged: Document = {}
    for item in normal_value(spec, value, spec.name) or []:
        merged |= item
    return merged


def _described(target: Target) -> Document:
    if target.term is None:
        return {}
    described = template(target.term)
    if described is None:
        raise NoTarget(
            f"No value of {target.spec.name} meets the filter, and the filter doesn't describe a single new one."
        )
    return described
