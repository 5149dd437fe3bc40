"""How much one token, and one stranger, may send: counted in this process, before the first query.

Requests of a token are weighed by what they cost: a read takes 1, a write 5, a Bulk request 5 for each operation.
Each worker process counts for itself, so a site with two workers takes twice as much. That costs no statement and needs
no Redis. SCIM_TOKEN_LIMIT and SCIM_STRANGER_LIMIT in the settings say how much.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from math import ceil
from threading import Lock
from time import monotonic

from django.conf import settings

from scim.protocol.errors import TooManyRequests

# how many tokens and addresses a process remembers; beyond that the longest unused ones start all over
MOST_KEYS = 10_000
NETWORK_BITS = 64
READ_WEIGHT, WRITE_WEIGHT = 1.0, 5.0
MINUTE = 60.0
TOO_MANY_REQUESTS = "This token sends more requests than are taken at once."


@dataclass(slots=True)
class Bucket:
    left: float
    at: float


@dataclass(slots=True)
class Limiter:
    """Token buckets by key: `burst` at once, and `per_second` more each second."""

    per_second: float
    burst: float
    buckets: "OrderedDict[str, Bucket]" = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def take(self, key: str, weight: float = 1.0, *, taken: float = 0.0) -> float:
        """Take this much, of which `taken` was taken before. Returns 0, or for how many seconds there is too little.

        Then nothing is taken, and `taken` is back. What weighs more than `burst` takes that.
        """
        wanted = min(weight, self.burst)
        with self.lock:
            bucket = self._filled(key)
            bucket.left = min(self.burst, bucket.left + taken)
            if bucket.left < wanted:
                return (wanted - bucket.left) / self.per_second
            bucket.left -= wanted
            return 0.0

    def wait(self, key: str) -> float:
        """Return what `take` would return for 1, and take nothing."""
        with self.lock:
            return max(0.0, (1 - self._filled(key).left) / self.per_second)

    def _filled(self, key: str) -> Bucket:
        moment = monotonic()
        bucket = self.buckets.setdefault(key, Bucket(self.burst, moment))
        bucket.left = min(self.burst, bucket.left + (moment - bucket.at) * self.per_second)
        bucket.at = moment
        self.buckets.move_to_end(key)
        if len(self.buckets) > MOST_KEYS:
            self.buckets.popitem(last=False)
        return bucket


class RequestLimits:
    """The limits of one process."""

    def __init__(self) -> None:
        self.of_token = Limiter(*settings.SCIM_TOKEN_LIMIT)
        self.of_stranger = Limiter(*settings.SCIM_STRANGER_LIMIT)
        # one row of the log each minute says that a token sends too much
        self.of_log_row = Limiter(1 / MINUTE, 1)
        # digests of tokens that opened a directory here; what strangers do behind the same address doesn't stop them
        self.admitted: OrderedDict[str, None] = OrderedDict()

    def check(self, digest: str, ip: str, weight: float) -> TooManyRequests | None:
        """Count a request before anything is looked up. Raises TooManyRequests.

        `digest` is that of the token that was shown, empty without one. Returns the refusal instead when the log of the
        token's directory should have it first.
        """
        if digest not in self.admitted:
            if wait := self.of_stranger.wait(_network(ip)):
                raise _too_many("Too many requests without a valid token came from this address.", wait)
            return None
        wait = self.of_token.take(digest, weight)
        if not wait:
            return None
        refusal = _too_many(TOO_MANY_REQUESTS, wait)
        if self.of_log_row.take(digest):
            raise refusal
        return refusal

    def take_operations(self, digest: str, count: int) -> None:
        """Count the operations of a Bulk request, which was counted as one write. Raises TooManyRequests, for all of them."""
        if wait := self.of_token.take(digest, WRITE_WEIGHT * count, taken=WRITE_WEIGHT):
            raise _too_many(TOO_MANY_REQUESTS, wait)

    def has_admitted(self, digest: str) -> bool:
        """Say whether the token opened a directory lately. It may have ended since."""
        return digest in self.admitted

    def note_admission(self, digest: str, weight: float) -> None:
        """Remember that the token opened a directory."""
        if digest in self.admitted:
            return
        self.of_token.take(digest, weight)
        self.admitted[digest] = None
        if len(self.admitted) > MOST_KEYS:
            self.admitted.popitem(last=False)

    def note_refusal(self, digest: str, ip: str) -> None:
        """Count a request whose token opened nothing, and forget the token."""
        self.admitted.pop(digest, None)
        self.of_stranger.take(_network(ip))


def _network(ip: str) -> str:
    """Return the caller's address; of IPv6 the network, whose addresses are one customer's."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> NETWORK_BITS << NETWORK_BITS))
    return str(address)


def _too_many(problem: str, wait: float) -> TooManyRequests:
    seconds = ceil(wait)
    return TooManyRequests(f"{problem} Send the request again in {seconds} s.", retry_after=seconds)


limits = RequestLimits()
