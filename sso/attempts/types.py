from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db.models import TextChoices

from orgs.base.errors import NotFound
from orgs.logs.filters import LogFilter
from sso.identity.errors import SignInError
from sso.identity.types import SignInCheck, VerifiedIdentity

if TYPE_CHECKING:
    from orgs.tenancy.models import Membership
    from sso.connections.models import Connection

KEPT_FOR = timedelta(days=90)
CHECK_LABELS = {
    SignInCheck.MESSAGE: "The message is one plain SAML response",
    SignInCheck.SIGNATURE: "It is signed with a certificate of this connection",
    SignInCheck.ISSUER: "It comes from the IdP Entity ID of this connection",
    SignInCheck.STATUS: "The identity provider says that sign-in succeeded",
    SignInCheck.RECIPIENT: "It was made for this ACS URL",
    SignInCheck.TIME: "It is valid now",
    SignInCheck.AUDIENCE: "It was made for this SP Entity ID",
    SignInCheck.SUBJECT: "It names one person, who has just signed in",
    SignInCheck.REPLAY: "It wasn’t used before",
    SignInCheck.REQUEST: "It answers the request of this browser",
    SignInCheck.EMAIL: "It holds one email address",
    SignInCheck.DOMAIN: "The address is in a verified domain",
    SignInCheck.MEMBER: "The person may sign in here",
}
# what a test doesn't ask: that is about the person, not about the connection
NOT_TESTED = frozenset({SignInCheck.MEMBER})
# what is asked of the message alone, before its browser is looked at
OF_MESSAGE = tuple(SignInCheck)[: tuple(SignInCheck).index(SignInCheck.REQUEST)]
# what is known of an answer that nobody asked for, when its person turns out to be another than who is signed in
OF_OTHER_PERSON = (*OF_MESSAGE, SignInCheck.EMAIL, SignInCheck.DOMAIN)


# what is known of an answer whose person would take the place of somebody else in this browser
OF_QUESTION = tuple(check for check in SignInCheck if check is not SignInCheck.MEMBER)


# the refusal that an admin may mend by forgetting a Name ID
SUBJECT_CHANGED = "subject_changed"


class AttemptOutcome(TextChoices):
    """How an attempt to sign in ended."""

    SIGNED_IN = "signed_in", "Signed in"
    REFUSED = "refused", "Refused"
    RESTARTED = "restarted", "Asked to sign in again"
    ASKED = "asked", "Asked before switching accounts"
    TEST_PASSED = "test_passed", "Test passed"
    TEST_FAILED = "test_failed", "Test failed"


FAILURES = (AttemptOutcome.REFUSED, AttemptOutcome.TEST_FAILED)
TESTS = (AttemptOutcome.TEST_PASSED, AttemptOutcome.TEST_FAILED)


class Verdict(StrEnum):
    """What a check showed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class NameIdInTheWay:
    """A Name ID because of which a sign-in was refused; `key` names it in a form.

    `is_former_address` says that it is a former address of the member whom that sign-in was for, who may keep it as their
    Name ID. Such a one needs no link, and then was never seen here.
    """

    key: str
    connection: "Connection"
    membership: "Membership"
    name_id: str
    last_seen_at: datetime | None = None
    is_former_address: bool = False


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of an attempt's list of checks."""

    label: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """Where a message came from."""

    ip: str = ""
    user_agent: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What the log keeps of one attempt; `passed` are the checks that were asked and found right."""

    outcome: AttemptOutcome
    caller: ClientInfo
    passed: Sequence[SignInCheck] = ()
    version: int | None = None
    refusal: SignInError | None = None
    claims: VerifiedIdentity | None = field(default=None, repr=False)
    email: str = ""
    # what a signed answer says that was refused before its address was taken for anybody's
    claimed_email: str = ""
    membership: "Membership | None" = None
    # of the version that was tested; else it is the connection's
    provider: str = ""


@dataclass(frozen=True, slots=True)
class AttemptFilter(LogFilter):
    """What the sign-in log shows: an address, code or request ID, and one kind of outcome; empty shows all."""

    outcome: str = ""


# the columns of an exported log, in their order
EXPORTED = (
    "at",
    "outcome",
    "email",
    "claimed_email",
    "name_id",
    "connection_name",
    "provider",
    "version",
    "error",
    "failed_check",
    "explanation",
    "expected",
    "received",
    "code",
    "ip",
    "user_agent",
    "request_id",
)


class AttemptUnknown(NotFound):
    code = "attempt_unknown"
    public = "There is no such sign-in attempt in this organization."
