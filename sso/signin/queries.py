from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from orgs.base import credentials
from orgs.base.clock import now
from orgs.base.statements import Statement, moment, number, text, uuid
from orgs.base.text import address_domain
from orgs.domains import queries as domains
from orgs.tenancy.models import SessionGrant
from sso.attempts import queries as attempts
from sso.attempts.models import LoginAttempt
from sso.connections import queries as connections
from sso.connections.models import Configuration, Connection
from sso.identity.errors import AssertionExpired, apart_from, stamp
from sso.identity.types import DEFAULT_SKEW, VerifiedIdentity
from sso.signin.errors import AssertionReplayed, ConnectionOff, RequestUnknown, UnsolicitedRefused, VersionChanged
from sso.signin.models import ConsumedAssertion, PendingSignIn, UsedRequest
from sso.signin.types import ANSWERED_LIFE, Flow, TakenAnswer, VerifiedAnswer
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import TEST_LIFE, SignInTestStatus


def _waiting_tests() -> QuerySet[SignInTest]:
    found = SignInTest.objects.filter(
        org_id=number("org"),
        connection_id=number("connection"),
        status=SignInTestStatus.WAITING,
        started_at__gt=moment("since"),
    )
    return found.select_related("configuration__connection__org", "connection__org").order_by("-id")


WAITING = Statement(lambda: _waiting_tests().filter(relay_digest=text("digest"))[:1])
NEWEST_WAITING = Statement(lambda: _waiting_tests()[:1])
HELD = Statement(
    lambda: (
        PendingSignIn.objects.select_for_update(of=("self",))
        .select_related("test__configuration__connection__org")
        .filter(org_id=number("org"), connection_id=number("connection"), public_id=uuid("public_id"))
        .filter(expires_at__gt=moment("now"))
        .order_by()
    )
)
LATE_ANSWERS = frozenset({AssertionReplayed.code, AssertionExpired.code})


def lock_pending(
    connection: Connection, public_id: UUID, handle: str, *, is_question: bool = False
) -> PendingSignIn | None:
    """Return the sign-in that waits for the browser with this handle, held until the transaction ends.

    Those that wait for the answer to a question are told apart from those whose browser hasn't come back yet.
    """
    found = HELD.first(org=connection.org_id, connection=connection.pk, public_id=public_id, now=now())
    is_meant = found is not None and (found.replaces_id is not None) == is_question
    return found if found is not None and is_meant and credentials.matches(handle, found.handle_digest) else None


def find_question(connection: Connection, public_id: UUID, handle: str) -> PendingSignIn | None:
    """Return the sign-in about which the browser with this handle is asked."""
    asked = PendingSignIn.objects.filter(org_id=connection.org_id, connection=connection, replaces__isnull=False)
    found = asked.filter(public_id=public_id, expires_at__gt=now()).first()
    return found if found is not None and credentials.matches(handle, found.handle_digest) else None


def is_consumed(answer: VerifiedAnswer) -> bool:
    """Say whether its assertion was accepted before."""
    connection, assertion_id = answer.connection, answer.claims.assertion_id
    mine = ConsumedAssertion.objects.filter(org_id=connection.org_id, connection=connection)
    return mine.filter(assertion_id=assertion_id).exists()


def is_answered(connection: Connection, request_id: str) -> bool:
    """Say whether an answer to this request was finished."""
    return UsedRequest.objects.filter(org_id=connection.org_id, connection=connection, request_id=request_id).exists()


def find_late_answer(connection: Connection, public_id: UUID) -> LoginAttempt | None:
    """Return the attempt in which an assertion came here a second time or too late, while it is some minutes old."""
    since = now() - ANSWERED_LIFE
    return attempts.find_refusal(connection, public_id, errors=LATE_ANSWERS, since=since)


def is_of_late_answer(attempt: LoginAttempt, connection: Connection, grant: SessionGrant | None) -> bool:
    """Say whether the session with this grant was opened through this connection for whom the late assertion names."""
    if grant is None or attempt.membership_id is None:
        return False
    return grant.membership_id == attempt.membership_id and grant.connection == connection.public_id


def flow_of(claims: VerifiedIdentity, connection: Connection, flows: Sequence[Flow]) -> Flow | None:
    """Return what this browser remembers of the request that was answered."""
    if not claims.request_id:
        return None
    mine = (flow for flow in flows if flow.request_id == claims.request_id)
    return next((flow for flow in mine if flow.connection == connection.public_id), None)


def require_flow(taken: TakenAnswer, connection: Connection) -> Flow:
    """Return the flow of an answer that may be finished. Raises RequestUnknown, UnsolicitedRefused."""
    request_id = taken.answer.claims.request_id
    if not request_id:
        if not connection.allow_idp_initiated:
            raise UnsolicitedRefused
        return Flow(connection.public_id, "")
    if taken.flow is None:
        raise RequestUnknown(expected="a request of this browser", received=request_id)
    if taken.is_second:
        raise RequestUnknown(expected="the first answer to this request", received="another answer to it")
    return taken.flow


def connection_for(address: str) -> Connection | None:
    """Return the connection to which an address leads by its domain alone: whether anybody has it isn't looked at."""
    org = domains.verified_domain_org(address_domain(address))
    return connections.default_connection(org) if org is not None else None


def session_end(claims: VerifiedIdentity) -> datetime:
    """Return when the session ends: when ours would, or earlier when the IdP says so, whose clock may be behind.

    Raises AssertionExpired when it would have ended before it began (SAML Core §2.7.2).
    """
    moment, ours = now(), timedelta(seconds=settings.SESSION_COOKIE_AGE)
    if claims.session_expires_at is None:
        return moment + ours
    # left, not until: an IdP's "for ever" is the last moment that there is
    left = claims.session_expires_at - moment + DEFAULT_SKEW
    if left <= timedelta():
        raise AssertionExpired(
            expected=f"a session after {stamp(moment)}", received=apart_from(claims.session_expires_at, moment)
        )
    return moment + min(ours, left)


def waiting_test(connection: Connection, request_id: str) -> SignInTest | None:
    """Return the test whose request has this ID, which is its RelayState too, while its result is awaited."""
    digest, since = credentials.digest(request_id), now() - TEST_LIFE
    return WAITING.first(org=connection.org_id, connection=connection.pk, digest=digest, since=since)


def test_named(connection: Connection, request_id: str, relay_state: str) -> SignInTest | None:
    """Return the waiting test with this request, unless the RelayState has led to it, or to none, already."""
    return waiting_test(connection, request_id) if request_id and request_id != relay_state else None


def newest_waiting_test(connection: Connection) -> SignInTest | None:
    """Return the test that began last of those whose result is awaited."""
    return NEWEST_WAITING.first(org=connection.org_id, connection=connection.pk, since=now() - TEST_LIFE)


def open_version(connection: Connection) -> Configuration:
    """Return the version in force of a connection that is turned on. Raises ConnectionOff."""
    chosen = connections.in_force(connection)
    if not connection.is_active or chosen is None:
        raise ConnectionOff(expected="a connection that is turned on", received=connection.get_state_display())
    return chosen


def require_version(connection: Connection, number: int | None) -> Configuration:
    """Return the version in force, when it is the one that verified the response. Raises ConnectionOff, VersionChanged."""
    chosen = open_version(connection)
    if chosen.number != number:
        raise VersionChanged(expected=f"version {chosen.number}", received=f"version {number}")
    return chosen
