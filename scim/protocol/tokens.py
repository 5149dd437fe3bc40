"""The words of a filter: text → tokens, each with its place, and the literals they stand for."""

import json
import re
from dataclasses import dataclass

from scim.protocol.errors import InvalidFilter
from scim.protocol.jsontext import MAX_INTEGER


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is string, number, sign, sub or word; `at` counts characters from 0."""

    kind: str
    text: str
    at: int


_SHAPES = re.compile(
    r"""(?P<space>[ \t]+)
    |(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")
    |(?P<number>-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?(?![\w.:-]))
    |(?P<sign>[()\[\]])
    |(?P<sub>\.[A-Za-z$][\w$-]*)
    |(?P<word>[A-Za-z$][\w$.:-]*)""",
    re.VERBOSE | re.ASCII,
)


def read_tokens(text: str) -> list[Token]:
    """Return the tokens without the spaces between them. Raises InvalidFilter."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _SHAPES.match(text, at)
        if match is None:
            raise InvalidFilter(f"There is something unreadable at character {at + 1}.")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    return found


def read_literal(token: Token) -> str | int | float:
    """Return the value of a string or number. Raises InvalidFilter for what a database can't be asked for."""
    try:
        value: str | int | float = json.loads(token.text)
    except ValueError as error:
        raise InvalidFilter(f"The value at character {token.at + 1} isn't a JSON text or number.") from error
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise InvalidFilter("A value holds NUL or half of a surrogate pair.")
    if not isinstance(value, str) and not -MAX_INTEGER <= value < MAX_INTEGER:
        raise InvalidFilter("A number is too large: 64 bits are read.")
    return value
