from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from orgs.tenancy.types import Visitor
from sso.attempts.types import ClientInfo
from sso.identity.types import OutgoingRequest, VerifiedIdentity

if TYPE_CHECKING:
    from orgs.tenancy.models import Membership, User
    from sso.signin.models import PendingSignIn

# a verified sign-in whose browser hasn't come to finish it
PENDING_LIFE = timedelta(seconds=60)
# how long somebody may look at the question whether another person takes over their browser
QUESTION_LIFE = timedelta(minutes=5)
# how long somebody may take at the IdP, and how long a cookie remembers what was asked
FLOW_LIFE = timedelta(minutes=15)
# within this time a second unsolicited response means that the IdP can't do otherwise
AGAIN_LIFE = timedelta(minutes=1)
# how long the page opens to which an answer leads that came a second time
ANSWERED_LIFE = timedelta(minutes=5)
DISCOVERY_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AcsRequest:
    """What arrived at an ACS. `relay_state` comes from outside and is compared, never read."""

    saml_response: str = field(repr=False)
    relay_state: str
    caller: ClientInfo


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
class StartedSignIn:
    """A request that is ready to leave to this provider's IdP, and what the browser remembers of it."""

    request: OutgoingRequest
    flow: Flow
    provider: str


@dataclass(frozen=True, slots=True)
class FinishRequest:
    """A browser that comes back with its own cookies: the handle of what waits for it, and the flows that it remembers."""

    pending: UUID
    handle: str = field(repr=False)
    flows: tuple[Flow, ...]
    visitor: Visitor
    caller: ClientInfo


@dataclass(frozen=True, slots=True)
class Taken:
    """A verified answer that is being finished, with the flow that this browser remembers; it is the first or a later one."""

    pending: "PendingSignIn"
    claims: VerifiedIdentity
    flow: Flow | None
    is_second: bool = False


@dataclass(frozen=True, slots=True)
class PendingHandle:
    """A verified response waits for its browser under this id, for whoever shows the handle. Without an id: start afresh."""

    pending: UUID | None = None
    handle: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A sign-in that would replace somebody else's session waits for their answer, from whoever shows the handle."""

    pending: UUID
    handle: str = field(repr=False)
    request_id: str


@dataclass(frozen=True, slots=True)
class AlreadySignedIn:
    """The answer came too late, and its person is signed in here all the same."""

    org_slug: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in, the session_grant_id of their session, where they wanted to go, and by which assertion."""

    user: "User"
    membership: "Membership"
    session_grant_id: UUID
    return_to: str
    request_id: str
    assertion_id: str
