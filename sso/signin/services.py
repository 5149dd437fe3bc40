"""From a button to a session: requests leave, responses arrive, browsers come back. Every end is in the log."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import IntegrityError, transaction

from orgs.base import credentials
from orgs.base.clock import now
from orgs.people import services as people
from orgs.people.errors import MembershipExists, MembershipUnknown
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressInvalid, LastOwner
from orgs.tenancy.models import Membership
from orgs.tenancy.types import IdpSession, SignInMethod, Visitor
from sso.admission import queries as admission_queries
from sso.admission import services as admission
from sso.admission.errors import NotAMember
from sso.admission.types import Subject
from sso.attempts import services as attempts
from sso.attempts.types import KEPT_FOR as ATTEMPTS_KEPT_FOR
from sso.attempts.types import OF_MESSAGE, OF_OTHER_PERSON, OF_QUESTION, AttemptOutcome, ClientInfo
from sso.connections import queries as connections
from sso.connections import services as connection_services
from sso.connections.errors import ConnectionUnknown
from sso.connections.models import Configuration, Connection
from sso.saml import response
from sso.saml.claims import as_json, from_json
from sso.saml.errors import EmailInvalid, SamlError
from sso.saml.profile import read_profile
from sso.saml.request import make_request
from sso.saml.types import Claims, SignInCheck
from sso.signin import queries
from sso.signin.errors import (
    DIFFERS_BY_VERSION,
    AssertionReplayed,
    ConnectionOff,
    RequestUnknown,
    SignInUnfinished,
    VersionChanged,
)
from sso.signin.models import ConsumedAssertion, PendingSignIn, UsedRequest
from sso.signin.types import (
    FLOW_LIFE,
    PENDING_LIFE,
    QUESTION_LIFE,
    AcsRequest,
    AlreadySignedIn,
    Flow,
    PendingHandle,
    Question,
    Return,
    SignedIn,
    StartedSignIn,
    Taken,
)
from sso.signin_tests import queries as test_queries
from sso.signin_tests import services as tests
from sso.signin_tests.models import SignInTest
from sso.signin_tests.services import Attempt, SignInRefused

PENDING_PREFIX = "ghp_"
Finished = SignedIn | SignInTest | Question | AlreadySignedIn | None


class ReplacesSession(Exception):
    """The sign-in would replace the session of somebody who hasn't agreed to that."""


def begin(
    *, connection: Connection, return_to: str, test: SignInTest | None = None, is_again: bool = False
) -> StartedSignIn:
    """A request is ready to leave, with what the browser must remember of it. Raises ConnectionOff.

    Nothing is stored, but by a test that waits: it remembers the digest of its request's ID.
    """
    chosen = test.configuration if test is not None else _open_version(connection)
    request = make_request(
        connections.service_provider(connection, chosen),
        connections.preferred_endpoint(chosen),
        connections.signing_key(connection),
        now=now(),
    )
    if test is not None:
        tests.remember_request(test=test, request_id=request.request_id)
    flow = Flow(connection.public_id, request.request_id, return_to, test.public_id if test else None, is_again)
    return StartedSignIn(request, flow, chosen.provider)


def _open_version(connection: Connection) -> Configuration:
    chosen = connections.in_force(connection)
    if not connection.is_active or chosen is None:
        raise ConnectionOff(expected="a connection that is turned on", received=connection.get_state_display())
    return chosen


def receive(*, connection: Connection, acs_request: AcsRequest) -> PendingHandle:
    """Verify the response and keep it for its browser; discard an unsolicited one that isn't allowed. Raises SignInRefused."""
    attempt = Attempt(connection, acs_request.caller)
    attempt.try_for(test_queries.waiting_test(connection, acs_request.relay_state))
    try:
        _verify(attempt, acs_request)
        is_wanted = connection.allow_idp_initiated and not attempt.is_test_mismatch
        if not attempt.known_claims.in_response_to and not is_wanted:
            _use_up(connection, attempt.known_claims)
            attempt.record(AttemptOutcome.RESTARTED, OF_MESSAGE)
            return PendingHandle()
        return _keep_for_browser(attempt)
    except AssertionReplayed as problem:
        raise attempt.refuse(problem, _named_membership(attempt)) from problem
    except SamlError as problem:
        raise attempt.refuse(problem) from problem


