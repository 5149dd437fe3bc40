from dataclasses import dataclass

from orgs.base.actor import Actor
from sso.connections.models import Connection
from sso.identity.profile import ClaimedProfile
from sso.identity.types import VerifiedIdentity


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a verified assertion names, what it says of them, and through which connection it came (SAML Core §2.4.1)."""

    connection: Connection
    claims: VerifiedIdentity
    profile: ClaimedProfile
    actor: Actor
