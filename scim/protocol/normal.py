"""Whatever a client wrote → the one form in which a document is stored: our names, our types, nothing unknown."""

from collections.abc import Mapping
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.schemas import MAX_VALUES, AttributeSpec, AttributeType, Specs, find

# Entra and others send booleans as words, some as numbers
BOOLEANS: dict[object, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}


def normal_object(given: Mapping[str, Any], specs: Specs, where: str = "") -> dict[str, Any]:
    """Return the object with attributes in schema case. Unknown and read-only ones are ignored, empty ones unassigned.

    Raises InvalidValue naming the attribute and what to send.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        spec = find(specs, name)
        if spec is None or spec.is_read_only:
            continue
        cleaned = normal_value(spec, value, f"{where}{spec.name}")
        if cleaned is not None:
            found[spec.name] = cleaned
    return found


def normal_value(spec: AttributeSpec, value: Any, where: str) -> Any:
    """Return the value of one attribute, or None when it is unassigned (RFC 7643 §2.5). Raises InvalidValue."""
    if value is None:
        return None
    if not spec.multi:
        return normal_single(spec, value, where)
    # OneLogin sends one object where a list belongs
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_VALUES:
        raise InvalidValue(f"{where} has {len(values)} values; {MAX_VALUES} are kept at most.")
    cleaned = [normal_single(spec, item, where) for item in values if item is not None]
    return one_primary([item for item in cleaned if item is not None]) or None


def normal_single(spec: AttributeSpec, value: Any, where: str) -> Any:
    """Return one value of its attribute's type. Raises InvalidValue."""
    if spec.kind is AttributeType.COMPLEX:
        return _normal_complex(spec, value, where)
    if spec.kind is AttributeType.BOOLEAN:
        return normal_boolean(value, where)
    return _normal_text(spec, value, where)


def _normal_complex(spec: AttributeSpec, value: Any, where: str) -> dict[str, Any] | None:
    value_spec = spec.sub_named("value")
    if isinstance(value, str) and value_spec is not None:
        # Entra sends a manager, and others send members and e-mails, as the bare value
        return {"value": _normal_text(value_spec, value, where)} if value else None
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{where} must be {'objects in a list' if spec.multi else 'an object'}.")
    return normal_object(value, spec.sub, f"{where}.") or None


def normal_boolean(value: Any, where: str) -> bool:
    """Return true or false for every spelling of them. Raises InvalidValue."""
    key = value.strip().casefold() if isinstance(value, str) else value
    if isinstance(key, bool):
        return key
    if isinstance(key, str | int) and key in BOOLEANS:
        return BOOLEANS[key]
    raise InvalidValue(f"{where} must be true or false.")


def _normal_text(spec: AttributeSpec, value: Any, where: str) -> str | None:
    if not isinstance(value, str):
        raise InvalidValue(f"{where} must be text.")
    if len(value) > spec.longest:
        raise InvalidValue(f"{where} is longer than {spec.longest} characters.")
    return value or None


def one_primary(values: list[Any]) -> list[Any]:
    """Return the values with one primary at most: the last that says so (RFC 7643 §2.4)."""
    primary = [place for place, value in enumerate(values) if isinstance(value, dict) and value.get("primary") is True]
    for place in primary[:-1]:
        values[place] = {**values[place], "primary": False}
    return values
