"""JSON files that are whole at every moment, also when two processes write."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from sandbox.test_idp.errors import StateUnreadable


def read_json(path: Path, default: Any) -> Any:
    """Return what the file holds, or the default while there is none. Raises StateUnreadable."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default
    except (OSError, ValueError) as error:
        raise unreadable(path) from error


def write_json(path: Path, value: Any) -> None:
    """The file holds the value; a reader sees what was there before, or this. Only its owner can read it."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(f"{text}\n")
    os.replace(draft.name, path)  # noqa: PTH105 - both names are texts here


def change_json(path: Path, default: Any, change: Callable[[Any], Any]) -> Any:
    """The file holds what `change` made of it, with nobody else's change lost; returns that. Raises StateUnreadable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        # closing lets go of it
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = read_json(path, default)
        try:
            value = change(found)
        except (AttributeError, TypeError) as error:
            raise unreadable(path) from error
        write_json(path, value)
    return value


def unreadable(path: Path) -> StateUnreadable:
    """Return the error that names the file."""
    return StateUnreadable(f"{path.name} doesn’t hold what it must. Correct it, or remove it to begin anew.")
