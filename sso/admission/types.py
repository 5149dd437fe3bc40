from dataclasses import dataclass

from orgs.base.actor import Actor
from sso.connections.models import Connection
from sso.saml.profile import SamlProfile
from sso.saml.types import Claims


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a verified assertion names, what it says of them, and through which connection it came (SAML Core §2.4.1)."""

    connection: Connection
    claims: Claims
    profile: SamlProfile
    actor: Actor