def _verify(attempt: Attempt, acs_request: AcsRequest) -> None:
    """Verify the answer by the version that is tested or in force. Raises SamlError.

    An answer without its RelayState reaches the test whose request it names, also when it is a failure that nobody has
    signed: the request's ID is as secret as the RelayState was. Whether it passes is decided in the browser, by its cookie.
    """
    if attempt.test is not None:
        _verify_by(attempt, attempt.test.configuration, acs_request)
        return
    try:
        _verify_untested(attempt, acs_request)
        test = test_queries.test_named(attempt.connection, attempt.known_claims.in_response_to, acs_request.relay_state)
    except SamlError as problem:
        test = test_queries.test_named(attempt.connection, problem.in_response_to, acs_request.relay_state)
        if test is None:
            raise
    if test is not None:
        attempt.try_for(test)
        attempt.claims, attempt.is_test_mismatch = None, False
        _verify_by(attempt, test.configuration, acs_request)


def _verify_untested(attempt: Attempt, acs_request: AcsRequest) -> None:
    """Verify an answer by the version in force, or for no test by the one that is being tested. Raises SamlError."""
    try:
        _verify_by(attempt, _open_version(attempt.connection), acs_request)
    except DIFFERS_BY_VERSION as problem:
        test = test_queries.newest_waiting_test(attempt.connection)
        if test is None or test.configuration.number == attempt.version:
            raise
        _verify_by_tested_version(attempt, test.configuration, acs_request, problem)


def _verify_by(attempt: Attempt, chosen: Configuration, acs_request: AcsRequest) -> None:
    attempt.version = chosen.number
    expected = connections.expectation(attempt.connection, chosen)
    attempt.claims = response.verify(acs_request.saml_response, expected, now=now())


def _verify_by_tested_version(
    attempt: Attempt, tested: Configuration, acs_request: AcsRequest, problem: SamlError
) -> None:
    """Raises the problem that the version in force has with it, when there is one."""
    in_force = attempt.version
    try:
        _verify_by(attempt, tested, acs_request)
    except SamlError:
        if in_force is None:
            raise
        attempt.version = in_force
        raise problem from None
    attempt.is_test_mismatch = True


def _keep_for_browser(attempt: Attempt) -> PendingHandle:
    """Raises AssertionReplayed: of two that arrive together one is kept."""
    connection, claims = attempt.connection, attempt.known_claims
    handle = credentials.mint(PENDING_PREFIX)
    with transaction.atomic():
        _use_up(connection, claims)
        pending = _pending_of(attempt, handle, PENDING_LIFE)
        pending.test, pending.is_test_mismatch = attempt.test, attempt.is_test_mismatch
        pending.save(force_insert=True)
    return PendingHandle(pending.public_id, handle.plain)


def _pending_of(attempt: Attempt, handle: credentials.MintedSecret, life: timedelta) -> PendingSignIn:
    return PendingSignIn(
        org_id=attempt.connection.org_id,
        connection=attempt.connection,
        handle_digest=handle.digest,
        version=attempt.known_version,
        claims=as_json(attempt.known_claims),
        expires_at=now() + life,
    )


def _use_up(connection: Connection, claims: Claims) -> None:
    """This assertion is never taken again. Raises AssertionReplayed."""
    used = {"org_id": connection.org_id, "connection": connection, "expires_at": claims.expires_at}
    try:
        with transaction.atomic():
            ConsumedAssertion.objects.create(assertion_id=claims.assertion_id, **used)
    except IntegrityError as error:
        raise AssertionReplayed(received=claims.assertion_id) from error


def complete(*, connection: Connection, back: Return) -> Finished:
    """Finish a sign-in or a test, or ask before somebody else's session is replaced; None means: start afresh.

    Raises SignInRefused, ConnectionUnknown.
    """
    attempt = Attempt(connection, back.caller)
    try:
        return _complete(attempt, back)
    except RequestUnknown as problem:
        if _is_signed_in_already(attempt, back.visitor):
            return AlreadySignedIn(connection.org.slug)
        raise attempt.refuse(problem) from problem
    except SamlError as problem:
        raise attempt.refuse(problem) from problem


