"""Whatever a client wrote → the one form in which a document is stored: our names, our types, nothing unknown."""

from collections.abc import Mapping
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import MAX_VALUES, AttributeSpec, AttributeType, Specs, find

# Entra and others send booleans as words, some as numbers
BOOLEANS: dict[object, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}


def normal_object(
    given: Mapping[str, Any], specs: Specs, where: str = "", remarks: Remarks | None = None
) -> dict[str, Any]:
    """Return the object with attributes in schema case. Unknown and read-only ones are ignored, empty ones unassigned.

    What is unknown, and what is left out, is said in `remarks`. Raises InvalidValue naming the attribute and what to send.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        spec = find(specs, name)
        if spec is None:
            if remarks is not None and not is_empty(value):
                remarks.ignore(f"{where}{name}")
            continue
        if not spec.is_stored:
            continue
        cleaned = normal_value(spec, value, f"{where}{spec.name}", remarks)
        if cleaned is not None:
            found[spec.name] = cleaned
    return found


def is_empty(value: Any) -> bool:
    """Say whether a value unassigns its attribute: null and an empty list (RFC 7643 §2.5), as some write "" and {}."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def normal_value(spec: AttributeSpec, value: Any, where: str, remarks: Remarks | None = None) -> Any:
    """Return the value of one attribute, or None when it is unassigned. Raises InvalidValue."""
    if is_empty(value):
        return None
    if not spec.multi:
        value = unwrapped(spec, value)
        return None if is_empty(value) else normal_single(spec, value, where, remarks)
    # OneLogin sends one object where a list belongs
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_VALUES:
        raise InvalidValue(f"{where} has {len(values)} values; {MAX_VALUES} are kept at most.")
    cleaned = [normal_single(spec, item, where, remarks) for item in values if not is_empty(item)]
    return one_primary([item for item in cleaned if item is not None]) or None


def unwrapped(spec: AttributeSpec, value: Any) -> Any:
    """Return the value of an attribute that has one: Entra sends some as `[{"$ref": null, "value": "X"}]`."""
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    if spec.kind is not AttributeType.COMPLEX and isinstance(value, Mapping):
        return next((inner for name, inner in value.items() if name.casefold() == "value"), value)
    return value


def normal_single(spec: AttributeSpec, value: Any, where: str, remarks: Remarks | None = None) -> Any:
    """Return one value of its attribute's type. Raises InvalidValue."""
    if spec.kind is AttributeType.COMPLEX:
        return _normal_complex(spec, value, where, remarks)
    if spec.kind is AttributeType.BOOLEAN:
        return normal_boolean(value, where)
    return _normal_text(spec, value, where, remarks)


def _normal_complex(spec: AttributeSpec, value: Any, where: str, remarks: Remarks | None) -> dict[str, Any] | None:
    value_spec = spec.sub_named("value")
    if is_scalar(value) and value_spec is not None:
        # Entra sends a manager, and others send members and e-mails, as the bare value
        value = {"value": value}
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{where} must be {'objects in a list' if spec.multi else 'an object'}.")
    found = normal_object(value, spec.sub, f"{where}.", remarks)
    if value_spec is not None and value_spec.leaves_out and "value" not in found:
        # what is left of a picture without the picture says nothing
        return None
    return found or None


def normal_boolean(value: Any, where: str) -> bool:
    """Return true or false for every spelling of them. Raises InvalidValue."""
    key = value.strip().casefold() if isinstance(value, str) else value
    if isinstance(key, bool):
        return key
    if isinstance(key, str | int) and key in BOOLEANS:
        return BOOLEANS[key]
    raise InvalidValue(f"{where} must be true or false.")


def is_scalar(value: Any) -> bool:
    """Say whether a value can be a text: numbers are sent for employee numbers, postal codes and ids."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _normal_text(spec: AttributeSpec, value: Any, where: str, remarks: Remarks | None) -> str | None:
    if not is_scalar(value):
        raise InvalidValue(f"{where} must be text, in double quotes.")
    text = str(value)
    if len(text) > spec.longest:
        if not spec.leaves_out:
            raise InvalidValue(f"{where} is longer than {spec.longest} characters.")
        if remarks is not None:
            remarks.leave_out(where)
        return None
    return canonical_value(spec, text, where) if spec.is_closed else text or None


def canonical_value(spec: AttributeSpec, text: str, where: str) -> str | None:
    """Return the canonical value that a text is without case; none for an empty one. Raises InvalidValue."""
    key = text.strip().casefold()
    if not key:
        return None
    for known in spec.canonical:
        if known.casefold() == key:
            return known
    raise InvalidValue(f"{where} must be one of {', '.join(spec.canonical)}. {spec.description}")


def one_primary(values: list[Any]) -> list[Any]:
    """Return the values with one primary at most: the last that says so (RFC 7643 §2.4)."""
    primary = [place for place, value in enumerate(values) if isinstance(value, dict) and value.get("primary") is True]
    for place in primary[:-1]:
        values[place] = {**values[place], "primary": False}
    return values
