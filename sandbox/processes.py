"""Child processes, each in a process group of its own, so that ending one ends whatever it has started, too."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

GRACE_SECONDS = 10.0
TAIL_LINES = 12


class CannotStart(Exception):
    """The demo can't start; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running process; what it prints goes to its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def last_words(self) -> str:
        """Return the end of the log, which says why the process ended."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


class Family:
    """The processes that are started inside `with`; at its end every one of them is gone, with its descendants."""

    def __init__(self) -> None:
        self.children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str], *, log: Path, cwd: Path) -> Child:
        """Start the command in a new process group and session, which the terminal's Ctrl-C doesn't reach."""
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        child = Child(name, process, log)
        self.children.append(child)
        return child

    def first_ended(self) -> Child | None:
        """Return a child that has ended by itself, or None while all run."""
        return next((child for child in self.children if child.has_ended), None)

    def stop(self) -> None:
        """Ask every group to end; after ten seconds kill what is left of it."""
        for child in self.children:
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(_group_lives(child) for child in self.children) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in self.children:
            _signal_group(child, signal.SIGKILL)
            child.process.wait()
        self.children.clear()


def _group_lives(child: Child) -> bool:
    # reaps the leader, which otherwise counts as a member of its group
    child.process.poll()
    return _signal_group(child, 0)


def _signal_group(child: Child, number: int) -> bool:
    """Say whether anybody of the group was there to take the signal; 0 only asks."""
    try:
        # the leader of a new session leads a group with its own pid as id
        os.killpg(child.process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
