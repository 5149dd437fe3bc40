"""PATCH of a user: document and operations → a new document, or an error and nothing (RFC 7644 §3.5.2)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scim.protocol.errors import InvalidPath, InvalidValue, Mutability, NoTarget
from scim.protocol.filters import AttributePath, Filter, PatchPath, parse_path
from scim.protocol.multivalued import PatchTarget, change_values
from scim.protocol.normal import normal_object, normal_value, unwrapped
from scim.protocol.operations import Op, Operation
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import (
    COMMON,
    READ_ONLY_COMMON,
    USER_EXTENSIONS,
    AttributeSpec,
    AttributeType,
    Document,
    Specs,
    find,
    is_core_user,
    locate,
    user_extension,
    with_colon,
)
from scim.protocol.selection import paths
from scim.protocol.users import SPECS, normal_user


def apply(document: Document, operations: Sequence[Operation], remarks: Remarks | None = None) -> Document:
    """Return the document after all operations, or raise; never half-way. The document given stays as it was.

    It is the document itself when nothing changes. Unknown attributes are ignored, and named in `remarks`.
    Raises InvalidValue, InvalidPath, NoTarget, Mutability.
    """
    noted = Remarks() if remarks is None else remarks
    # an operation makes new values; of the old ones only those that hold others are changed in place
    changed = {name: dict(value) if isinstance(value, dict) else value for name, value in document.items()}
    for operation in operations:
        for path, value in _parts(operation, noted):
            _apply_part(changed, operation.op, path, value, noted, is_named=path is operation.path)
    found = normal_user(changed, noted)
    return document if found == document else found


def _parts(operation: Operation, remarks: Remarks) -> Iterator[tuple[PatchPath, Any]]:
    """Yield each attribute that the operation names, with its value; a pathless value, or a schema's, names several."""
    if operation.path is None:
        yield from _named(operation.value, "", remarks)
        return
    urn = _schema_of(operation.path)
    if (extension := user_extension(urn)) is not None:
        yield from _extension(extension, None if operation.op is Op.REMOVE else operation.value, remarks)
    elif is_core_user(urn):
        if operation.op is Op.REMOVE:
            raise NoTarget("A user can't be without the core schema. Say in path which attribute to remove.")
        yield from _named(operation.value, "", remarks)
    else:
        yield operation.path, operation.value


def _schema_of(path: PatchPath) -> str:
    """Return the URN when the path is a schema's own: `urn:…:2.0:User` is read like an attribute called User."""
    attribute = path.attribute
    if attribute.uri is None or path.term is not None:
        return ""
    return f"{attribute.uri}:{attribute.name}" + (f".{attribute.sub}" if attribute.sub else "")


def _named(value: Any, prefix: str, remarks: Remarks) -> Iterator[tuple[PatchPath, Any]]:
    if not isinstance(value, Mapping):
        raise InvalidValue("The value of a whole schema must be an object of attributes.")
    for name, inner in value.items():
        if (extension := user_extension(name)) is not None:
            yield from _extension(extension, inner, remarks)
        elif is_core_user(name):
            yield from _named(inner, "", remarks)
        elif (path := _read_key(prefix + name)) is not None:
            yield path, inner
        else:
            remarks.ignore(prefix + name)


def _extension(urn: str, value: Any, remarks: Remarks) -> Iterator[tuple[PatchPath, Any]]:
    """Yield the attributes of an extension; null unassigns them all (RFC 7643 §2.5)."""
    everything = {spec.name: None for spec in USER_EXTENSIONS[urn]}
    yield from _named(everything if value is None or value == "" else value, f"{urn}:", remarks)


def _read_key(name: str) -> PatchPath | None:
    """Return the path that a name in a value is, or None when no attribute can have this name."""
    try:
        return parse_path(with_colon(name))
    except InvalidPath:
        if "[" in name:
            # meant as a filter: to drop it would be to lose a change
            raise
        return None


def _apply_part(document: Document, op: Op, path: PatchPath, value: Any, remarks: Remarks, *, is_named: bool) -> None:
    target = _resolve(path, remarks, is_named=is_named)
    if target is None:
        return
    holder = document.setdefault(target.extension, {}) if target.extension else document
    spec, name = target.spec, target.spec.name
    if spec.multi:
        changed: Any = change_values(holder.get(name, []), op, target, value, remarks)
    elif target.sub is not None:
        changed = _changed_parts(holder.get(name, {}), op, spec, {target.sub.name: value}, remarks)
    elif op is Op.REMOVE:
        changed = None
    elif spec.kind is AttributeType.COMPLEX and isinstance(parts := unwrapped(spec, value), Mapping):
        changed = _changed_parts(holder.get(name, {}), op, spec, parts, remarks)
    else:
        changed = normal_value(spec, value, name, remarks)
    _assign(holder, name, changed)
    if target.extension and not holder:
        del document[target.extension]


def _assign(holder: Document, name: str, value: Any) -> None:
    """Set the attribute; null, an empty object and an empty list unassign it (RFC 7643 §2.5)."""
    if value is None or value in ({}, []):
        holder.pop(name, None)
    else:
        holder[name] = value


def _changed_parts(
    current: Document, op: Op, spec: AttributeSpec, given: Mapping[str, Any], remarks: Remarks
) -> Document:
    """Return a complex value with the parts given: those that aren't named stay, those named with null go (§3.5.2.3)."""
    named = {name.casefold() for name in given}
    kept = {name: inner for name, inner in current.items() if name.casefold() not in named}
    return kept if op is Op.REMOVE else kept | normal_object(given, spec.sub, f"{spec.name}.", remarks)


def _resolve(path: PatchPath, remarks: Remarks, *, is_named: bool) -> PatchTarget | None:
    """Return what the path points to, or None for what this service doesn't keep. Raises Mutability, InvalidPath."""
    attribute = path.attribute
    extension, specs = _specs_of(attribute)
    spec = find(specs, attribute.name)
    key = attribute.name.casefold()
    if (specs is SPECS and key in READ_ONLY_COMMON) or (spec is not None and spec.is_read_only):
        # Okta sends the id inside the value of a pathless rename
        refuse_read_only(attribute.name, is_named=is_named)
        return None
    sub_name = path.sub or attribute.sub
    sub = spec.sub_named(sub_name) if spec is not None and sub_name else None
    if spec is None or (sub_name and sub is None):
        if specs is not SPECS or key not in COMMON:
            remarks.ignore(_written(path))
        return None
    if not spec.is_stored:
        return None
    refuse_unusable_filter(spec, path.term)
    if sub is not None and sub.is_read_only:
        refuse_read_only(f"{spec.name}.{sub.name}", is_named=is_named)
        return None
    return PatchTarget(spec, path.term, sub, extension)


def _written(path: PatchPath) -> str:
    """Return a path as the log names it, without the values of a filter."""
    attribute = path.attribute
    sub = path.sub or attribute.sub
    return (f"{attribute.uri}:" if attribute.uri else "") + attribute.name + (f".{sub}" if sub else "")


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


def _specs_of(attribute: AttributePath) -> tuple[str, Specs]:
    """Return the extension, or nothing for the core schema, and its attributes; none for a schema that isn't known."""
    if attribute.uri is None:
        extension, _ = locate(attribute.name, SPECS)
    elif is_core_user(attribute.uri):
        extension = ""
    else:
        found = user_extension(attribute.uri)
        if found is None:
            return "", ()
        extension = found
    return extension, USER_EXTENSIONS[extension] if extension else SPECS
