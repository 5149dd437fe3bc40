"""Finishing an answer in the browser that asked for it: a session, a question, or the result of a test."""

from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction

from orgs.base.clock import now
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy.types import Visitor
from sso.attempts import services as attempts
from sso.attempts.types import KEPT_FOR as ATTEMPTS_KEPT_FOR
from sso.connections.errors import ConnectionUnknown
from sso.connections.models import Connection
from sso.identity.errors import SignInError
from sso.identity.types import from_json
from sso.signin import queries
from sso.signin.errors import RequestUnknown, SignInUnfinished, VersionChanged
from sso.signin.models import ConsumedAssertion, PendingSignIn, UsedRequest
from sso.signin.services.enter import Finished, sign_in
from sso.signin.services.receive import named_membership
from sso.signin.services.start import open_version
from sso.signin.types import FLOW_LIFE, AlreadySignedIn, FinishRequest, Taken
from sso.signin_tests import queries as test_queries
from sso.signin_tests import services as tests
from sso.signin_tests.services import SignInAttempt


def complete(*, connection: Connection, finish_request: FinishRequest) -> Finished:
    """Finish a sign-in or a test, or ask before somebody else's session is replaced; None means: start afresh.

    Raises SignInRefused, ConnectionUnknown.
    """
    attempt = SignInAttempt(connection, finish_request.caller)
    try:
        return _complete(attempt, finish_request)
    except RequestUnknown as problem:
        if _is_signed_in_already(attempt, finish_request.visitor):
            return AlreadySignedIn(connection.org.slug)
        raise attempt.refuse(problem) from problem
    except SignInError as problem:
        raise attempt.refuse(problem) from problem


def _complete(attempt: SignInAttempt, finish_request: FinishRequest) -> Finished:
    connection = attempt.connection
    taken = _take(connection, finish_request)
    pending = taken.pending
    attempt.try_for(pending.test)
    attempt.claims, attempt.version, attempt.is_test_mismatch = taken.claims, pending.version, pending.is_test_mismatch
    flow = queries.require_flow(taken, connection)
    if pending.test is not None:
        if flow.test != pending.test.public_id:
            raise RequestUnknown(expected="the request of this test", received=taken.claims.request_id)
        return tests.finish_test(attempt=attempt, test=pending.test)
    if flow.test is not None:
        attempt.try_for(test_queries.awaited_test(connection, flow.test))
        raise RequestUnknown(expected="an answer while this test waits", received="one that came too late")
    if pending.is_test_mismatch:
        chosen = open_version(connection)
        raise VersionChanged(expected=f"version {chosen.number}", received=f"version {pending.version}, in a test")
    return sign_in(attempt, flow, finish_request.visitor)


def _take(connection: Connection, finish_request: FinishRequest) -> Taken:
    """Delete the sign-in that waited, and use up the request that it answers. Raises SignInUnfinished, ConnectionUnknown.

    A request of another browser isn't used up: that browser may still get its answer.
    """
    try:
        return _take_first(connection, finish_request)
    except IntegrityError as error:
        # there is no savepoint: all of it was rolled back, and a second answer must not be finished again
        with transaction.atomic():
            taken = _take_pending(connection, finish_request)
        if taken.flow is None or not queries.is_answered(connection, taken.flow.request_id):
            raise ConnectionUnknown from error
        return replace(taken, is_second=True)


@transaction.atomic
def _take_first(connection: Connection, finish_request: FinishRequest) -> Taken:
    """Store that the request was answered, whatever comes of it, for as long as a browser can remember having made it."""
    taken = _take_pending(connection, finish_request)
    if taken.flow is not None:
        expires_at = now() + FLOW_LIFE
        used = {"org_id": connection.org_id, "connection": connection, "expires_at": expires_at}
        UsedRequest.objects.create(request_id=taken.flow.request_id, **used)
    return taken


def _take_pending(connection: Connection, finish_request: FinishRequest) -> Taken:
    """Delete the sign-in that waited, inside the caller's transaction. Raises SignInUnfinished."""
    pending = queries.lock_pending(connection, finish_request.pending, finish_request.handle)
    if pending is None:
        raise SignInUnfinished
    pending.delete()
    claims = from_json(pending.claims)
    return Taken(pending, claims, queries.flow_of(claims, connection, finish_request.flows))


def _is_signed_in_already(attempt: SignInAttempt, visitor: Visitor) -> bool:
    """Say whether the person of an answer that isn't taken is the one who is signed in here, in this organization."""
    if visitor.session_grant_id is None:
        return False
    membership = named_membership(attempt)
    return (
        membership is not None
        and membership.user_id == visitor.user_id
        and tenancy_queries.has_session_grant(membership, visitor.session_grant_id)
    )


def delete_finished(*, moment: datetime) -> None:
    """Delete what can't be accepted or finished any more, and old tests and attempts."""
    ConsumedAssertion.objects.filter(expires_at__lt=moment).delete()
    UsedRequest.objects.filter(expires_at__lt=moment).delete()
    PendingSignIn.objects.filter(expires_at__lt=moment).delete()
    tests.delete_old_tests(moment=moment)
    attempts.delete_old_attempts(before=moment - ATTEMPTS_KEPT_FOR)
