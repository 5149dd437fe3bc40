from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import TextChoices

from orgs.tenancy.types import Visitor
from sso.attempts.types import Caller
from sso.providers.types import ProfileField
from sso.saml.types import OutgoingRequest

if TYPE_CHECKING:
    from orgs.tenancy.models import Membership, User

# a verified sign-in whose browser hasn't come to finish it
PENDING_LIFE = timedelta(seconds=60)
# how long somebody may take at the IdP, and how long a cookie remembers what was asked
FLOW_LIFE = timedelta(minutes=15)
TEST_LIFE = timedelta(minutes=10)
# within this time a second unsolicited response means that the IdP can't do otherwise
AGAIN_LIFE = timedelta(minutes=1)
DISCOVERY_LIFE = timedelta(minutes=10)
TESTS_KEPT_FOR = timedelta(days=90)


class SignInTestStatus(TextChoices):
    """How a test sign-in stands; one that waits for too long has timed out."""

    WAITING = "waiting", "Waiting"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"


class Prospect(StrEnum):
    """What a real sign-in would do with the person of a test."""

    SIGNS_IN = "signs_in"
    JOINS = "joins"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived at an ACS. `relay_state` comes from outside and is compared, never read."""

    saml_response: str = field(repr=False)
    relay_state: str
    caller: Caller


@dataclass(frozen=True, slots=True)
class Flow:
    """What the browser's cookie remembers of a request that left: whose it is, and where to go afterwards."""

    connection: UUID
    request_id: str
    return_to: str = ""
    test: UUID | None = None
    # the second try, after an unsolicited response was discarded
    is_again: bool = False
    # Unix time in seconds
    begun_at: int = 0


@dataclass(frozen=True, slots=True)
class Departure:
    """A request that is ready to leave to this provider's IdP, and what the browser remembers of it."""

    request: OutgoingRequest
    flow: Flow
    provider: str


@dataclass(frozen=True, slots=True)
class Return:
    """A browser that comes back with its own cookies: the handle of what waits for it, and the flows that it remembers."""

    pending: UUID
    handle: str = field(repr=False)
    flows: tuple[Flow, ...]
    visitor: Visitor
    caller: Caller


@dataclass(frozen=True, slots=True)
class Landing:
    """A verified response waits for its browser under this id, for whoever shows the handle. Without an id: start afresh."""

    pending: UUID | None = None
    handle: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in, the mark of their session, and where they wanted to go."""

    user: "User"
    membership: "Membership"
    mark: UUID
    return_to: str
    request_id: str


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """One attribute as it came; its name is the IdP's, and may be any text."""

    name: str
    sent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One field of a profile as a test shows it; empty where nothing was sent."""

    label: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the newest test received, read by the names that a version has now; `sent` are the names of its attributes."""

    at: datetime
    rows: Mapping[ProfileField, ProfileRow]
    sent: tuple[str, ...]
