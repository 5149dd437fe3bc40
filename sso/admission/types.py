from collections.abc import Mapping
from dataclasses import dataclass

from orgs.base.actor import Actor
from orgs.base.text import address_key
from orgs.tenancy.models import Membership
from orgs.tenancy.types import AddressKind
from sso.connections.models import Connection, SamlIdentity
from sso.identity.profile import ClaimedProfile
from sso.identity.types import VerifiedIdentity


@dataclass(frozen=True, slots=True)
class Candidates:
    """Whose the subject and the address of a sign-in are, as it was read at one time: what admission decides by."""

    connection: Connection
    claims: VerifiedIdentity
    email: str
    by_address: Membership | None
    # the link of the subject, whatever became of it since
    link: SamlIdentity | None
    # what the subject is, as an address, to each membership that has it or had it
    kinds: Mapping[int, AddressKind]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those whose domains have to be verified."""
        memberships = (self.by_address, self.link.membership if self.link is not None else None)
        return (self.email, *(membership.email for membership in memberships if membership is not None))

    @property
    def identity(self) -> SamlIdentity | None:
        """The link, unless the subject is an address that its member no longer has: that may be anybody's now.

        One that an admin has left to its member counts, but not for whoever comes with that very address: that may be its
        new holder.
        """
        if self.link is None:
            return None
        kind = self.kinds.get(self.link.membership_id)
        is_asserted = address_key(self.email) == address_key(self.claims.subject)
        if kind == AddressKind.FORMER or (kind == AddressKind.NAME_ID and is_asserted):
            return None
        return self.link


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a verified assertion names, what it says of them, and through which connection it came (SAML Core §2.4.1)."""

    connection: Connection
    claims: VerifiedIdentity
    profile: ClaimedProfile
    actor: Actor
