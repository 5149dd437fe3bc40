"""Starting a sign-in: the request that leaves, and the version by which it is made."""

from orgs.base.clock import now
from sso.attempts.types import ClientInfo
from sso.connections import queries as connections
from sso.connections.models import Configuration, Connection
from sso.identity.errors import SignInError
from sso.metadata import queries as metadata
from sso.saml.request import make_request
from sso.signin.errors import ConnectionOff, VersionChanged
from sso.signin.types import Flow, StartedSignIn
from sso.signin_tests import services as tests
from sso.signin_tests.models import SignInTest
from sso.signin_tests.services import SignInAttempt, SignInRefused


def begin(
    *, connection: Connection, return_to: str, test: SignInTest | None = None, is_again: bool = False
) -> StartedSignIn:
    """Build an AuthnRequest and what the browser must remember of it. Raises ConnectionOff.

    Nothing is stored, but by a test that waits: it remembers the digest of its request's ID.
    """
    chosen = test.configuration if test is not None else open_version(connection)
    request = make_request(
        metadata.service_provider(connection, chosen),
        connections.preferred_endpoint(chosen),
        connections.signing_key(connection),
        now=now(),
    )
    if test is not None:
        tests.remember_request(test=test, request_id=request.request_id)
    flow = Flow(connection.public_id, request.request_id, return_to, test.public_id if test else None, is_again)
    return StartedSignIn(request, flow, chosen.provider)


def open_version(connection: Connection) -> Configuration:
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


def refuse_start(
    *, connection: Connection, caller: ClientInfo, problem: SignInError, test: SignInTest | None = None
) -> SignInRefused:
    """Return the refusal to send anybody to the IdP; it is in the log, and the result of the test."""
    attempt = SignInAttempt(connection, caller)
    attempt.try_for(test)
    return attempt.refuse(problem)
