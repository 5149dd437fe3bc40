from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import TextChoices

# how long an account is kept that has no verified address, and holds nothing else
UNVERIFIED_FOR = timedelta(days=3)


class Role(TextChoices):
    """Highest first: a membership has the highest role that is granted to it."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    USER = "user", "User"
    GUEST = "guest", "Guest"


RANK = {role: place for place, role in enumerate(reversed(Role))}
SETTINGS_ROLES = frozenset({Role.OWNER, Role.ADMIN})


def highest(roles: list[str]) -> Role:
    """Return the highest of the granted roles; a membership without any grant is a plain user."""
    return max((Role(role) for role in roles), key=RANK.__getitem__, default=Role.USER)


class MembershipState(TextChoices):
    INVITED = "invited", "Invited, waiting"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class MembershipOrigin(TextChoices):
    """Through which door a membership came; a membership may have several."""

    SETUP = "setup", "Setup"
    INVITE = "invite", "Invite"
    SCIM = "scim", "SCIM"
    SSO = "sso", "SSO"


class GrantSource(TextChoices):
    PERSON = "person", "Given by a person"
    DEFAULT = "default", "The default role"
    GROUP = "group", "From a group"
    # `reference` of the grant is the public id of the directory, or of the group
    DIRECTORY = "directory", "From the identity provider"


# what directories give, by themselves or by their groups
CLAIMS = (GrantSource.DIRECTORY, GrantSource.GROUP)


class SuspensionSource(TextChoices):
    SCIM = "scim", "The identity provider"
    ADMIN = "admin", "An admin"
    BRAKE = "brake", "The mass-change brake"


class AddressKind(TextChoices):
    CURRENT = "current", "Current"
    FORMER = "former", "Former"
    # set by an admin alone, while nobody else has the address
    NAME_ID = "name_id", "Former, still their Name ID"


class SignInMethod(TextChoices):
    PASSWORD = "password", "Password"
    PASSKEY = "passkey", "Passkey"
    SAML = "saml", "SAML"


PERSONAL_METHODS = frozenset({SignInMethod.PASSWORD, SignInMethod.PASSKEY})


@dataclass(frozen=True, slots=True)
class IdpSession:
    """Through which connection a session came, what the IdP calls it, and with which certificates the IdP signed.

    `certificates` are SHA-256 fingerprints. All of it is empty for a personal proof.
    """

    connection: UUID | None = None
    session_index: str = ""
    certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionClient:
    """Where a session was opened, as the page of sessions names it."""

    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """The account and the session_grant_id of the session in which a browser is already, if it is in one."""

    user_id: int | None = None
    session_grant_id: UUID | None = None
