"""What goes into the SAML core and what comes out of it: plain values, no rows, no HTTP, no clock."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from orgs.providers.idp_settings import NameIdFormat
from sso.connections.types import Certificate, Endpoint
from sso.identity.types import DEFAULT_SKEW


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
