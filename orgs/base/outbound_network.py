"""The connection under an outbound call: to checked addresses only, and no longer than the call may last."""

import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpcore

from orgs.base.addresses import Address
from orgs.base.outbound_errors import AddressPrivate, CallTimedOut

CONNECT_SECONDS = 2.0


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


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to these addresses in turn, and to no other, whatever host it is asked for."""

    def __init__(self, addresses: Sequence[Address], deadline: Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
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
            return TimedStream(stream, self._deadline)
        raise problem

    def _check_peer(self, stream: httpcore.NetworkStream) -> None:
        """The other end is one of the checked addresses, as the connection itself says.

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


class TimedStream(httpcore.NetworkStream):
    """A connection on which no wait outlasts the call: a server that sends a byte a second gains nothing by it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
