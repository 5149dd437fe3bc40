"""The threads in which Django answers: as many as fit the database pool, with a bounded queue before them."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.db import close_old_connections

from portal.site.bodies import BodyRefusal, BodyRefused

Headers = list[tuple[str, str]]
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]
BUSY = BodyRefusal(503, "The service is busy. Send the request again in a few seconds.", retry_after=5)
# what is answered beside the others, so that a busy process isn't taken for a dead one; the first asks nothing, so it
# doesn't wait for the other two
LIFE = ("/healthz",)
PROBES = ("/readyz", "/metrics")
MOST_WAITING = 256
# strangers may ask for these, too
MOST_PROBES = 16
PATIENCE_SECONDS = 10.0
PART = 256 * 1024


@dataclass(slots=True)
class Pool:
    """Threads for one kind of requests, and how many of these may be in them and wait for them."""

    name: str
    size: int
    most: int
    waiting: int = 0
    executor: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.executor = ThreadPoolExecutor(self.size, thread_name_prefix=self.name)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count a request inside `with`. Raises BodyRefused when there are too many."""
        if self.waiting >= self.most:
            raise BodyRefused(BUSY)
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1


@dataclass(slots=True)
class WsgiCall:
    """One request, whose steps may run in different threads: its context variables come along."""

    pool: Pool
    context: Context = field(default_factory=Context)
    result: Iterable[bytes] = ()

    async def run(self, step: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.pool.executor, self.context.run, step, *given)

    def close(self) -> None:
        """Tell the application that the request is over (PEP 3333)."""
        close = getattr(self.result, "close", None)
        if close is not None:
            close()


@dataclass(slots=True)
class WsgiResponse:
    """`first` is what is sent at once; `rest` yields what follows, and is empty for everything but files.

    `call` is what made it, and has to be closed once everything is sent.
    """

    status: int
    headers: Headers
    first: bytes
    rest: Iterator[bytes] | None = None
    call: WsgiCall | None = None


class Threads:
    """Runs a WSGI application."""

    def __init__(self, wsgi: Wsgi, size: int) -> None:
        self.wsgi = wsgi
        self.pool = Pool("request", size, MOST_WAITING)
        life, probes = Pool("life", 1, MOST_PROBES), Pool("probe", 1, MOST_PROBES)
        self.own_pools = dict.fromkeys(LIFE, life) | dict.fromkeys(PROBES, probes)

    async def answer(self, environ: Environ) -> WsgiResponse:
        """Return the application's answer. Raises BodyRefused when it would have to wait for too long."""
        call = WsgiCall(self.own_pools.get(environ["PATH_INFO"], self.pool))
        with call.pool.place():
            answer: WsgiResponse = await call.run(self._call, call, environ, monotonic())
        return answer

    async def next_part(self, answer: WsgiResponse) -> bytes:
        """Return what follows of an answer, at most PART and a block more; empty at its end."""
        if answer.call is None or answer.rest is None:
            return b""
        part: bytes = await answer.call.run(take, answer.rest)
        return part

    async def finish(self, answer: WsgiResponse) -> None:
        """Let the application do what it does after an answer, which has been sent, or never will be."""
        if answer.call is not None:
            await answer.call.run(answer.call.close)

    def close(self) -> None:
        for pool in (self.pool, *self.own_pools.values()):
            pool.executor.shutdown(wait=False)

    def _call(self, call: WsgiCall, environ: Environ, asked: float) -> WsgiResponse:
        if monotonic() - asked > PATIENCE_SECONDS:
            # the client has waited long enough to ask again, and so will those behind it
            raise BodyRefused(BUSY)
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
        return WsgiResponse(int(status[:3]), headers, first, blocks if len(first) >= PART else None, call)


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
