"""What goes into the SAML core and what comes out of it: plain values, no rows, no HTTP, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

DEFAULT_SKEW = timedelta(seconds=90)


class Binding(StrEnum):
    """How a message travels to the IdP (SAML Bindings §3.4, §3.5)."""

    REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


class NameIdFormat(StrEnum):
    """The formats that connections ask for (SAML Core §8.3)."""

    EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
    PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"


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


class Setting(StrEnum):
    """What an admin would change to mend a refusal; each provider says where that is, in its own words."""

    SP_ENTITY_ID = "sp_entity_id"
    ACS_URL = "acs_url"
    IDP_ENTITY_ID = "idp_entity_id"
    METADATA = "metadata"
    NAME_ID = "name_id"
    ALGORITHM = "algorithm"
    CANONICALIZATION = "canonicalization"
    SIGNING = "signing"
    ENCRYPTION = "encryption"
    ATTRIBUTES = "attributes"
    ASSIGNMENT = "assignment"
    REQUEST = "request"
    IDP_INITIATED = "idp_initiated"
    DOMAIN = "domain"
    CLOCK = "clock"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the IdP takes AuthnRequests; `location` is https, or http on a loopback host in the sandbox."""

    binding: Binding
    location: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """An X.509 certificate. `pem` is in canonical form: two texts of one certificate are equal."""

    pem: str
    fingerprint: str  # SHA-256 over DER, 64 lower-case hex digits
    subject: str  # RFC 4514
    not_before: datetime
    not_after: datetime
    key: str  # "RSA 2048", "EC secp256r1"


class LeftOut(StrEnum):
    """Why a certificate isn't taken beside others that are."""

    EXPIRED = "they have expired"
    WEAK = "their keys are too weak"
    PSS = "their keys are for RSASSA-PSS"
    UNREADABLE = "they can’t be read"
    TOO_MANY = "there are too many"


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """What a connection needs to know of its IdP, whether it came by URL, file or hand."""

    entity_id: str
    endpoints: tuple[Endpoint, ...]
    certificates: tuple[Certificate, ...]
    name_id_formats: tuple[str, ...] = ()
    wants_signed_requests: bool = False
    left_out: tuple[LeftOut, ...] = ()  # one for each signing certificate that isn't taken
    urls_left_out: tuple[str, ...] = ()  # to which no browser may be sent


@dataclass(frozen=True, slots=True)
class SpKeyPair:
    """Our own key and its certificate, both PEM. Never printed."""

    private_pem: str = field(repr=False)
    certificate_pem: str


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """Our side of one connection."""

    entity_id: str
    acs_url: str
    name_id_format: str = NameIdFormat.EMAIL


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a response must agree with: one connection's pinned IdP, and our own names."""

    idp_entity_id: str
    sp_entity_id: str
    acs_url: str
    certificates: tuple[str, ...]  # PEM; every one of them may have signed
    needs_both_signed: bool = False
    skew: timedelta = DEFAULT_SKEW


@dataclass(frozen=True, slots=True)
class Claims:
    """What the IdP says of one person, read from signed bytes only. Times are aware, in UTC."""

    assertion_id: str
    issuer: str
    name_id: str
    name_id_format: str
    attributes: Mapping[str, tuple[str, ...]]
    in_response_to: str  # empty when the IdP began by itself
    session_index: str
    issued_at: datetime
    expires_at: datetime  # the assertion can't be accepted after this moment; skew is included
    session_expires_at: datetime | None
    authn_context: str
    signed: frozenset[str]  # of "assertion", "response"
    certificates: tuple[str, ...] = ()  # fingerprints of those whose keys verified the signatures


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """An AuthnRequest, ready to leave. By Redirect `url` is whole and `fields` is empty; by POST the fields go there."""

    request_id: str
    binding: Binding
    url: str
    fields: Mapping[str, str] = field(default_factory=dict)
