"""What a verified sign-in is, whatever the protocol: plain values, no rows, no HTTP, no clock."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

DEFAULT_SKEW = timedelta(seconds=90)
MOMENTS = ("issued_at", "expires_at", "session_expires_at")


class SignInCheck(StrEnum):
    """The questions that a sign-in is asked, in the order in which they are asked."""

    MESSAGE = "message"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    STATUS = "status"
    RECIPIENT = "recipient"
    TIME = "time"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    REPLAY = "replay"
    REQUEST = "request"
    EMAIL = "email"
    DOMAIN = "domain"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """What the IdP says of one person, read from signed bytes only. Times are aware, in UTC.

    `subject` is what the IdP calls the person, in a format that is compared and never read.
    """

    assertion_id: str
    issuer: str
    subject: str
    subject_format: str
    attributes: Mapping[str, tuple[str, ...]]
    request_id: str  # empty when the IdP began by itself
    session_index: str
    issued_at: datetime
    expires_at: datetime  # the assertion can't be accepted after this moment; skew is included
    session_expires_at: datetime | None
    authn_context: str
    signed: frozenset[str]  # of "assertion", "response"
    certificates: tuple[str, ...] = ()  # fingerprints of those whose keys verified the signatures
    left_out: Mapping[str, int] = field(default_factory=dict)  # of an attribute, how many values aren't kept
    encrypted_attributes: int = 0  # which can't be read here
    is_lasting: bool = True  # the subject is the same person next time


@dataclass(frozen=True, slots=True)
class ClaimedPerson:
    """Whom a signed message names that is refused all the same: shown and searched for, and nothing else."""

    subject: str
    attributes: Mapping[str, tuple[str, ...]]
    encrypted_attributes: int = 0


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request to the IdP, ready to leave: by a link when `fields` is empty, else as a form that is posted to `url`."""

    request_id: str
    url: str
    fields: Mapping[str, str] = field(default_factory=dict)


def as_json(claims: VerifiedIdentity) -> dict[str, Any]:
    """Return the claims in JSON types; `from_json` reads them back."""
    plain = asdict(claims)
    for name in MOMENTS:
        plain[name] = plain[name].isoformat() if plain[name] is not None else None
    return plain | {
        "attributes": {name: list(values) for name, values in claims.attributes.items()},
        "signed": sorted(claims.signed),
        "certificates": list(claims.certificates),
    }


def from_json(plain: Mapping[str, Any]) -> VerifiedIdentity:
    """Return the claims that `as_json` wrote."""
    moments = {name: datetime.fromisoformat(plain[name]) if plain[name] else None for name in MOMENTS}
    attributes = {name: tuple(values) for name, values in plain["attributes"].items()}
    plural = {"signed": frozenset(plain["signed"]), "certificates": tuple(plain.get("certificates", ()))}
    return VerifiedIdentity(**{**plain, **moments, **plural, "attributes": attributes})