def _complete(attempt: Attempt, back: Return) -> Finished:
    connection = attempt.connection
    taken = _take(connection, back)
    pending = taken.pending
    attempt.try_for(pending.test)
    attempt.claims, attempt.version, attempt.is_test_mismatch = taken.claims, pending.version, pending.is_test_mismatch
    flow = queries.require_flow(taken, connection)
    if pending.test is not None:
        if flow.test != pending.test.public_id:
            raise RequestUnknown(expected="the request of this test", received=taken.claims.in_response_to)
        return tests.finish_test(attempt=attempt, test=pending.test)
    if flow.test is not None:
        attempt.try_for(test_queries.awaited_test(connection, flow.test))
        raise RequestUnknown(expected="an answer while this test waits", received="one that came too late")
    if pending.is_test_mismatch:
        chosen = _open_version(connection)
        raise VersionChanged(expected=f"version {chosen.number}", received=f"version {pending.version}, in a test")
    return _sign_in(attempt, flow, back.visitor)


def _take(connection: Connection, back: Return) -> Taken:
    """Delete the sign-in that waited, and use up the request that it answers. Raises SignInUnfinished, ConnectionUnknown.

    A request of another browser isn't used up: that browser may still get its answer.
    """
    try:
        return _take_first(connection, back)
    except IntegrityError as error:
        # there is no savepoint: all of it was rolled back, and a second answer must not be finished again
        with transaction.atomic():
            taken = _take_pending(connection, back)
        if taken.flow is None or not queries.is_answered(connection, taken.flow.request_id):
            raise ConnectionUnknown from error
        return replace(taken, is_second=True)


@transaction.atomic
def _take_first(connection: Connection, back: Return) -> Taken:
    """Store that the request was answered, whatever comes of it, for as long as a browser can remember having made it."""
    taken = _take_pending(connection, back)
    if taken.flow is not None:
        expires_at = now() + FLOW_LIFE
        used = {"org_id": connection.org_id, "connection": connection, "expires_at": expires_at}
        UsedRequest.objects.create(request_id=taken.flow.request_id, **used)
    return taken


def _take_pending(connection: Connection, back: Return) -> Taken:
    """Delete the sign-in that waited, inside the caller's transaction. Raises SignInUnfinished."""
    pending = queries.lock_pending(connection, back.pending, back.handle)
    if pending is None:
        raise SignInUnfinished
    pending.delete()
    claims = from_json(pending.claims)
    return Taken(pending, claims, queries.flow_of(claims, connection, back.flows))


def _is_signed_in_already(attempt: Attempt, visitor: Visitor) -> bool:
    """Say whether the person of an answer that isn't taken is the one who is signed in here, in this organization."""
    if visitor.session_grant_id is None:
        return False
    membership = _named_membership(attempt)
    return (
        membership is not None
        and membership.user_id == visitor.user_id
        and tenancy_queries.has_session_grant(membership, visitor.session_grant_id)
    )


def _named_membership(attempt: Attempt) -> Membership | None:
    """Return whom an answer that isn't taken names, by the version in force; nobody when that didn't verify it."""
    if attempt.test is not None or attempt.is_test_mismatch or attempt.claims is None:
        return None
    try:
        chosen = _require_version(attempt.connection, attempt.version)
        profile = read_profile(attempt.claims, admission_queries.attribute_names(attempt.connection, chosen))
    except SamlError:
        return None
    return admission_queries.membership_named(attempt.connection, attempt.claims, profile.email)


def confirm_sign_in(*, connection: Connection, back: Return) -> Finished:
    """Sign in the person of the question, or ask again when another one came. Raises SignInRefused, ConnectionUnknown."""
    attempt = Attempt(connection, back.caller)
    try:
        pending = _take_question(connection, back)
        attempt.claims, attempt.version = from_json(pending.claims), pending.version
        flow = Flow(connection.public_id, attempt.claims.in_response_to, pending.return_to)
        # whoever was signed in here has agreed: from here on nobody is signed in in this browser
        has_agreed = back.visitor.user_id == pending.replaces_id
        return _sign_in(attempt, flow, Visitor() if has_agreed else back.visitor)
    except SamlError as problem:
        raise attempt.refuse(problem) from problem


def decline_sign_in(*, connection: Connection, back: Return) -> None:
    """Delete the sign-in about which was asked; the session in this browser stays as it is."""
    with suppress(SignInUnfinished):
        _take_question(connection, back)


@transaction.atomic
def _take_question(connection: Connection, back: Return) -> PendingSignIn:
    """Delete the sign-in about which was asked; it is this call's alone. Raises SignInUnfinished."""
    pending = queries.lock_pending(connection, back.pending, back.handle, is_question=True)
    if pending is None:
        raise SignInUnfinished
    pending.delete()
    return pending


