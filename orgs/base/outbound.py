"""The only door to other servers: https, public addresses, little time, little text.

A host is looked up once, every address of the answer is checked, and the connection goes to one of these; SNI and
certificate still go by the name. Nothing here is logged: a query string may hold a secret.
"""

import socket
import ssl
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeout
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Thread
from typing import Any

import httpcore
import httpx
from django.conf import settings

from orgs.base.outbound_addresses import Address, is_loopback, is_public
from orgs.base.outbound_errors import (
    AddressPrivate,
    AnswerBroken,
    AnswerCompressed,
    AnswerFragmented,
    AnswerTooLarge,
    CallTimedOut,
    CertificateUntrusted,
    ConnectionRefused,
    HostNotFound,
    LookUpFailed,
    OutboundRefused,
    RedirectRefused,
    ServerUnreachable,
    StatusUnexpected,
    TlsFailed,
    TooManyRedirects,
    UrlHasCredentials,
    UrlInvalid,
    UrlNotHttps,
    UrlRefused,
)
from orgs.base.outbound_network import Allowance, Deadline, PinnedBackend

__all__ = ["Fetched", "OutboundRefused", "fetch"]

TOTAL_SECONDS = 10.0
MAX_BYTES = 1024 * 1024
# each costs as much as 10 KiB, be it a byte
MAX_PIECES = 5_000
MAX_REDIRECTS = 3
MAX_URL = 2048
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"User-Agent", b"Gatehouse"),
    (b"Accept", b"*/*"),
    (b"Accept-Encoding", b"identity"),
    (b"Connection", b"close"),
)
FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, and the URL at which it was found after redirects."""

    url: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Route:
    """A URL that may be called, and the checked addresses of its host, to which the connection goes."""

    url: httpx.URL
    addresses: tuple[Address, ...]
    is_loopback: bool


def fetch(url: str) -> Fetched:
    """Return the document at this URL, after three redirects at most. Raises OutboundRefused: one class for each reason.

    It takes 10 s and 1 MiB at most, and little work, whatever the server does.
    """
    deadline = Deadline(time.monotonic() + TOTAL_SECONDS)
    route = plan_route(read_url(url), deadline, allows_loopback=settings.OUTBOUND_ALLOWS_LOOPBACK)
    for _ in range(MAX_REDIRECTS):
        answer = _call(route, deadline)
        if isinstance(answer, Fetched):
            return answer
        route = _follow(route, answer, deadline)
    answer = _call(route, deadline)
    if isinstance(answer, Fetched):
        return answer
    raise TooManyRedirects


def read_url(text: str) -> httpx.URL:
    """Return the URL that somebody pasted. Raises UrlInvalid, UrlNotHttps, UrlHasCredentials."""
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlInvalid from error
    if not url.scheme or len(str(url)) > MAX_URL:
        raise UrlInvalid
    if url.scheme not in {"https", "http"}:
        raise UrlNotHttps
    if not url.raw_host or not 0 < _port_of(url) < 2**16:
        raise UrlInvalid
    if url.userinfo:
        raise UrlHasCredentials
    return url.copy_with(fragment=None)


def _port_of(url: httpx.URL) -> int:
    return url.port if url.port is not None else {"https": 443, "http": 80}[url.scheme]


def plan_route(url: httpx.URL, deadline: Deadline, *, allows_loopback: bool) -> Route:
    """Return where this URL leads. Raises UrlRefused when that isn't the internet, or not by https."""
    if url.scheme != "https" and not allows_loopback:
        raise UrlNotHttps
    addresses = _look_up(url, deadline)
    is_local = allows_loopback and all(map(is_loopback, addresses))
    if not is_local and not all(map(is_public, addresses)):
        raise AddressPrivate
    if url.scheme != "https" and not is_local:
        raise UrlNotHttps
    return Route(url, addresses, is_local)


def _look_up(url: httpx.URL, deadline: Deadline) -> tuple[Address, ...]:
    """Return every address of a URL's host. The system's own look-up knows no deadline, so it has a thread of its own."""
    answer: Future[list[Any]] = Future()
    host = url.raw_host.decode("ascii")
    Thread(target=_ask_system, args=(answer, host, _port_of(url)), daemon=True, name="outbound-lookup").start()
    try:
        found = answer.result(timeout=deadline.left())
    except WaitTimeout as error:
        raise LookUpFailed from error
    except socket.gaierror as error:
        raise (LookUpFailed if error.errno == socket.EAI_AGAIN else HostNotFound) from error
    except (OSError, ValueError) as error:
        raise HostNotFound from error
    return tuple(dict.fromkeys(ip_address(address[0]) for *_, address in found))


def _ask_system(answer: Future[list[Any]], host: str, port: int) -> None:
    try:
        answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, ValueError) as error:
        answer.set_exception(error)


def _follow(route: Route, location: str, deadline: Deadline) -> Route:
    """Return where a redirect leads, by the rules for a first URL; only loopback leads to loopback."""
    try:
        url = read_url(str(route.url.join(location)))
        return plan_route(url, deadline, allows_loopback=route.is_loopback)
    except httpx.InvalidURL as error:
        raise RedirectRefused(UrlInvalid()) from error
    except UrlRefused as error:
        raise RedirectRefused(error) from error


def _call(route: Route, deadline: Deadline) -> Fetched | str:
    """Return what the server sends, or where it sends us on."""
    url = httpcore.URL(
        scheme=route.url.raw_scheme, host=route.url.raw_host, port=_port_of(route.url), target=route.url.raw_path
    )
    headers = [*HEADERS, (b"Host", route.url.netloc)]
    # httpcore itself knows neither proxies nor cookies; of the environment, SSL_CERT_FILE alone is heard
    trust, allowance = httpx.create_ssl_context(), Allowance()
    network = PinnedBackend(route.addresses, deadline, allowance)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=trust, network_backend=network) as pool,
            pool.stream("GET", url, headers=headers) as response,
        ):
            allowance.begin_body()
            return _read(route.url, response)
    except FAILURES as error:
        raise _reason_of(error) from error


def _read(url: httpx.URL, response: httpcore.Response) -> Fetched | str:
    headers = {name.decode("ascii").lower(): value.decode("latin-1").strip() for name, value in response.headers}
    if response.status in REDIRECTS and "location" in headers:
        return headers["location"]
    if response.status != httpx.codes.OK:
        raise StatusUnexpected(response.status)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise AnswerCompressed
    return Fetched(str(url), _whole(response), headers.get("content-type", ""))


def _whole(response: httpcore.Response) -> bytes:
    """Return the document. Raises AnswerTooLarge, AnswerFragmented."""
    content = bytearray()
    for place, piece in enumerate(response.iter_stream()):
        content += piece
        if len(content) > MAX_BYTES:
            raise AnswerTooLarge
        if place == MAX_PIECES:
            raise AnswerFragmented
    return bytes(content)


def _reason_of(error: Exception) -> OutboundRefused:
    """Return a failure of the connection in words for whoever pasted the URL."""
    # httpcore drops the chain of exceptions, and keeps the first one as its argument
    cause = next(iter(error.args), None)
    if isinstance(error, httpcore.TimeoutException):
        return CallTimedOut()
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CertificateUntrusted(cause.verify_message)
    if isinstance(cause, ssl.SSLError):
        return TlsFailed()
    if isinstance(cause, ConnectionRefusedError):
        return ConnectionRefused()
    return ServerUnreachable() if isinstance(error, httpcore.ConnectError) else AnswerBroken()
