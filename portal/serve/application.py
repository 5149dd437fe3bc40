"""The ASGI application that the server runs: it reads the whole request, and then has Django answer it in a thread.

A client that sends slowly, or reads slowly, holds no thread and no database connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings

from portal.serve.bodies import Bodies, Body, Disconnected, Receive
from portal.serve.environ import Scope, make_environ, read_headers
from portal.serve.threads import Threads, WsgiResponse
from portal.site.bodies import BodyRefused, largest_body
from portal.site.proxies import client_address

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
SEND_SECONDS = 60.0
# for what is done after the last answers of a process
FINISH_SECONDS = 5.0
NOTE_SECONDS = 60.0
# over HTTP/2 the server leaves it out
CLOSE = ("Connection", "close")
log = structlog.get_logger(__name__)


def finish_buffers() -> None:
    """Write what this process still holds back."""
    # its tables can't be imported before Django is set up
    from orgs.base import buffers

    buffers.finish()


@dataclass(slots=True)
class Application:
    """While `is_leaving` each connection closes with its next answer, so that its client comes to another process."""

    threads: Threads
    bodies: Bodies = field(default_factory=Bodies)
    on_start: Callable[[], None] = lambda: None
    on_stop: Callable[[], None] = finish_buffers
    is_leaving: bool = False
    refused: int = 0
    noted: float = 0.0
    running: set[asyncio.Future[None]] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            done = asyncio.get_running_loop().create_future()
            self.running.add(done)
            try:
                await self._serve(scope, receive, send)
            finally:
                self.running.remove(done)
                done.set_result(None)

    def leave(self) -> None:
        """Close each connection with its next answer."""
        self.is_leaving = True

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop with the server (ASGI's lifespan protocol)."""
        await receive()
        self.on_start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self.running:
            # their answers are sent: the server waits for no more
            await asyncio.wait(self.running, timeout=FINISH_SECONDS)
        self.threads.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(self.on_stop), FINISH_SECONDS)
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = read_headers(scope["headers"])
        try:
            with self.bodies.hold(self._address(scope, headers)) as body:
                answer = await self._answer(scope, headers, body, receive)
        except Disconnected:
            return
        except BodyRefused as refused:
            self._note(refused.refusal.status)
            content, given = refused.refusal.render(scope["path"])
            # what the client still sends is never read
            answer = WsgiResponse(refused.refusal.status, [*given.items(), CLOSE], content)
        await self._send(answer, scope, send)

    def _address(self, scope: Scope, headers: dict[str, str]) -> str:
        direct = (scope.get("client") or ("",))[0]
        return client_address(direct, headers.get("HTTP_X_FORWARDED_FOR", ""))

    async def _answer(self, scope: Scope, headers: dict[str, str], body: Body, receive: Receive) -> WsgiResponse:
        limit = largest_body(scope["path"], headers.get("CONTENT_TYPE", ""))
        length = headers.get("CONTENT_LENGTH", "")
        declared = int(length[:20]) if length.isascii() and length.isdigit() else 0
        if declared > limit and "HTTP_EXPECT" in headers:
            # the client asks before it sends
            body.length = declared
        elif declared or "HTTP_TRANSFER_ENCODING" in headers or scope["http_version"].startswith("2"):
            await self.bodies.read(body, receive, limit)
        environ = make_environ(scope, headers, body.content)
        # Django refuses what is too large by its length alone, in the form and the log of its address
        environ["CONTENT_LENGTH"] = str(body.length) if body.length else ""
        body.content = b""
        return await self.threads.answer(environ)

    async def _send(self, answer: WsgiResponse, scope: Scope, send: Send) -> None:
        """Send the answer part by part, and then let the application do what it does after it."""
        given = [*answer.headers, CLOSE] if self.is_leaving else answer.headers
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given]
        try:
            await _give(send, {"type": "http.response.start", "status": answer.status, "headers": headers})
            part = answer.first
            while answer.rest is not None and part:
                await _give(send, {"type": "http.response.body", "body": part, "more_body": True})
                part = await self.threads.next_part(answer)
            await _give(send, {"type": "http.response.body", "body": part, "more_body": False})
        except Disconnected:
            self._note(answer.status)
        finally:
            await self.threads.finish(answer)

    def _note(self, status: int) -> None:
        """Count what was refused or given up, and log the number at most once a minute: strangers fill no log."""
        self.refused += 1
        now = asyncio.get_running_loop().time()
        if not self.noted or now - self.noted >= NOTE_SECONDS:
            log.warning("serve.refused", requests=self.refused, last_status=status)
            self.noted, self.refused = now, 0


async def _give(send: Send, message: MutableMapping[str, Any]) -> None:
    """Send a part of an answer. Raises Disconnected when the client reads nothing for a minute."""
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await send(message)
    except TimeoutError as error:
        raise Disconnected from error


def threads_for(databases: dict[str, Any]) -> int:
    """Return how many threads use at most half of a process's database pool; each may need a second connection."""
    options = databases["default"].get("OPTIONS", {})
    pool = options.get("pool")
    return max(2, pool["max_size"] // 2) if isinstance(pool, dict) and pool.get("max_size") else 8


def make_application(threads: int | None = None) -> Application:
    """Return the application around Django's; its settings must be there."""
    from portal.wsgi import application

    return Application(Threads(application, threads or threads_for(settings.DATABASES)))
