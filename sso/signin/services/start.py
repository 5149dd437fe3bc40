"""Starting a sign-in: the request that leaves, and the version by which it is made."""

from orgs.base.clock import now
from sso.attempts.types import ClientInfo
from sso.connections.models import Connection
from sso.identity.errors import SignInError
from sso.signin import queries
from sso.signin.errors import SignInRefused
from sso.signin.services.record import refuse
from sso.signin.types import Flow, SignInFacts, SignInProtocol, StartedSignIn
from sso.signin_tests import services as tests
from sso.signin_tests.models import SignInTest


def begin(
    *,
    connection: Connection,
    protocol: SignInProtocol,
    return_to: str,
    test: SignInTest | None = None,
    is_again: bool = False,
) -> StartedSignIn:
    """Build a request to the IdP and what the browser must remember of it. Raises ConnectionOff.

    Nothing is stored, but by a test that waits: it remembers the digest of its request's ID.
    """
    chosen = test.configuration if test is not None else queries.open_version(connection)
    request = protocol.make_request(connection, chosen, now())
    if test is not None:
        tests.remember_request(test=test, request_id=request.request_id)
    flow = Flow(connection.public_id, request.request_id, return_to, test.public_id if test else None, is_again)
    return StartedSignIn(request, flow, chosen.provider)


def refuse_start(
    *, connection: Connection, caller: ClientInfo, problem: SignInError, test: SignInTest | None = None
) -> SignInRefused:
    """Return the refusal to send anybody to the IdP; it is in the log, and the result of the test."""
    version = test.configuration.number if test is not None else None
    return refuse(SignInFacts(connection, caller, version, test=test), problem)
