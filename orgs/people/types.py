from dataclasses import dataclass
from datetime import datetime, timedelta

from orgs.tenancy.types import GrantSource, MembershipOrigin, Role

INVITATION_MAIL = "invitation.mail"
INVITATION_DELAY = timedelta(minutes=2)
INVITATION_LIFE = timedelta(days=14)
INVITATION_PREFIX = "ghi_"
ADMISSION = "people.admission"
# how many waiting memberships one transaction activates: SQLite has one writer at a time, and the others wait for it
PORTION = 100
# the columns of a membership that a profile sets
PROFILE_COLUMNS = ("email", "email_key", "given_name", "family_name", "display_name", "name_key")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a membership shows of its person; the address is the one by which the organization knows them."""

    email: str
    given_name: str = ""
    family_name: str = ""
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a waiting membership has been asked so far. `linked_at` is when the newest link was mailed that can be used."""

    invitation: int | None
    delayed_until: datetime | None
    linked_at: datetime | None
    is_mail_planned: bool


@dataclass(frozen=True, slots=True)
class NewMembership:
    """A membership to be made. `is_address_new` when no membership of the organization ever had the address."""

    profile: Profile
    origin: MembershipOrigin
    is_domain_verified: bool = False
    is_address_new: bool = False


@dataclass(frozen=True, slots=True)
class RoleClaim:
    """A role that a directory or a group gives: a reason that exists once for each membership."""

    source: GrantSource
    reference: str
    role: Role


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """What the member list shows: words in name or address, one origin, one state; empty shows all."""

    text: str = ""
    origin: str = ""
    state: str = ""
