"""The connection under an outbound call: to checked addresses only, for no longer and for no more than the call allows."""

import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpcore

from orgs.base.outbound_addresses import Address
from orgs.base.outbound_errors import AddressPrivate, AnswerFragmented, CallTimedOut

CONNECT_SECONDS = 2.0
# of the lines before a document, and of what comes around its pieces: each byte costs time to read
HEAD_BYTES = 128 * 1024
BODY_BYTES = 1200 * 1024
# with TLS, a document of a mebibyte may come in packets of a network
MAX_READS = 5_000


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of a whole call, in seconds of the monotonic clock: no single wait outlasts it."""

    ends: float

    def left(self, at_most: float | None = None) -> float:
        """Return how many seconds may be waited now. Raises CallTimedOut when none are left."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise CallTimedOut
        return left if at_most is None else min(left, at_most)


@dataclass(slots=True)
class Allowance:
    """How much may still come over a connection, counted as it comes: the reader of HTTP works for each piece of it."""

    size: int = HEAD_BYTES
    reads: int = MAX_READS

    def begin_body(self) -> None:
        """The lines before the document are over."""
        self.size += BODY_BYTES

    def at_most(self, size: int) -> int:
        """Return how much may be read now. Raises AnswerFragmented when that is nothing."""
        if self.size <= 0 or self.reads <= 0:
            raise AnswerFragmented
        return min(size, self.size)

    def take(self, size: int) -> None:
        """Count the bytes that have come."""
        self.size -= size
        self.reads -= 1


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to these addresses in turn, and to no other, whatever host it is asked for."""

    def __init__(self, addresses: Sequence[Address], deadline: Deadline, allowance: Allowance) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._allowance = allowance
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a stream to the first address that answers. Raises ConnectError, ConnectTimeout, AddressPrivate."""
        problem: Exception = httpcore.ConnectError("The host has no address.")
        for address in self._addresses:
            try:
                stream = self._plain.connect_tcp(str(address), port, self._deadline.left(CONNECT_SECONDS))
                self._check_peer(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
                continue
            return BoundedStream(stream, self._deadline, self._allowance)
        raise problem

    def _check_peer(self, stream: httpcore.NetworkStream) -> None:
        """Refuse a connection whose other end isn't one of the checked addresses.

        Raises AddressPrivate, and ConnectError where the other end can't be told: it may have gone again.
        """
        try:
            peer = ip_address(stream.get_extra_info("server_addr")[0])
        except (OSError, ValueError) as error:
            stream.close()
            raise httpcore.ConnectError(error) from error
        if peer not in self._addresses:
            stream.close()
            raise AddressPrivate


class BoundedStream(httpcore.NetworkStream):
    """A connection on which no wait outlasts the call, and not more comes than is allowed.

    A server that sends a byte a second gains nothing by it, and one that never stops sending neither.
    """

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline, allowance: Allowance) -> None:
        self._stream = stream
        self._deadline = deadline
        self._allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Raises AnswerFragmented, CallTimedOut."""
        found = self._stream.read(self._allowance.at_most(max_bytes), self._deadline.left(timeout))
        self._allowance.take(len(found))
        return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return BoundedStream(secured, self._deadline, self._allowance)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
