"""Bytes → object, or a clear InvalidSyntax: what a database or another parser would choke on never gets further."""

import json
import math
import re
from typing import Any

from scim.protocol.errors import InvalidSyntax
from scim.protocol.schemas import Document

MAX_DEPTH = 32
MAX_INTEGER = 2**63
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def decode(body: bytes) -> Document:
    """Return the JSON object of a request body. Raises InvalidSyntax.

    Refused: anything but an object, UTF-8 that is none, NUL and lone surrogates, NaN and Infinity, numbers that
    64 bits can't hold, nesting beyond 32, and two members whose names are equal without case (RFC 7643 §2.1).
    """
    if not body.strip():
        raise InvalidSyntax("The body is empty. Send a JSON object, and its length in Content-Length.")
    try:
        text = body.decode("utf-8-sig")
        found = json.loads(
            text,
            object_pairs_hook=_unique_members,
            parse_constant=_refuse_constant,
            parse_int=_read_integer,
            parse_float=_read_float,
        )
    except UnicodeDecodeError as error:
        raise InvalidSyntax(f"The body isn't UTF-8 text (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise InvalidSyntax(
            f"The body isn't JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise InvalidSyntax(f"The body is nested deeper than {MAX_DEPTH} levels.") from error
    if not isinstance(found, dict):
        raise InvalidSyntax("The body must be one JSON object.")
    _inspect(found, 1)
    return found


def _unique_members(pairs: list[tuple[str, Any]]) -> Document:
    names = {name.casefold() for name, _ in pairs}
    if len(names) != len(pairs):
        raise InvalidSyntax("An object holds the same attribute twice. Attribute names don't depend on case.")
    return dict(pairs)


def _refuse_constant(name: str) -> None:
    raise InvalidSyntax(f"{name} is no JSON number.")


def _read_integer(digits: str) -> int:
    # the length first: int() takes quadratic time
    number = int(digits) if len(digits) <= 20 else MAX_INTEGER
    if not -MAX_INTEGER <= number < MAX_INTEGER:
        raise InvalidSyntax("A number is too large: 64 bits are read.")
    return number


def _read_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        # 1e999 would become Infinity, which neither JSON nor a database column takes back
        raise InvalidSyntax("A number is too large: 64 bits are read.")
    return number


def _inspect(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidSyntax(f"The body is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        _inspect_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _inspect_text(name)
            _inspect(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _inspect(inner, depth + 1)


def _inspect_text(text: str) -> None:
    found = _UNSTORABLE.search(text)
    if found is None:
        return
    if found.group() == "\x00":
        raise InvalidSyntax("A text holds the character NUL (\\u0000). Remove it.")
    raise InvalidSyntax("A text holds half of a surrogate pair (\\ud800 to \\udfff). Send whole characters.")
