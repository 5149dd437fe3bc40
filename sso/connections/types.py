from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db.models import TextChoices

from orgs.providers.idp_settings import NameIdFormat
from orgs.tenancy.types import Role

MAX_CONNECTIONS = 25
# which a version trusts at once
MAX_CERTIFICATES = 10
CONNECTION_CHANGED = "connection.changed"
# what a version says of its IdP, and a new one copies
IDP_FIELDS = (
    "provider",
    "idp_entity_id",
    "redirect_url",
    "post_url",
    "metadata_source",
    "metadata_url",
    "name_id_format",
    "attribute_map",
    "needs_both_signed",
)


class ConnectionState(TextChoices):
    """What a connection is good for; nobody signs in through one that isn't active."""

    DRAFT = "draft", "Draft"
    TESTED = "tested", "Tested"
    ACTIVE = "active", "Active"
    DISABLED = "disabled", "Off"


class Stage(TextChoices):
    """Where a configuration stands: being prepared, in force, or replaced."""

    DRAFT = "draft", "Being prepared"
    LIVE = "live", "In force"
    FORMER = "former", "Replaced"


class MetadataSource(TextChoices):
    """How the IdP's side came in."""

    URL = "url", "Metadata URL"
    FILE = "file", "Metadata file"
    MANUAL = "manual", "Typed by hand"


class SpKeyState(TextChoices):
    """Which of our keys a connection signs with now, and which it publishes beside it."""

    NEXT = "next", "Next"
    CURRENT = "current", "Current"
    PREVIOUS = "previous", "Previous"


class WizardStep(StrEnum):
    """The wizard's steps behind the name, in their order."""

    PROVIDER = "provider"
    VALUES = "values"
    ATTRIBUTES = "attributes"
    METADATA = "metadata"
    DOMAIN = "domain"
    REVIEW = "review"


STEPS = tuple(WizardStep)
# owners and admins are made by people, never by an assertion
JIT_ROLES = (Role.USER, Role.GUEST)
NAME_ID_FORMATS = {
    NameIdFormat.EMAIL: "Email address",
    NameIdFormat.UNSPECIFIED: "Unspecified",
    NameIdFormat.PERSISTENT: "Persistent",
}
ProfileNames = Mapping[str, str]


class Binding(StrEnum):
    """How a message travels to the IdP (SAML Bindings §3.4, §3.5)."""

    REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


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
    is_authority: bool = False  # it says that its key signs certificates

    def has_expired(self, now: datetime) -> bool:
        return self.not_after <= now


@dataclass(frozen=True, slots=True)
class SpKeyPair:
    """Our own key and its certificate, both PEM. Never printed."""

    private_pem: str = field(repr=False)
    certificate_pem: str
    fingerprint: str  # SHA-256 over the certificate's DER, 64 lower-case hex digits
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Addresses:
    """What an IdP asks for of our side of one connection. URLs never depend on a request's headers."""

    sp_entity_id: str
    acs_url: str
    login_url: str
    sp_metadata_url: str
    suggested_idp_entity_id: str


@dataclass(frozen=True, slots=True)
class IdpSide:
    """The IdP as an admin has confirmed it. `url` is empty unless it came from one."""

    entity_id: str
    endpoints: tuple[Endpoint, ...]
    certificates: tuple[Certificate, ...]
    source: MetadataSource
    url: str = ""
    # whether what the version trusts already of the same IdP stays beside these certificates
    keeps_certificates: bool = False

    def location(self, binding: Binding) -> str:
        return next((endpoint.location for endpoint in self.endpoints if endpoint.binding is binding), "")


@dataclass(frozen=True, slots=True)
class AttributeChoice:
    """Which attribute of the IdP fills which field of a profile; a field that isn't named is found by its usual names."""

    names: ProfileNames = field(default_factory=dict)
    name_id_format: NameIdFormat = NameIdFormat.EMAIL
    needs_both_signed: bool = False


@dataclass(frozen=True, slots=True)
class SignInRules:
    """What holds for everybody who comes through a connection; it takes effect at once."""

    jit: bool = False
    default_role: Role = Role.USER
    allow_idp_initiated: bool = False
    # `jit` ends by itself once a directory has brought somebody
    jit_until_directory: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The edit of a version that an admin looked at before deciding."""

    number: int
    revision: int


class RemovalReason(TextChoices):
    """Why a certificate isn't trusted any more."""

    REPLACED = "replaced", "It was replaced, or ends soon"
    COMPROMISED = "compromised", "Somebody else may have its key"


class EndSessions(TextChoices):
    """What becomes of the sessions that a certificate opened which isn't trusted any more."""

    BY_REASON = "by_reason", "Follow the answer above: end them only if somebody else may have the key (recommended)"
    YES = "yes", "End them now"
    NO = "no", "Keep them until they end by themselves"


@dataclass(frozen=True, slots=True)
class CertificateRemoval:
    """What an admin says of certificates that the next version doesn't trust any more."""

    reason: RemovalReason
    end_sessions: EndSessions = EndSessions.BY_REASON

    @property
    def ends_sessions(self) -> bool:
        if self.end_sessions is EndSessions.BY_REASON:
            return self.reason is RemovalReason.COMPROMISED
        return self.end_sessions is EndSessions.YES


@dataclass(frozen=True, slots=True)
class ValueToCopy:
    """One field of the IdP's form: one of our values, with the label that it has here, or else a choice to make there."""

    code: str
    label: str
    value: str
    there: str
    hint: str
    is_required: bool
    choice: str = ""


@dataclass(frozen=True, slots=True)
class ReadField:
    """One field of a profile: the attribute that fills it by the admin's choice, or the usual names."""

    label: str
    name: str
    is_chosen: bool
