"""The bodies that this process is reading: asynchronously, by a deadline, and bounded in number and in size."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from portal.site.bodies import MOST_DISCARDED, BodyRefusal, BodyRefused

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
TIMED_OUT = BodyRefusal(408, "The request didn't arrive in time. Send it again.")
CROWDED = BodyRefusal(503, "The service reads as many requests as it can right now. Send it again.", retry_after=5)


class Disconnected(Exception):
    """The client is gone; nobody reads an answer."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`seconds` are for one body in all. The others are for all bodies, and for those from one client address."""

    seconds: float = 30.0
    bodies: int = 1000
    bodies_of_address: int = 200
    bytes: int = 128 * 1024 * 1024
    bytes_of_address: int = 64 * 1024 * 1024


@dataclass(eq=False, slots=True)
class Body:
    """One request's body. `content` is empty when it is larger than its limit, whatever its `length`."""

    address: str
    content: bytes = b""
    length: int = 0
    held: int = 0
    deadline: asyncio.Timeout | None = None


@dataclass(slots=True)
class Bodies:
    """Each body counts until its answer is made. One too many, and the oldest that still arrives is given up."""

    bounds: Bounds = field(default_factory=Bounds)
    held: dict[Body, None] = field(default_factory=dict)
    bytes: int = 0
    bodies_of: Counter[str] = field(default_factory=Counter)
    bytes_of: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def hold(self, address: str) -> Iterator[Body]:
        """Count a body of this address inside `with`."""
        body = Body(address)
        self.held[body] = None
        self.bodies_of[address] += 1
        try:
            yield body
        finally:
            del self.held[body]
            self._add(body, -body.held)
            self.bodies_of[address] -= 1
            if not self.bodies_of[address]:
                del self.bodies_of[address], self.bytes_of[address]

    async def read(self, body: Body, receive: Receive, limit: int) -> None:
        """Read the body to its end. Raises BodyRefused when it takes too long or too much is held, Disconnected."""
        if self.bodies_of[body.address] > self.bounds.bodies_of_address:
            self._make_room(body, body.address)
        elif len(self.held) > self.bounds.bodies:
            self._make_room(body)
        try:
            async with asyncio.timeout(self.bounds.seconds) as body.deadline:
                await self._collect(body, receive, limit)
        except TimeoutError as error:
            raise BodyRefused(TIMED_OUT) from error
        finally:
            body.deadline = None

    async def _collect(self, body: Body, receive: Receive, limit: int) -> None:
        parts: list[bytes] = []
        is_whole = False
        while not is_whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            part = message.get("body", b"")
            is_whole = not message.get("more_body", False)
            body.length += len(part)
            if body.length <= limit:
                parts.append(part)
                self._grow(body, len(part))
                continue
            parts.clear()
            self._add(body, -body.held)
            if body.length > limit + MOST_DISCARDED:
                return
        body.content = b"".join(parts)

    def _grow(self, body: Body, size: int) -> None:
        """Count more bytes of a body. Raises BodyRefused when they are too many and no other body can be given up."""
        self._add(body, size)
        if self.bytes_of[body.address] > self.bounds.bytes_of_address:
            self._make_room(body, body.address)
        elif self.bytes > self.bounds.bytes:
            self._make_room(body)

    def _make_room(self, newcomer: Body, address: str | None = None) -> None:
        """End the reading of the oldest unfinished body, of this address if one is given. Raises BodyRefused without one."""
        for body in self.held:
            if body is newcomer or body.deadline is None or address not in (None, body.address):
                continue
            self._add(body, -body.held)
            body.deadline.reschedule(asyncio.get_running_loop().time())
            body.deadline = None
            return
        raise BodyRefused(CROWDED)

    def _add(self, body: Body, size: int) -> None:
        body.held += size
        self.bytes += size
        self.bytes_of[body.address] += size
