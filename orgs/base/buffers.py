"""Rows that nobody waits for: gathered in memory, written in batches by a thread of the process.

What is in a buffer when the process is killed is lost, as is what doesn't fit while the database is away; what was lost is
counted (`lost_rows`), so nothing that must be kept belongs here. A process that ends by itself writes what it has.
"""

import atexit
import os
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from math import inf
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Generic, TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from orgs.base import models
from orgs.base.clock import now
from orgs.base.database import is_unavailable

T = TypeVar("T")
SECONDS = 0.5
BATCH = 500
MOST = 10_000
# the figure begins anew when nothing was lost for so long
LOSSES_KEPT = timedelta(days=30)
log = structlog.get_logger(__name__)


class Buffer(Generic[T]):
    """Items of one kind, up to `most`, each to be written when it has been here for `delay` seconds.

    `write` stores a batch and returns how many of it couldn't be stored. With `settings.BUFFERED_WRITES` off an item is
    written at once, in the caller's transaction.
    """

    def __init__(self, name: str, write: Callable[[list[T]], int], *, most: int = MOST, delay: float = 0.0) -> None:
        self.name, self._write, self._most, self._delay = name, write, most, delay
        self.reset()
        _writer.buffers.append(self)

    def reset(self) -> None:
        """Forget the items: after a fork they are the parent's to write."""
        self._items: deque[tuple[float, T]] = deque()
        self._lost = 0
        self._lock, self._flushing = Lock(), Lock()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T) -> None:
        """Store the item soon. Waits for nothing, and never fails: what doesn't fit is counted as lost."""
        if not settings.BUFFERED_WRITES:
            self._write([item])
            return
        with self._lock:
            if len(self._items) >= self._most:
                self._lost += 1
                return
            self._items.append((monotonic() + self._delay, item))
            is_full = len(self._items) >= BATCH
        _writer.start(at_once=is_full)

    def flush(self, *, is_last: bool = False) -> None:
        """Write what is due, or all with `is_last`. While the database is away it stays."""
        until = inf if is_last else monotonic()
        with self._flushing:
            while batch := self._take(until):
                try:
                    lost = self._write([item for _, item in batch])
                except (DatabaseError, InterfaceError) as error:
                    if is_unavailable(error):
                        self._put_back(batch)
                        return
                    lost = len(batch)
                    log.warning("buffer.batch_lost", buffer=self.name, rows=lost, error=type(error).__name__)
                except BaseException:
                    self._lost += len(batch)
                    raise
                self._lost += lost
            self._report()

    def _take(self, until: float) -> list[tuple[float, T]]:
        with self._lock:
            batch: list[tuple[float, T]] = []
            while self._items and len(batch) < BATCH and self._items[0][0] <= until:
                batch.append(self._items.popleft())
            return batch

    def _put_back(self, batch: list[tuple[float, T]]) -> None:
        with self._lock:
            self._items.extendleft(reversed(batch))

    def _report(self) -> None:
        """Add what was lost to the figure of all processes."""
        with self._lock:
            lost, self._lost = self._lost, 0
        if not lost:
            return
        log.warning("buffer.rows_lost", buffer=self.name, rows=lost)
        try:
            add_lost_rows(self.name, lost)
        except (DatabaseError, InterfaceError):
            self._lost += lost


class Writer:
    """The thread that writes all buffers of a process. It starts with the first item, and again in a forked process."""

    def __init__(self) -> None:
        self.buffers: list[Buffer[Any]] = []
        self.reset()

    def reset(self) -> None:
        self._thread: Thread | None = None
        self._lock, self._wake = Lock(), Event()

    def start(self, *, at_once: bool = False) -> None:
        """Have the thread run; `at_once` it doesn't wait for its next turn."""
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = Thread(target=self._run, name="buffers", daemon=True)
                    self._thread.start()
        if at_once:
            self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(SECONDS)
            self._wake.clear()
            self.flush()

    def flush(self, *, is_last: bool = False) -> None:
        """Write what is due, or all with `is_last`; then keep no connection."""
        if not any(self.buffers):
            return
        try:
            for buffer in self.buffers:
                buffer.flush(is_last=is_last)
        finally:
            connections.close_all()


def finish() -> None:
    """Write all that the buffers of this process hold: it is about to end."""
    _writer.flush(is_last=True)


def lost_rows() -> dict[str, int]:
    """Return how many rows all processes have lost, by the name of the buffer."""
    return {one.name: int(models.read_entry(_entry(one.name)) or 0) for one in _writer.buffers}


def add_lost_rows(name: str, count: int) -> None:
    """Count rows as lost."""
    ends_at = now() + LOSSES_KEPT
    added = models.add_to_entry(_entry(name), count) or models.write_entry(
        _entry(name), str(count), ends_at, only_new=True
    )
    if not added:
        # another process was first
        models.add_to_entry(_entry(name), count)
    models.extend_entry(_entry(name), ends_at)


def _entry(name: str) -> str:
    return f"buffers.lost.{name}"


def _after_fork() -> None:
    _writer.reset()
    for buffer in _writer.buffers:
        buffer.reset()


_writer = Writer()
os.register_at_fork(after_in_child=_after_fork)
atexit.register(finish)
