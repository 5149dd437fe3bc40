"""Receiving an IdP's answer: it is verified, used up, and kept until the browser comes to finish it."""

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
from sso.metadata import queries as metadata
from sso.saml import response
from sso.signin.errors import DIFFERS_BY_VERSION, AssertionReplayed
from sso.signin.models import ConsumedAssertion, PendingSignIn
from sso.signin.services.start import open_version, require_version
from sso.signin.types import PENDING_LIFE, AcsRequest, PendingHandle
from sso.signin_tests import queries as test_queries
from sso.signin_tests.services import SignInAttempt, SignInRefused

PENDING_PREFIX = "ghp_"


def receive(*, connection: Connection, acs_request: AcsRequest) -> PendingHandle:
    """Verify the response and keep it for its browser; discard an unsolicited one that isn't allowed. Raises SignInRefused."""
    attempt = SignInAttempt(connection, acs_request.caller)
    attempt.try_for(test_queries.waiting_test(connection, acs_request.relay_state))
    try:
        _verify(attempt, acs_request)
        is_wanted = connection.allow_idp_initiated and not attempt.is_test_mismatch
        if not attempt.known_claims.request_id and not is_wanted:
            _use_up(connection, attempt.known_claims)
            attempt.record(AttemptOutcome.RESTARTED, OF_MESSAGE)
            return PendingHandle()
        return _keep_for_browser(attempt)
    except AssertionReplayed as problem:
        raise _refuse_known(attempt, problem, attempt.known_claims) from problem
    except AssertionExpired as problem:
        raise _refuse_known(attempt, problem, _claims_as_of_issue(attempt, acs_request)) from problem
    except SignInError as problem:
        raise attempt.refuse(problem) from problem


def _refuse_known(attempt: SignInAttempt, problem: SignInError, claims: VerifiedIdentity | None) -> SignInRefused:
    """Return the refusal of an answer that was right once: it names somebody, who may be signed in by it."""
    refusal = attempt.refuse(problem, named_membership(attempt, claims))
    refusal.assertion_id = claims.assertion_id if claims is not None else ""
    return refusal


def _claims_as_of_issue(attempt: SignInAttempt, acs_request: AcsRequest) -> VerifiedIdentity | None:
    """Return what an answer says that came too late, unless something else is wrong with it, too."""
    try:
        chosen = require_version(attempt.connection, attempt.version)
        return response.verify_as_of_issue(acs_request.saml_response, metadata.expectation(attempt.connection, chosen))
    except SignInError:
        return None


def _verify(attempt: SignInAttempt, acs_request: AcsRequest) -> None:
    """Verify the answer by the version that is tested or in force. Raises SignInError.

    An answer without its RelayState reaches the test whose request it names, also when it is a failure that nobody has
    signed: the request's ID is as secret as the RelayState was. Whether it passes is decided in the browser, by its cookie.
    """
    if attempt.test is not None:
        _verify_by(attempt, attempt.test.configuration, acs_request)
        return
    try:
        _verify_untested(attempt, acs_request)
        test = test_queries.test_named(attempt.connection, attempt.known_claims.request_id, acs_request.relay_state)
    except SignInError as problem:
        test = test_queries.test_named(attempt.connection, problem.request_id, acs_request.relay_state)
        if test is None:
            raise
    if test is not None:
        attempt.try_for(test)
        attempt.claims, attempt.is_test_mismatch = None, False
        _verify_by(attempt, test.configuration, acs_request)


def _verify_untested(attempt: SignInAttempt, acs_request: AcsRequest) -> None:
    """Verify an answer by the version in force, or for no test by the one that is being tested. Raises SignInError."""
    try:
        _verify_by(attempt, open_version(attempt.connection), acs_request)
    except DIFFERS_BY_VERSION as problem:
        test = test_queries.newest_waiting_test(attempt.connection)
        if test is None or test.configuration.number == attempt.version:
            raise
        _verify_by_tested_version(attempt, test.configuration, acs_request, problem)


def _verify_by(attempt: SignInAttempt, chosen: Configuration, acs_request: AcsRequest) -> None:
    attempt.version = chosen.number
    expected = metadata.expectation(attempt.connection, chosen)
    attempt.claims = response.verify(acs_request.saml_response, expected, now=now())


def _verify_by_tested_version(
    attempt: SignInAttempt, tested: Configuration, acs_request: AcsRequest, problem: SignInError
) -> None:
    """Verify by the tested version. Raises the problem that the version in force has with it, when there is one."""
    in_force = attempt.version
    try:
        _verify_by(attempt, tested, acs_request)
    except SignInError:
        if in_force is None:
            raise
        attempt.version = in_force
        raise problem from None
    attempt.is_test_mismatch = True


def _keep_for_browser(attempt: SignInAttempt) -> PendingHandle:
    """Store the verified response for its browser. Raises AssertionReplayed when it was consumed before."""
    connection, claims = attempt.connection, attempt.known_claims
    handle = credentials.mint(PENDING_PREFIX)
    with transaction.atomic():
        _use_up(connection, claims)
        pending = pending_of(attempt, handle, PENDING_LIFE)
        pending.test, pending.is_test_mismatch = attempt.test, attempt.is_test_mismatch
        pending.save(force_insert=True)
    return PendingHandle(pending.public_id, handle.plain)


def pending_of(attempt: SignInAttempt, handle: credentials.MintedSecret, life: timedelta) -> PendingSignIn:
    return PendingSignIn(
        org_id=attempt.connection.org_id,
        connection=attempt.connection,
        handle_digest=handle.digest,
        version=attempt.known_version,
        claims=as_json(attempt.known_claims),
        expires_at=now() + life,
    )


def _use_up(connection: Connection, claims: VerifiedIdentity) -> None:
    """Store the assertion as consumed. Raises AssertionReplayed when it was before."""
    used = {"org_id": connection.org_id, "connection": connection, "expires_at": claims.expires_at}
    try:
        with transaction.atomic():
            ConsumedAssertion.objects.create(assertion_id=claims.assertion_id, **used)
    except IntegrityError as error:
        raise AssertionReplayed(received=claims.assertion_id) from error


def named_membership(attempt: SignInAttempt, claims: VerifiedIdentity | None = None) -> Membership | None:
    """Return whom an answer that isn't taken names, by the version in force; nobody when that didn't verify it."""
    claims = claims or attempt.claims
    if attempt.test is not None or attempt.is_test_mismatch or claims is None:
        return None
    try:
        chosen = require_version(attempt.connection, attempt.version)
        profile = read_profile(claims, admission_queries.attribute_names(attempt.connection, chosen))
    except SignInError:
        return None
    return admission_queries.membership_named(attempt.connection, claims, profile.email)
