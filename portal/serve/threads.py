"""The threads in which Django answers: as many as fit the database pool, with a bounded queue before them.

A thread can't be ended from outside. One that doesn't come back, as when the database is frozen, is left behind: its client
is answered by a deadline, and the thread stays counted until it returns.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.db import close_old_connections

from portal.serve.bodies import Disconnected
from portal.site.bodies import BodyRefusal, BodyRefused

Headers = list[tuple[str, str]]
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]
BUSY = BodyRefusal(503, "The service is busy. Send the request again in a few seconds.", retry_after=5)
LATE = BodyRefusal(503, "The service didn't answer in time. Send the request again in a few seconds.", retry_after=5)
# what is answered beside the others, so that a busy process isn't taken for a dead one; the first asks nothing, so it
# doesn't wait for the other two
LIFE = ("/healthz",)
PROBES = ("/readyz", "/metrics")
MOST_WAITING = 256
# strangers may ask for these, too
MOST_PROBES = 16
PATIENCE_SECONDS = 10.0
# for the whole answer, or for one part of a file
ANSWER_SECONDS = 30.0
PROBE_SECONDS = 5.0
PART = 256 * 1024


@dataclass(slots=True)
class Pool:
    """Threads for one kind of requests, and how many of these may be in them and wait for them.

    `seconds` are for one answer; `left` threads haven't come back within that.
    """

    name: str
    size: int
    most: int
    seconds: float = ANSWER_SECONDS
    waiting: int = 0
    left: int = 0
    executor: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.executor = ThreadPoolExecutor(self.size, thread_name_prefix=self.name)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count a request inside `with`. Raises BodyRefused when there are too many, or no thread comes back."""
        if self.waiting >= self.most or self.left >= self.size:
            raise BodyRefused(BUSY)
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    def leave(self, work: "asyncio.Future[Any]") -> None:
        """Count the thread that does this work as left until it is done."""
        self.left += 1
        work.add_done_callback(self._return)

    def _return(self, work: "asyncio.Future[Any]") -> None:
        self.left -= 1


@dataclass(slots=True)
class WsgiCall:
    """One request, whose steps may run in different threads, one after another: its context variables come along."""

    pool: Pool
    context: Context = field(default_factory=Context)
    result: Iterable[bytes] = ()
    last: "asyncio.Future[Any] | None" = None

    @property
    def is_running(self) -> bool:
        return self.last is not None and not self.last.done()

    async def run(self, step: Callable[..., Any], *given: Any) -> Any:
        """Run a step in a thread, after the last one: who waits for it no more doesn't end that."""
        if self.last is not None and self.is_running:
            await asyncio.wait({self.last})
        self.last = asyncio.wrap_future(self.pool.executor.submit(self.context.run, step, *given))
        return await asyncio.shield(self.last)

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
        life, probes = (Pool(name, 1, MOST_PROBES, PROBE_SECONDS) for name in ("life", "probe"))
        self.own_pools = dict.fromkeys(LIFE, life) | dict.fromkeys(PROBES, probes)
        self.started = set[asyncio.Future[None]]()

    async def answer(self, environ: Environ) -> WsgiResponse:
        """Return the application's answer. Raises BodyRefused when it would have to wait for too long, or isn't there in time."""
        call = WsgiCall(self.own_pools.get(environ["PATH_INFO"], self.pool))
        with call.pool.place():
            work = call.pool.executor.submit(call.context.run, self._call, call, environ, monotonic())
            return await self._result(call, work)

    async def _result(self, call: WsgiCall, work: "Future[WsgiResponse]") -> WsgiResponse:
        """Wait for an answer by the deadline of its pool. One that comes later is closed unread. Raises BodyRefused."""
        answer, patience = asyncio.wrap_future(work), min(PATIENCE_SECONDS, call.pool.seconds)
        try:
            await asyncio.wait({answer}, timeout=patience)
            if not answer.done() and work.cancel():
                raise BodyRefused(BUSY)
            if not answer.done():
                await asyncio.wait({answer}, timeout=call.pool.seconds - patience)
            if not answer.done():
                call.pool.leave(answer)
                raise BodyRefused(LATE)
            return answer.result()
        finally:
            if not answer.done():
                answer.add_done_callback(self._close_unread)

    def _close_unread(self, answer: "asyncio.Future[WsgiResponse]") -> None:
        """Let the application do what it does after an answer that nobody waits for any more."""
        if not answer.cancelled() and answer.exception() is None:
            self._start(self.finish(answer.result()))

    def _start(self, act: Coroutine[Any, Any, None]) -> None:
        """Do it without waiting for it."""
        started = asyncio.ensure_future(act)
        self.started.add(started)
        started.add_done_callback(self.started.discard)

    async def next_part(self, answer: WsgiResponse) -> bytes:
        """Return what follows of an answer, at most PART and a block more; empty at its end.

        Raises Disconnected when it isn't there in time: the answer has begun, and can only be broken off.
        """
        if answer.call is None or answer.rest is None:
            return b""
        try:
            async with asyncio.timeout(answer.call.pool.seconds):
                part: bytes = await answer.call.run(take, answer.rest)
        except TimeoutError as error:
            raise Disconnected from error
        return part

    async def finish(self, answer: WsgiResponse) -> None:
        """Let the application do what it does after an answer, which has been sent, or never will be.

        Where a thread still works on the answer, nobody waits for that.
        """
        if answer.call is not None and answer.call.is_running:
            self._start(answer.call.run(answer.call.close))
        elif answer.call is not None:
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
