"""The little Markdown that guides are written in."""

import re
from collections.abc import Iterable, Sequence

from orgs.providers.types import Instruction

_SPECIAL = re.compile(r"([\\`<|\[\]])")


def plain(text: str) -> str:
    """Return text that reads as it stands; pairs of asterisks go on to mean bold."""
    return _SPECIAL.sub(r"\\\1", text)


def code(text: str) -> str:
    """Return text to be typed or searched for, letter by letter. It holds no backtick and no bar."""
    return f"`{text}`"


def bullets(texts: Iterable[str]) -> str:
    """Return a list without numbers."""
    return "\n".join(f"- {text}" for text in texts)


def numbered(steps: Iterable[Instruction]) -> str:
    """Return the steps as a numbered list, each with its note below it."""
    return "\n".join(_step(number, step) for number, step in enumerate(steps, start=1))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(*blocks: str) -> str:
    """Return the blocks as one document, without those that are empty."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def _step(number: int, step: Instruction) -> str:
    line = f"{number}. {plain(step.text)}"
    return f"{line}\\\n   {plain(step.note)}" if step.note else line
