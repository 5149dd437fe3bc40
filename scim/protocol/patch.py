"""PATCH of a user: document and operations → a new document, or an error and nothing (RFC 7644 §3.5.2)."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from scim.protocol.errors import InvalidPath, InvalidValue, Mutability, NoTarget
from scim.protocol.filters import Filter, PatchPath, parse_path
from scim.protocol.multivalued import PatchTarget, change_values
from scim.protocol.normal import normal_object, normal_value
from scim.protocol.operations import Op, Operation
from scim.protocol.schemas import (
    ENTERPRISE,
    ENTERPRISE_SPECS,
    READ_ONLY_COMMON,
    AttributeSpec,
    AttributeType,
    Document,
    Specs,
    find,
    is_core_user,
    is_enterprise,
)
from scim.protocol.selection import paths
from scim.protocol.users import SPECS, normal_user


def apply(document: Document, operations: Sequence[Operation]) -> Document:
    """Return the document after all operations, or raise; never half-way. The document given stays as it was.

    Raises InvalidValue, InvalidPath, NoTarget, Mutability. Unknown attributes are ignored.
    """
    changed = deepcopy(document)
    for operation in operations:
        for path, value in _parts(operation):
            _apply_part(changed, operation.op, path, value, is_named=path is operation.path)
    return normal_user(changed)


def _parts(operation: Operation) -> Iterator[tuple[PatchPath, Any]]:
    """Yield each attribute that the operation names, with its value; a pathless value, or a schema's, names several."""
    if operation.path is None:
        yield from _named(operation.value, "")
        return
    urn = _schema_of(operation.path)
    if is_enterprise(urn):
        yield from _extension(None if operation.op is Op.REMOVE else operation.value)
    elif is_core_user(urn):
        if operation.op is Op.REMOVE:
            raise NoTarget("A user can't be without the core schema. Say in path which attribute to remove.")
        yield from _named(operation.value, "")
    else:
        yield operation.path, operation.value


def _schema_of(path: PatchPath) -> str:
    """Return the URN when the path is a schema's own: `urn:…:2.0:User` is read like an attribute called User."""
    attribute = path.attribute
    if attribute.uri is None or path.term is not None:
        return ""
    return f"{attribute.uri}:{attribute.name}" + (f".{attribute.sub}" if attribute.sub else "")


def _named(value: Any, prefix: str) -> Iterator[tuple[PatchPath, Any]]:
    if not isinstance(value, Mapping):
        raise InvalidValue("The value of a whole schema must be an object of attributes.")
    for name, inner in value.items():
        if is_enterprise(name):
            yield from _extension(inner)
        elif is_core_user(name):
            yield from _named(inner, "")
        elif (path := _read_key(prefix + name)) is not None:
            yield path, inner


def _extension(value: Any) -> Iterator[tuple[PatchPath, Any]]:
    """Yield the attributes of the enterprise extension; null unassigns them all (RFC 7643 §2.5)."""
    everything = {spec.name: None for spec in ENTERPRISE_SPECS}
    yield from _named(everything if value is None else value, f"{ENTERPRISE}:")


def _read_key(name: str) -> PatchPath | None:
    """Return the path that a name in a value is, or None when no attribute can have this name."""
    try:
        return parse_path(name)
    except InvalidPath:
        if "[" in name:
            # meant as a filter: to drop it would be to lose a change
            raise
        return None


def _apply_part(document: Document, op: Op, path: PatchPath, value: Any, *, is_named: bool) -> None:
    target = _resolve(path, is_named=is_named)
    if target is None:
        return
    holder = document.setdefault(ENTERPRISE, {}) if target.is_extension else document
    name = target.spec.name
    if target.spec.multi:
        changed: Any = change_values(holder.get(name, []), op, target, value)
    elif target.sub is not None:
        changed = _changed_parts(holder.get(name, {}), op, target.spec, {target.sub.name: value})
    elif target.spec.kind is AttributeType.COMPLEX and isinstance(value, Mapping) and op is not Op.REMOVE:
        changed = _changed_parts(holder.get(name, {}), op, target.spec, value)
    else:
        changed = None if op is Op.REMOVE else normal_value(target.spec, value, name)
    _assign(holder, name, changed)
    if target.is_extension and not holder:
        del document[ENTERPRISE]


def _assign(holder: Document, name: str, value: Any) -> None:
    """Set the attribute; null, an empty object and an empty list unassign it (RFC 7643 §2.5)."""
    if value is None or value in ({}, []):
        holder.pop(name, None)
    else:
        holder[name] = value


def _changed_parts(current: Document, op: Op, spec: AttributeSpec, given: Mapping[str, Any]) -> Document:
    """Return a complex value with the parts given: those that aren't named stay, those named with null go (§3.5.2.3)."""
    named = {name.casefold() for name in given}
    kept = {name: inner for name, inner in current.items() if name.casefold() not in named}
    return kept if op is Op.REMOVE else kept | normal_object(given, spec.sub, f"{spec.name}.")


def _resolve(path: PatchPath, *, is_named: bool) -> PatchTarget | None:
    """Return what the path points to, or None for what this service doesn't know. Raises Mutability, InvalidPath."""
    attribute = path.attribute
    specs, is_extension = _specs_of(attribute.uri)
    spec = find(specs, attribute.name)
    is_common = specs is SPECS and attribute.name.casefold() in READ_ONLY_COMMON
    if is_common or (spec is not None and spec.is_read_only):
        # Okta sends the id inside the value of a pathless rename
        refuse_read_only(attribute.name, is_named=is_named)
        return None
    if spec is None:
        return None
    refuse_unusable_filter(spec, path.term)
    sub_name = path.sub or attribute.sub
    sub = spec.sub_named(sub_name) if sub_name else None
    if sub_name and sub is None:
        return None
    if sub is not None and sub.is_read_only:
        refuse_read_only(f"{spec.name}.{sub.name}", is_named=is_named)
        return None
    return PatchTarget(spec, path.term, sub, is_extension)


def refuse_read_only(name: str, *, is_named: bool) -> None:
    """Raises Mutability when the operation's own path names the attribute; inside a value it is ignored."""
    if is_named:
        raise Mutability(f"{name} is read-only: the service sets it.")


def refuse_unusable_filter(spec: AttributeSpec, term: Filter | None) -> None:
    """Raises InvalidPath when the filter can't select values of this attribute, rather than change them all or none."""
    if term is None:
        return
    if not spec.multi:
        raise InvalidPath(f"{spec.name} has one value, so a filter can't select from it.")
    for asked in paths(term):
        if asked.sub is not None or spec.sub_named(asked.name) is None:
            raise InvalidPath(f"{spec.name} has no sub-attribute {asked.name!r}, by which the filter selects.")


def _specs_of(uri: str | None) -> tuple[Specs, bool]:
    if uri is None or is_core_user(uri):
        return SPECS, False
    return (ENTERPRISE_SPECS, True) if is_enterprise(uri) else ((), False)