def _sign_in(attempt: Attempt, flow: Flow, visitor: Visitor) -> SignedIn | Question | None:
    connection, claims = attempt.connection, attempt.known_claims
    chosen = _require_version(connection, attempt.version)
    profile = read_profile(claims, admission_queries.attribute_names(connection, chosen))
    attempt.email = profile.email
    subject = Subject(connection, claims, profile, attempt.actor)
    found = admission_queries.membership_to_enter(connection, claims, profile.email)
    if visitor.user_id is not None and admission_queries.is_somebody_else(subject, found, visitor.user_id):
        return _ask_before_replacing(attempt, flow, visitor)
    try:
        attempt.membership = admission.admit(subject=subject, found=found)
        return _enter(attempt, subject, visitor, flow)
    except ReplacesSession:
        return _ask_before_replacing(attempt, flow, visitor)
    except (AddressInvalid, LastOwner, MembershipExists) as error:
        raise EmailInvalid(expected="an address that nobody else has here", received=profile.email) from error
    except MembershipUnknown as error:
        raise NotAMember(expected="a membership", received="one that was removed meanwhile") from error


def _ask_before_replacing(attempt: Attempt, flow: Flow, visitor: Visitor) -> Question | None:
    """Leave the session in this browser as it is, and ask whether to replace it.

    An answer that nobody asked for may have been planted here: it is dropped, and the IdP is asked who this is.
    """
    if not attempt.known_claims.in_response_to:
        attempt.record(AttemptOutcome.RESTARTED, OF_OTHER_PERSON)
        return None
    handle = credentials.mint(PENDING_PREFIX)
    with transaction.atomic():
        pending = _pending_of(attempt, handle, QUESTION_LIFE)
        pending.replaces_id, pending.email, pending.return_to = visitor.user_id, attempt.email, flow.return_to
        pending.save(force_insert=True)
        attempt.record(AttemptOutcome.ASKED, OF_QUESTION)
    return Question(pending.public_id, handle.plain, flow.request_id)


def _require_version(connection: Connection, number: int | None) -> Configuration:
    """Return the version in force, when it is the one that verified the response. Raises ConnectionOff, VersionChanged."""
    chosen = _open_version(connection)
    if chosen.number != number:
        raise VersionChanged(expected=f"version {chosen.number}", received=f"version {number}")
    return chosen


@transaction.atomic
def _enter(attempt: Attempt, subject: Subject, visitor: Visitor, flow: Flow) -> SignedIn:
    """Connection and membership are held while they are looked at again.

    So no session is granted through what is turned off meanwhile, or to whom is suspended. Raises ConnectionOff and
    VersionChanged besides, and ReplacesSession when the membership has become another person's since it was looked at.
    """
    connection, claims = attempt.connection, attempt.known_claims
    _require_version(connection_services.lock_connection(connection), attempt.version)
    membership = admission.confirm(membership=attempt.known_membership, subject=subject)
    user = admission_queries.require_person(membership)
    if visitor.user_id not in {None, user.pk}:
        raise ReplacesSession
    session_grant_id = (
        visitor.session_grant_id if visitor.session_grant_id is not None and visitor.user_id == user.pk else uuid4()
    )
    idp = IdpSession(connection.public_id, claims.session_index, claims.certificates)
    ends = queries.session_end(claims)
    tenancy.grant_session(
        membership=membership, session=session_grant_id, method=SignInMethod.SAML, expires_at=ends, idp=idp
    )
    people.record_membership_sign_in(membership=membership)
    attempt.record(AttemptOutcome.SIGNED_IN, tuple(SignInCheck))
    return SignedIn(user, membership, session_grant_id, flow.return_to, flow.request_id, claims.assertion_id)


def refuse_start(
    *, connection: Connection, caller: ClientInfo, problem: SamlError, test: SignInTest | None = None
) -> SignInRefused:
    """Return the refusal to send anybody to the IdP; it is in the log, and the result of the test."""
    attempt = Attempt(connection, caller)
    attempt.try_for(test)
    return attempt.refuse(problem)


def delete_finished(*, moment: datetime) -> None:
    """What can't be accepted or finished any more is gone, and so are old tests and attempts."""
    ConsumedAssertion.objects.filter(expires_at__lt=moment).delete()
    UsedRequest.objects.filter(expires_at__lt=moment).delete()
    PendingSignIn.objects.filter(expires_at__lt=moment).delete()
    tests.delete_old_tests(moment=moment)
    attempts.delete_old_attempts(before=moment - ATTEMPTS_KEPT_FOR)
