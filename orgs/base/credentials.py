"""Mint, digest and compare secrets that are shown once and stored as a digest."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class MintedSecret:
    """A fresh credential. `plain` leaves this process once, in the answer to the person who asked for it."""

    plain: str = field(repr=False)
    prefix: str
    last4: str
    digest: str


def mint(prefix: str) -> MintedSecret:
    """Return `<prefix><43 base64url characters>`: 256 random bits behind a prefix that secret scanners can find."""
    plain = prefix + secrets.token_urlsafe(SECRET_BYTES)
    return MintedSecret(plain=plain, prefix=prefix, last4=plain[-4:], digest=digest(plain))


def digest(plain: str) -> str:
    """Return the SHA-256 of the whole credential in 64 hex digits; enough, since the credential has 256 random bits."""
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def matches(plain: str, stored_digest: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest(plain), stored_digest)
