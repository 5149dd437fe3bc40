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
from sso.signin.services.record import refuse, refusing
from sso.signin.services.testing import finish_test
from sso.signin.types import (
    FLOW_LIFE,
    AlreadySignedIn,
    FinishRequest,
    Flow,
    SignInFacts,
    TakenAnswer,
    VerifiedAnswer,
)
from sso.signin_tests import queries as test_queries
from sso.signin_tests import services as tests


def complete(*, connection: Connection, finish_request: FinishRequest) -> Finished:
    """Finish a sign-in or a test, or ask before somebody else's session is replaced; None means: start afresh.

    Raises SignInRefused, ConnectionUnknown.
    """
    with refusing(SignInFacts(connection, finish_request.caller)):
        taken = _take(connection, finish_request)
    answer = _with_test_of_request(taken)
    try:
        flow = queries.require_flow(taken, connection)
        _require_test(taken.answer, flow)
    except SignInError as problem:
        if isinstance(problem, RequestUnknown) and _is_signed_in_already(answer, finish_request.visitor):
            return AlreadySignedIn(connection.org.slug)
        raise refuse(answer.facts, problem) from problem
    if answer.test is not None:
        return finish_test(answer, answer.test)
    if answer.is_test_mismatch:
        _refuse_mismatch(answer)
    return sign_in(answer, flow, finish_request.visitor)


def _with_test_of_request(taken: TakenAnswer) -> VerifiedAnswer:
    """Return the answer with the test that its request was made for, also where that wasn't known when it came."""
    answer, flow = taken.answer, taken.flow
    if answer.test is not None or flow is None or flow.test is None or taken.is_second:
        return answer
    test = test_queries.awaited_test(answer.connection, flow.test)
    return answer if test is None else replace(answer, test=test, version=test.configuration.number)


def _require_test(answer: VerifiedAnswer, flow: Flow) -> None:
    """Check that the answer was verified for the test that this browser began, or for none. Raises RequestUnknown."""
    if answer.test is not None and flow.test != answer.test.public_id:
        raise RequestUnknown(expected="the request of this test", received=answer.claims.request_id)
    if answer.test is None and flow.test is not None:
        raise RequestUnknown(expected="an answer while this test waits", received="one that came too late")


def _refuse_mismatch(answer: VerifiedAnswer) -> None:
    """Raises SignInRefused: the version that verified the answer is only being tested."""
    with refusing(answer.facts):
        chosen = queries.open_version(answer.connection)
        raise VersionChanged(expected=f"version {chosen.number}", received=f"version {answer.version}, in a test")


def _take(connection: Connection, finish_request: FinishRequest) -> TakenAnswer:
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
def _take_first(connection: Connection, finish_request: FinishRequest) -> TakenAnswer:
    """Store that the request was answered, whatever comes of it, for as long as a browser can remember having made it."""
    taken = _take_pending(connection, finish_request)
    if taken.flow is not None:
        expires_at = now() + FLOW_LIFE
        used = {"org_id": connection.org_id, "connection": connection, "expires_at": expires_at}
        UsedRequest.objects.create(request_id=taken.flow.request_id, **used)
    return taken


def _take_pending(connection: Connection, finish_request: FinishRequest) -> TakenAnswer:
    """Delete the sign-in that waited, inside the caller's transaction. Raises SignInUnfinished."""
    pending = queries.lock_pending(connection, finish_request.pending, finish_request.handle)
    if pending is None:
        raise SignInUnfinished
    pending.delete()
    claims, caller = from_json(pending.claims), finish_request.caller
    answer = VerifiedAnswer(connection, caller, pending.version, claims, pending.test, pending.is_test_mismatch)
    return TakenAnswer(answer, queries.flow_of(claims, connection, finish_request.flows))


def _is_signed_in_already(answer: VerifiedAnswer, visitor: Visitor) -> bool:
    """Say whether the person of an answer that isn't taken is the one who is signed in here, in this organization."""
    if visitor.session_grant_id is None:
        return False
    membership = named_membership(answer)
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
