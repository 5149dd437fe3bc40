"""Where the portal runs in this checkout, for commands beside it: written in a file, and true while a server holds its lock."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "demo-address"


@contextmanager
def announced(folder: Path, address: str) -> Iterator[None]:
    """Have commands take this address for the portal's until the block, or the process, ends."""
    with (folder / NAME).open("a", encoding="utf-8") as file:
        # shared, so that it waits only for somebody who asks, and who lets go at once
        fcntl.flock(file, fcntl.LOCK_SH)
        file.truncate(0)
        file.write(address)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def adopt(folder: Path) -> None:
    """Set PUBLIC_BASE_URL to that of the demo which runs with this folder, unless it is set or none runs."""
    if address := of_running_demo(folder):
        os.environ.setdefault("PUBLIC_BASE_URL", address)


def of_running_demo(folder: Path) -> str:
    """Return the address, or nothing while no demo runs, also when the last one was killed."""
    try:
        with (folder / NAME).open(encoding="utf-8") as file:
            return file.read() if _is_held(file.fileno()) else ""
    except FileNotFoundError:
        return ""


def _is_held(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
