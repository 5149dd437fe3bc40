"""The threads in which Django answers: as many as fit the database pool, with a bounded queue before them."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any

from portal.site.bodies import Refusal, Refused

Headers = list[tuple[str, str]]
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]
BUSY = Refusal(503, "The service is busy. Send the request again in a few seconds.", retry_after=5)
# answered beside the others, so that a busy process isn't taken for a dead one
PROBES = ("/healthz", "/readyz", "/metrics")
MOST_WAITING = 256
PATIENCE_SECONDS = 10.0
PART = 256 * 1024


@dataclass(slots=True)
class Answer:
    """`first` is what is sent at once; `rest` yields what follows, and is empty for everything but files."""

    status: int
    headers: Headers
    first: bytes
    rest: Iterator[bytes] | None


class Threads:
    """Runs a WSGI application."""

    def __init__(self, wsgi: Wsgi, size: int) -> None:
        self.wsgi = wsgi
        self.waiting = 0
        self.pool = ThreadPoolExecutor(size, thread_name_prefix="request")
        self.probes = ThreadPoolExecutor(1, thread_name_prefix="probe")

    async def answer(self, environ: Environ) -> Answer:
        """Return the application's answer. Raises Refused when it would have to wait for too long."""
        if self.waiting >= MOST_WAITING:
            raise Refused(BUSY)
        pool = self.probes if environ["PATH_INFO"] in PROBES else self.pool
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, self._call, environ, monotonic())
        finally:
            self.waiting -= 1

    async def next_part(self, answer: Answer) -> bytes:
        """Return what follows of an answer, at most PART and a block more; empty at its end."""
        if answer.rest is None:
            return b""
        return await asyncio.get_running_loop().run_in_executor(self.pool, take, answer.rest)

    def close(self) -> None:
        self.pool.shutdown(wait=False)
        self.probes.shutdown(wait=False)

    def _call(self, environ: Environ, asked: float) -> Answer:
        if monotonic() - asked > PATIENCE_SECONDS:
            # the client has waited long enough to ask again, and so will those behind it
            raise Refused(BUSY)
        started: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, exc_info: object = None) -> None:
            started.append((status, headers))

        blocks = blocks_of(self.wsgi(environ, start))
        first = take(blocks)
        status, headers = started[-1]
        return Answer(int(status[:3]), headers, first, blocks if len(first) >= PART else None)


def blocks_of(result: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what the application gives, and close it at the end (PEP 3333)."""
    try:
        yield from result
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()


def take(blocks: Iterator[bytes]) -> bytes:
    """Return blocks that are at least PART together, less at the end."""
    taken, size = [], 0
    for block in blocks:
        taken.append(block)
        size += len(block)
        if size >= PART:
            break
    return b"".join(taken)
