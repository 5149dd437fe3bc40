"""The operations of a PATCH request (RFC 7644 §3.5.2), read tolerantly: Entra writes `Add`, `Replace`, `Remove`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scim.protocol.errors import InvalidSyntax, InvalidValue, NoTarget, TooMany
from scim.protocol.filters import PatchPath, parse_path
from scim.protocol.schemas import with_colon

MAX_OPERATIONS = 1000


class Op(StrEnum):
    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` is None when the value itself names its attributes."""

    op: Op
    path: PatchPath | None
    value: Any = None


def read_operations(body: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Return the operations in order. Raises InvalidSyntax, InvalidValue, InvalidPath, NoTarget, TooMany."""
    given = {name.casefold(): value for name, value in body.items()}
    found = given.get("operations")
    if not isinstance(found, list) or not found:
        raise InvalidSyntax("Operations is missing. Send a list of objects with op, path and value.")
    if len(found) > MAX_OPERATIONS:
        raise TooMany(f"The request has {len(found)} operations; send {MAX_OPERATIONS} at most.")
    return tuple(_read_operation(item, place) for place, item in enumerate(found, 1))


def _read_operation(item: Any, place: int) -> Operation:
    if not isinstance(item, Mapping):
        raise InvalidSyntax(f"Operation {place} isn't an object.")
    given = {name.casefold(): value for name, value in item.items()}
    operation = Operation(_read_op(given.get("op"), place), _read_path(given.get("path"), place), given.get("value"))
    if operation.path is None and operation.op is Op.REMOVE:
        raise NoTarget(f"Operation {place} removes without a path. Say in path what to remove.")
    if operation.path is None and not isinstance(operation.value, Mapping):
        raise InvalidValue(f"Operation {place} has no path, so its value must be an object of attributes.")
    if operation.op is not Op.REMOVE and "value" not in given:
        raise InvalidValue(f"Operation {place} has no value.")
    return operation


def _read_op(value: Any, place: int) -> Op:
    try:
        return Op(value.casefold())
    except (ValueError, AttributeError) as error:
        raise InvalidSyntax(f"Operation {place} needs an op of add, replace or remove.") from error


def _read_path(value: Any, place: int) -> PatchPath | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidSyntax(f"Operation {place} has a path that isn't text.")
    return parse_path(with_colon(value.strip()))
