"""Receiving an IdP's answer: it is verified, used up, and kept until the browser comes to finish it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction

from orgs.base import credentials
from orgs.base.clock import now
from orgs.tenancy.models import Membership
from sso.admission import queries as admission_queries
from sso.attempts.types import OF_MESSAGE, AttemptOutcome
from sso.connections.models import Configuration, Connection
from sso.identity.errors import AssertionExpired, SignInError
from sso.identity.profile import read_profile
from sso.identity.types import VerifiedIdentity, as_json
from sso.signin import queries
from sso.signin.errors import AssertionReplayed, ConnectionOff, SignInRefused
from sso.signin.models import ConsumedAssertion, PendingSignIn
from sso.signin.services.record import record, refuse
from sso.signin.types import PENDING_LIFE, AnswerRequest, PendingHandle, SignInFacts, SignInProtocol, VerifiedAnswer
from sso.signin_tests.models import SignInTest

PENDING_PREFIX = "ghp_"


@dataclass(frozen=True, slots=True)
class Received:
    """An answer at one connection, to be verified by its protocol."""

    connection: Connection
    protocol: SignInProtocol
    answer: AnswerRequest


@dataclass(frozen=True, slots=True)
class FailedAnswer:
    """Why an answer isn't taken, and by which version."""

    problem: SignInError
    version: int | None
    test: SignInTest | None = None

    @property
    def request_id(self) -> str:
        """Which request it says it answers: a claim."""
        return self.problem.request_id


def receive(*, connection: Connection, protocol: SignInProtocol, answer: AnswerRequest) -> PendingHandle:
    """Verify the answer and keep it for its browser; discard an unsolicited one that isn't allowed. Raises SignInRefused."""
    received = Received(connection, protocol, answer)
    found = _verify(received)
    if isinstance(found, FailedAnswer):
        raise _refuse_failed(received, found) from found.problem
    try:
        is_wanted = connection.allow_idp_initiated and not found.is_test_mismatch
        if not found.claims.request_id and not is_wanted:
            with _once(found), transaction.atomic():
                _use_up(found)
            record(found.facts, AttemptOutcome.RESTARTED, OF_MESSAGE)
            return PendingHandle()
        return _keep_for_browser(found)
    except AssertionReplayed as problem:
        raise refuse(found.facts, problem, named_membership(found), found.claims.assertion_id) from problem


def _refuse_failed(received: Received, failed: FailedAnswer) -> SignInRefused:
    """Return the refusal of an answer. One that was right but came too late names somebody, who may be signed in by it."""
    facts = SignInFacts(received.connection, received.answer.caller, failed.version, test=failed.test)
    late = _verify_late(received, failed) if isinstance(failed.problem, AssertionExpired) else None
    if late is None:
        return refuse(facts, failed.problem)
    return refuse(facts, failed.problem, named_membership(late), late.claims.assertion_id)


def _verify_late(received: Received, failed: FailedAnswer) -> VerifiedAnswer | None:
    """Return what an answer says that came too late, unless something else is wrong with it, too."""
    connection, answer = received.connection, received.answer
    try:
        chosen = queries.require_version(connection, failed.version)
        claims = received.protocol.verify_as_of_issue(answer.message, connection, chosen)
    except SignInError:
        return None
    return VerifiedAnswer(connection, answer.caller, chosen.number, claims, failed.test)


def _verify(received: Received) -> VerifiedAnswer | FailedAnswer:
    """Verify the answer by the version that is tested or in force.

    An answer without its state reaches the test whose request it names, also when it is a failure that nobody has signed:
    the request's ID is as secret as the state was. Whether it passes is decided in the browser, by its cookie.
    """
    connection, state = received.connection, received.answer.state
    test = queries.waiting_test(connection, state)
    if test is None:
        found = _verify_untested(received)
        request_id = found.request_id if isinstance(found, FailedAnswer) else found.claims.request_id
        test = queries.test_named(connection, request_id, state)
        if test is None:
            return found
    return _verify_by(received, test.configuration, test)


def _verify_untested(received: Received) -> VerifiedAnswer | FailedAnswer:
    """Verify an answer by the version in force, or for no test by the one that is being tested."""
    try:
        found = _verify_by(received, queries.open_version(received.connection))
    except ConnectionOff as problem:
        found = FailedAnswer(problem, None)
    if isinstance(found, VerifiedAnswer) or not _differs_by_version(received, found.problem):
        return found
    test = queries.newest_waiting_test(received.connection)
    if test is None or test.configuration.number == found.version:
        return found
    tested = _verify_by(received, test.configuration, is_test_mismatch=True)
    # the problem that the version in force has with it counts, when there is one
    return found if isinstance(tested, FailedAnswer) and found.version is not None else tested


def _differs_by_version(received: Received, problem: SignInError) -> bool:
    return isinstance(problem, (ConnectionOff, *received.protocol.differs_by_version))


def _verify_by(
    received: Received, chosen: Configuration, test: SignInTest | None = None, *, is_test_mismatch: bool = False
) -> VerifiedAnswer | FailedAnswer:
    connection, answer = received.connection, received.answer
    try:
        claims = received.protocol.verify(answer.message, connection, chosen, now())
    except SignInError as problem:
        return FailedAnswer(problem, chosen.number, test)
    return VerifiedAnswer(connection, answer.caller, chosen.number, claims, test, is_test_mismatch)


def _keep_for_browser(answer: VerifiedAnswer) -> PendingHandle:
    """Store the verified answer for its browser. Raises AssertionReplayed when it was consumed before."""
    handle = credentials.mint(PENDING_PREFIX)
    pending = pending_of(answer, handle, PENDING_LIFE)
    pending.test, pending.is_test_mismatch = answer.test, answer.is_test_mismatch
    with _once(answer), transaction.atomic():
        _use_up(answer)
        pending.save(force_insert=True)
    return PendingHandle(pending.public_id, handle.plain)


def pending_of(answer: VerifiedAnswer, handle: credentials.MintedSecret, life: timedelta) -> PendingSignIn:
    return PendingSignIn(
        org_id=answer.connection.org_id,
        connection=answer.connection,
        handle_digest=handle.digest,
        version=answer.version,
        claims=as_json(answer.claims),
        expires_at=now() + life,
    )


@contextmanager
def _once(answer: VerifiedAnswer) -> Iterator[None]:
    """Raises AssertionReplayed where the block, outside of any transaction, was refused because it was done before."""
    try:
        yield
    except IntegrityError as error:
        if not queries.is_consumed(answer):
            raise
        raise AssertionReplayed(received=answer.claims.assertion_id) from error


def _use_up(answer: VerifiedAnswer) -> None:
    """Store the assertion as consumed; inside `_once`."""
    connection, claims = answer.connection, answer.claims
    used = {"org_id": connection.org_id, "connection": connection, "expires_at": claims.expires_at}
    ConsumedAssertion.objects.create(assertion_id=claims.assertion_id, **used)


def named_membership(answer: VerifiedAnswer) -> Membership | None:
    """Return whom an answer that isn't taken names, by the version in force; nobody when that didn't verify it."""
    if answer.test is not None or answer.is_test_mismatch:
        return None
    claims: VerifiedIdentity = answer.claims
    try:
        chosen = queries.require_version(answer.connection, answer.version)
        profile = read_profile(claims, admission_queries.attribute_names(answer.connection, chosen))
    except SignInError:
        return None
    return admission_queries.membership_named(answer.connection, claims, profile.email)
