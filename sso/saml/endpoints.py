"""Sign-in URLs of an IdP: which of those that it names a browser may be sent to, in a form that every browser reads alike."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlsplit

import idna

from sso.connections.types import Binding, Endpoint
from sso.saml.markup import Element, line_of
from sso.saml.metadata_errors import EndpointMissing, EndpointNotHttps

LONGEST_URL = 2_000
# what a name or an IP address is written with: a policy of ours names the host, and there `*` would mean any
HOST = re.compile(r"[a-z0-9._:-]+")
FORBIDDEN = frozenset(" <>\"'\\")


@dataclass(frozen=True, slots=True)
class ChosenEndpoints:
    """One endpoint for each binding that we speak, Redirect first, and the URLs that can't be used."""

    endpoints: tuple[Endpoint, ...]
    left_out: tuple[str, ...] = ()


def choose_endpoints(services: Sequence[Element], *, allows_loopback: bool) -> ChosenEndpoints:
    """Return of each binding the first endpoint that a browser may be sent to. Raises EndpointMissing, EndpointNotHttps."""
    found: dict[Binding, str] = {}
    refused: list[EndpointNotHttps] = []
    known = [service for service in services if service.get("Binding") in set(Binding) and _location(service)]
    for service in known:
        try:
            safe = safe_url(_location(service), allows_loopback=allows_loopback)
        except EndpointNotHttps as reason:
            reason.line = line_of(service)
            refused.append(reason)
        else:
            found.setdefault(Binding(service.get("Binding") or ""), safe)
    if not known:
        raise EndpointMissing(received=_bindings(services))
    if not found:
        raise refused[0]
    endpoints = tuple(Endpoint(binding, found[binding]) for binding in Binding if binding in found)
    return ChosenEndpoints(endpoints, tuple(reason.received for reason in refused))


def _location(service: Element) -> str:
    return (service.get("Location") or "").strip()


def _bindings(services: Iterable[Element]) -> str:
    return ", ".join(sorted({(service.get("Binding") or "").rpartition(":")[2] for service in services} - {""}))


def safe_url(url: str, *, allows_loopback: bool) -> str:
    """Return the URL in ASCII, its host by IDNA 2008, when a browser can be sent there: https, or http on this machine.

    Letters beyond ASCII in the path and the query are percent-encoded (RFC 3987 §3.1). Http only where `allows_loopback`.
    Raises EndpointNotHttps.
    """
    try:
        parts = urlsplit(url)
        written = url if url.isascii() else _in_ascii(url, parts)
        # reading it checks it
        _ = parts.port
    except ValueError as error:
        raise EndpointNotHttps(received=url) from error
    host = urlsplit(written).hostname or ""
    is_plain = url.isprintable() and not set(url) & FORBIDDEN and len(written) <= LONGEST_URL
    is_known = parts.scheme == "https" or (parts.scheme == "http" and allows_loopback and is_loopback(host))
    if not (is_plain and is_known and HOST.fullmatch(host) and "@" not in parts.netloc and not parts.fragment):
        raise EndpointNotHttps(received=url)
    return written


def _in_ascii(url: str, parts: SplitResult) -> str:
    """Raises ValueError for a host that can't be a name."""
    netloc = parts.netloc
    if not netloc.isascii():
        host = idna.encode(parts.hostname or "", uts46=True, transitional=False).decode("ascii")
        netloc = host if parts.port is None else f"{host}:{parts.port}"
    # an empty netloc is refused here, too
    before, _, after = url.partition(parts.netloc)
    return before + netloc + "".join(letter if letter.isascii() else quote(letter) for letter in after)


def is_loopback(host: str) -> bool:
    """Say whether this name means this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
