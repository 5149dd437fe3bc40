"""Whose address a request comes from, and whether TRUSTED_PROXY_COUNT fits what arrives."""

from dataclasses import asdict, dataclass
from ipaddress import ip_address
from time import monotonic
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError

log = structlog.get_logger(__name__)
NOTE = "site.proxies"
# how long a note counts, and how often a process writes one at the most
NOTE_SECONDS = 3600
WRITE_SECONDS = 60.0
# fewer requests show nothing: right after a start they may all be one stranger's
LEAST_REQUESTS = 20
PROBES = ("/healthz", "/readyz", "/metrics")
UNAVAILABLE = (DatabaseError, OSError)
BEHIND_PROXY = (
    "PUBLIC_BASE_URL is https, so a proxy ends TLS in front of the portal, but TRUSTED_PROXY_COUNT is 0:"
    " every client has the proxy's address, and 60 wrong passwords in 10 minutes lock everybody out."
    " Set TRUSTED_PROXY_COUNT to the number of proxies that add to X-Forwarded-For, mostly 1."
)


def client_address(direct: str, forwarded: str) -> str:
    """Return the address that our outermost proxy saw; X-Forwarded-For counts only as far as TRUSTED_PROXY_COUNT."""
    hops = read_hops(forwarded)
    trusted: int = settings.TRUSTED_PROXY_COUNT
    if trusted and len(hops) >= trusted:
        direct = hops[-trusted]
    try:
        return str(ip_address(direct))
    except ValueError:
        return ""


def read_hops(forwarded: str) -> list[str]:
    """Return the addresses of X-Forwarded-For, the nearest proxy's last."""
    return [hop.strip() for hop in forwarded.split(",") if hop.strip()]


def start_warning() -> str:
    """Return what the settings alone show to be wrong with TRUSTED_PROXY_COUNT, or nothing."""
    return BEHIND_PROXY if settings.IS_HTTPS and not settings.TRUSTED_PROXY_COUNT else ""


@dataclass(slots=True)
class Hops:
    """How many of the requests since the last note fit TRUSTED_PROXY_COUNT, and the last number of hops that didn't."""

    trusted: int
    fitting: int = 0
    unfitting: int = 0
    hops: int = 0


class HopCounter:
    """Counts in memory. Only when something doesn't fit it writes a note for `doctor`, at most once a minute.

    Each note tells of at least LEAST_REQUESTS requests.
    """

    def __init__(self) -> None:
        self.seen = Hops(settings.TRUSTED_PROXY_COUNT)
        self.written: float | None = None

    def count(self, path: str, forwarded: str) -> None:
        if path in PROBES:
            # these come from beside the portal, past the proxy
            return
        trusted, hops = settings.TRUSTED_PROXY_COUNT, len(read_hops(forwarded))
        # a client may claim further hops, so more than the trusted ones are nothing unusual
        fits = hops >= trusted if trusted else not hops
        if fits:
            self.seen.fitting += 1
            return
        self.seen.unfitting += 1
        self.seen.hops = hops
        is_due = self.written is None or monotonic() - self.written >= WRITE_SECONDS
        if is_due and self.seen.fitting + self.seen.unfitting >= LEAST_REQUESTS:
            self._write()

    def _write(self) -> None:
        self.written = monotonic()
        log.warning("site.proxy_count_differs", **asdict(self.seen))
        try:
            cache.set(NOTE, asdict(self.seen), timeout=NOTE_SECONDS)
        except UNAVAILABLE as error:
            log.warning("site.proxy_note_lost", error=type(error).__name__)
        self.seen = Hops(settings.TRUSTED_PROXY_COUNT)


def look() -> tuple[str, str]:
    """Return "ok" or what doesn't fit, by the settings and by the requests of the last hour, and what to do."""
    if warning := start_warning():
        verdict, _, advice = warning.partition(": ")
        return verdict, f"{advice[0].upper()}{advice[1:]}"
    try:
        note: dict[str, Any] = cache.get(NOTE) or {}
    except UNAVAILABLE as error:
        return f"unknown ({type(error).__name__})", "What is known of it is in the cache."
    # anybody may send the header: a few requests among many say nothing about a proxy
    if note.get("trusted") != settings.TRUSTED_PROXY_COUNT or note["unfitting"] < note["fitting"]:
        return "ok", ""
    return _differing(note["trusted"], note["hops"])


def _differing(trusted: int, hops: int) -> tuple[str, str]:
    if not trusted:
        advice = f"If proxies stand in front of the portal, set TRUSTED_PROXY_COUNT to their number, such as {hops}."
        return "X-Forwarded-For arrives, but TRUSTED_PROXY_COUNT is 0", advice
    advice = "Have each proxy add to X-Forwarded-For, or lower TRUSTED_PROXY_COUNT: clients could forge their address."
    return f"X-Forwarded-For arrives with {hops} addresses, but TRUSTED_PROXY_COUNT is {trusted}", advice
