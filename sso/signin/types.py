from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from orgs.base.actor import Actor, ActorKind
from orgs.tenancy.types import Visitor
from sso.attempts.types import ClientInfo
from sso.identity.errors import SignInError
from sso.identity.profile import ClaimedProfile
from sso.identity.types import OutgoingRequest, VerifiedIdentity

if TYPE_CHECKING:
    from orgs.tenancy.models import Membership, User
    from sso.connections.models import Configuration, Connection
    from sso.signin_tests.models import SignInTest

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
class SignInProtocol:
    """A way to ask an IdP who somebody is, for one connection by one version of it; all else knows no protocol.

    Both `verify` and `verify_as_of_issue`, for an answer that came too late, raise SignInError.
    """

    # of its URLs, which are those of `sso.signin.urls`
    namespace: str
    # the fields of the form that an answer comes in: the message, and what says which request it answers
    answer_field: str
    state_field: str
    make_request: "Callable[[Connection, Configuration, datetime], OutgoingRequest]"
    verify: "Callable[[str, Connection, Configuration, datetime], VerifiedIdentity]"
    verify_as_of_issue: "Callable[[str, Connection, Configuration], VerifiedIdentity]"
    # refusals that another version of the connection might not give; a message of a wrong shape isn't verified twice
    differs_by_version: tuple[type[SignInError], ...] = ()


@dataclass(frozen=True, slots=True)
class SignInFacts:
    """What is known of one sign-in at one point of its way: its end is written from that, whatever it is."""

    connection: "Connection"
    caller: ClientInfo
    version: int | None = None
    claims: VerifiedIdentity | None = field(default=None, repr=False)
    test: "SignInTest | None" = None
    email: str = ""
    # what a test has read; the log doesn't keep it
    profile: ClaimedProfile | None = None

    @property
    def provider(self) -> str:
        """Of the version that is tested; else it is the connection's."""
        return self.test.configuration.provider if self.test is not None else ""

    @property
    def actor(self) -> Actor:
        reference, label = str(self.connection.public_id), self.connection.name
        return Actor(ActorKind.SAML, reference=reference, label=label, ip=self.caller.ip)


@dataclass(frozen=True, slots=True)
class VerifiedAnswer:
    """What an IdP has answered, and the version of the connection that verified it."""

    connection: "Connection"
    caller: ClientInfo
    version: int
    claims: VerifiedIdentity = field(repr=False)
    test: "SignInTest | None" = None
    # only a version that is being tested verified it, and nothing says for which test: it signs nobody in
    is_test_mismatch: bool = False

    @property
    def facts(self) -> SignInFacts:
        return SignInFacts(self.connection, self.caller, self.version, self.claims, self.test)


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """What the browser has brought from the IdP. `state` comes from outside and is compared, never read."""

    message: str = field(repr=False)
    state: str
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
class TakenAnswer:
    """A verified answer that is being finished, with the flow that this browser remembers; it is the first or a later one."""

    answer: VerifiedAnswer
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
