"""The threads in which Django answers: as many as fit the database pool, with a bounded queue before them."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.db import close_old_connections

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
class Call:
    """One request, whose steps may run in different threads: its context variables come along."""

    executor: ThreadPoolExecutor
    context: Context = field(default_factory=Context)
    result: Iterable[bytes] = ()

    async def run(self, step: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.executor, self.context.run, step, *given)

    def close(self) -> None:
        """Tell the application that the request is over (PEP 3333)."""
        close = getattr(self.result, "close", None)
        if close is not None:
            close()


@dataclass(slots=True)
class Answer:
    """`first` is what is sent at once; `rest` yields what follows, and is empty for everything but files.

    `call` is what made it, and has to be closed once everything is sent.
    """

    status: int
    headers: Headers
    first: bytes
    rest: Iterator[bytes] | None = None
    call: Call | None = None


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
        call = Call(self.probes if environ["PATH_INFO"] in PROBES else self.pool)
        self.waiting += 1
        try:
            answer: Answer = await call.run(self._call, call, environ, monotonic())
        finally:
            self.waiting -= 1
        return answer

    async def next_part(self, answer: Answer) -> bytes:
        """Return what follows of an answer, at most PART and a block more; empty at its end."""
        if answer.call is None or answer.rest is None:
            return b""
        part: bytes = await answer.call.run(take, answer.rest)
        return part

    async def finish(self, answer: Answer) -> None:
        """Let the application do what it does after an answer, which has been sent, or never will be."""
        if answer.call is not None:
            await answer.call.run(answer.call.close)

    def close(self) -> None:
        self.pool.shutdown(wait=False)
        self.probes.shutdown(wait=False)

    def _call(self, call: Call, environ: Environ, asked: float) -> Answer:
        if monotonic() - asked > PATIENCE_SECONDS:
            # the client has waited long enough to ask again, and so will those behind it
            raise Refused(BUSY)
        started: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, exc_info: object = None) -> None:
            started.append((status, headers))

        call.result = self.wsgi(environ, start)
        blocks = iter(call.result)
        try:
            first = take(blocks)
        except BaseException:
            call.close()
            raise
        status, headers = started[-1]
        return Answer(int(status[:3]), headers, first, blocks if len(first) >= PART else None, call)


def take(blocks: Iterator[bytes]) -> bytes:
    """Return blocks that are at least PART together, less at the end; this thread keeps no connection."""
    taken, size = [], 0
    try:
        for block in blocks:
            taken.append(block)
            size += len(block)
            if size >= PART:
                break
    finally:
        # a connection belongs to its thread: the one that closes the answer, once the client has read it, may be another
        close_old_connections()
    return b"".join(taken)
