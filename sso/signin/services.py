"""From a button to a session: requests leave, responses arrive, browsers come back. Every end is in the log."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from django.db import IntegrityError, transaction

from orgs.base import credentials
from orgs.base.clock import now
from orgs.people import services as people
from orgs.people.errors import MembershipUnknown, SeatTaken
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressInvalid
from orgs.tenancy.types import IdpSession, SignInMethod, Visitor
from sso.admission import queries as admission_queries
from sso.admission import services as admission
from sso.admission.errors import NotAMember
from sso.admission.types import Subject
from sso.attempts import services as attempts
from sso.attempts.types import KEPT_FOR as ATTEMPTS_KEPT_FOR
from sso.attempts.types import OF_MESSAGE, OF_OTHER_PERSON, Caller, Outcome
from sso.connections import queries as connections
from sso.connections import services as connection_services
from sso.connections.models import Configuration, Connection
from sso.saml import response
from sso.saml.claims import as_json, from_json
from sso.saml.errors import EmailInvalid, SamlError
from sso.saml.profile import read_profile
from sso.saml.relay_state import new_key
from sso.saml.request import make_request
from sso.saml.types import Check, Claims
from sso.signin import queries
from sso.signin.errors import (
    DIFFERS_BY_VERSION,
    AssertionReplayed,
    ConnectionOff,
    RequestUnknown,
    SignInUnfinished,
    UnsolicitedRefused,
    VersionChanged,
)
from sso.signin.models import ConsumedAssertion, PendingSignIn
from sso.signin.types import (
    PENDING_LIFE,
    Arrival,
    Departure,
    Flow,
    Landing,
    Return,
    SignedIn,
)
from sso.signin_tests import queries as test_queries
from sso.signin_tests import services as tests
from sso.signin_tests.models import SignInTest
from sso.signin_tests.services import Attempt, Refused

PENDING_PREFIX = "ghp_"


def begin(
    *, connection: Connection, return_to: str, test: SignInTest | None = None, is_again: bool = False
) -> Departure:
    """A request is ready to leave, with what the browser must remember of it. Raises ConnectionOff.

    Nothing is stored, but by a test that waits: it remembers the digest of its RelayState.
    """
    chosen = test.configuration if test is not None else _open_version(connection)
    relay_state = new_key()
    request = make_request(
        connections.service_provider(connection, chosen),
        connections.preferred_endpoint(chosen),
        connections.signing_key(connection),
        relay_state=relay_state,
        now=now(),
    )
    if test is not None:
        tests.remember_relay_state(test=test, relay_state=relay_state)
    flow = Flow(connection.public_id, request.request_id, return_to, test.public_id if test else None, is_again)
    return Departure(request, flow, chosen.provider)


def _open_version(connection: Connection) -> Configuration:
    chosen = connections.in_force(connection)
    if not connection.is_active or chosen is None:
        raise ConnectionOff(expected="a connection that is turned on", received=connection.get_state_display())
    return chosen


def receive(*, connection: Connection, arrival: Arrival) -> Landing:
    """A verified response waits a minute for its browser; an unsolicited one that isn't wanted is discarded. Raises Refused."""
    attempt = Attempt(connection, arrival.caller)
    attempt.try_for(test_queries.waiting_test(connection, arrival.relay_state))
    try:
        _verify(attempt, arrival)
        is_wanted = connection.allow_idp_initiated and not attempt.is_astray
        if not attempt.known_claims.in_response_to and not is_wanted:
            _use_up(connection, attempt.known_claims)
            attempt.record(Outcome.RESTARTED, OF_MESSAGE)
            return Landing()
        return _keep_for_browser(attempt)
    except SamlError as problem:
        raise attempt.refuse(problem) from problem


def _verify(attempt: Attempt, arrival: Arrival) -> None:
    """The claims are known, by the version that is tested or in force. Raises SamlError.

    An answer to a test whose RelayState was lost fits the tested version alone: it goes astray, and fails that test.
    """
    if attempt.test is not None:
        return _verify_by(attempt, attempt.test.configuration, arrival)
    try:
        _verify_by(attempt, _open_version(attempt.connection), arrival)
    except DIFFERS_BY_VERSION as problem:
        test = test_queries.newest_waiting_test(attempt.connection)
        if test is None or test.configuration.number == attempt.version:
            raise
        _verify_astray(attempt, test.configuration, arrival, problem)


def _verify_by(attempt: Attempt, chosen: Configuration, arrival: Arrival) -> None:
    attempt.version = chosen.number
    expected = connections.expectation(attempt.connection, chosen)
    attempt.claims = response.verify(arrival.saml_response, expected, now=now())


def _verify_astray(attempt: Attempt, tested: Configuration, arrival: Arrival, problem: SamlError) -> None:
    """Raises the problem that the version in force has with it, when there is one."""
    in_force = attempt.version
    try:
        _verify_by(attempt, tested, arrival)
    except SamlError:
        if in_force is None:
            raise
        attempt.version = in_force
        raise problem from None
    attempt.is_astray = True


def _keep_for_browser(attempt: Attempt) -> Landing:
    """Raises AssertionReplayed: of two that arrive together one is kept."""
    connection, claims = attempt.connection, attempt.known_claims
    handle = credentials.mint(PENDING_PREFIX)
    with transaction.atomic():
        _use_up(connection, claims)
        pending = PendingSignIn.objects.create(
            org_id=connection.org_id,
            connection=connection,
            test=attempt.test,
            handle_digest=handle.digest,
            version=attempt.known_version,
            is_astray=attempt.is_astray,
            claims=as_json(claims),
            expires_at=now() + PENDING_LIFE,
        )
    return Landing(pending.public_id, handle.plain)


def _use_up(connection: Connection, claims: Claims) -> None:
    """This assertion is never taken again. Raises AssertionReplayed."""
    used = {"org_id": connection.org_id, "connection": connection, "expires_at": claims.expires_at}
    try:
        with transaction.atomic():
            ConsumedAssertion.objects.create(assertion_id=claims.assertion_id, **used)
    except IntegrityError as error:
        raise AssertionReplayed(received=claims.assertion_id) from error


def complete(*, connection: Connection, back: Return) -> SignedIn | SignInTest | None:
    """The person's session reaches their seat; or the test that this was has passed; or nobody is in: start afresh.

    Raises Refused, ConnectionUnknown.
    """
    attempt = Attempt(connection, back.caller)
    try:
        pending = _take(connection, back)
        attempt.try_for(pending.test)
        attempt.claims, attempt.version = from_json(pending.claims), pending.version
        flow = _flow_of(attempt.claims, connection, back.flows)
        if pending.test is not None:
            if flow.test != pending.test.public_id:
                raise RequestUnknown(expected="the request of this test", received=attempt.claims.in_response_to)
            return tests.finish_test(attempt=attempt, test=pending.test)
        if flow.test is not None:
            attempt.try_for(test_queries.awaited_test(connection, flow.test))
            raise RequestUnknown(expected="the RelayState of this test, unchanged", received="another one, or none")
        if pending.is_astray:
            chosen = _open_version(connection)
            raise VersionChanged(expected=f"version {chosen.number}", received=f"version {pending.version}, in a test")
        return _sign_in(attempt, flow, back.visitor)
    except SamlError as problem:
        raise attempt.refuse(problem) from problem


@transaction.atomic
def _take(connection: Connection, back: Return) -> PendingSignIn:
    """The sign-in that waited is this call's alone. Raises SignInUnfinished."""
    pending = queries.lock_pending(connection, back.pending, back.handle)
    if pending is None:
        raise SignInUnfinished
    pending.delete()
    return pending


def _flow_of(claims: Claims, connection: Connection, flows: Sequence[Flow]) -> Flow:
    """Return what this browser remembers of the request that was answered. Raises RequestUnknown, UnsolicitedRefused."""
    if not claims.in_response_to:
        if not connection.allow_idp_initiated:
            raise UnsolicitedRefused
        return Flow(connection.public_id, "")
    mine = (flow for flow in flows if flow.request_id == claims.in_response_to)
    flow = next((flow for flow in mine if flow.connection == connection.public_id), None)
    if flow is None:
        raise RequestUnknown(expected="a request of this browser", received=claims.in_response_to)
    return flow


def _sign_in(attempt: Attempt, flow: Flow, visitor: Visitor) -> SignedIn | None:
    connection, claims = attempt.connection, attempt.known_claims
    chosen = _require_version(connection, attempt.version)
    profile = read_profile(claims, admission_queries.attribute_names(connection, chosen))
    attempt.email = profile.email
    subject = Subject(connection, claims, profile, attempt.actor)
    if _would_replace(subject, visitor):
        attempt.record(Outcome.RESTARTED, OF_OTHER_PERSON)
        return None
    try:
        attempt.membership = admission.admit(subject=subject)
        return _enter(attempt, subject, visitor, flow)
    except (AddressInvalid, SeatTaken) as error:
        raise EmailInvalid(expected="an address that nobody else has here", received=profile.email) from error
    except MembershipUnknown as error:
        raise NotAMember(expected="a seat", received="one that was removed meanwhile") from error


def _would_replace(subject: Subject, visitor: Visitor) -> bool:
    """Say whether an answer that nobody asked for would end somebody else's session: it may have been planted there."""
    is_unsolicited = not subject.claims.in_response_to
    return (
        is_unsolicited and visitor.user_id is not None and admission_queries.is_somebody_else(subject, visitor.user_id)
    )


def _require_version(connection: Connection, number: int | None) -> Configuration:
    """Return the version in force, when it is the one that verified the response. Raises ConnectionOff, VersionChanged."""
    chosen = _open_version(connection)
    if chosen.number != number:
        raise VersionChanged(expected=f"version {chosen.number}", received=f"version {number}")
    return chosen


@transaction.atomic
def _enter(attempt: Attempt, subject: Subject, visitor: Visitor, flow: Flow) -> SignedIn:
    """Connection and seat are held while they are looked at again.

    So no session is granted through what is turned off meanwhile, or to whom is suspended. Raises ConnectionOff and
    VersionChanged besides.
    """
    connection, claims = attempt.connection, attempt.known_claims
    _require_version(connection_services.lock_connection(connection), attempt.version)
    seat = admission.confirm(membership=attempt.known_seat, subject=subject)
    user = admission_queries.require_person(seat)
    mark = visitor.mark if visitor.mark is not None and visitor.user_id == user.pk else uuid4()
    idp = IdpSession(connection.public_id, claims.session_index)
    ends = queries.session_end(claims)
    tenancy.grant_session(membership=seat, session=mark, method=SignInMethod.SAML, expires_at=ends, idp=idp)
    people.note_seat_sign_in(membership=seat)
    attempt.record(Outcome.SIGNED_IN, tuple(Check))
    return SignedIn(user, seat, mark, flow.return_to, flow.request_id)


def refuse_departure(
    *, connection: Connection, caller: Caller, problem: SamlError, test: SignInTest | None = None
) -> Refused:
    """Return the refusal to send anybody to the IdP; it is in the log, and the result of the test."""
    attempt = Attempt(connection, caller)
    attempt.try_for(test)
    return attempt.refuse(problem)


def delete_finished(*, moment: datetime) -> None:
    """What can't be accepted or finished any more is gone, and so are old tests and attempts."""
    ConsumedAssertion.objects.filter(expires_at__lt=moment).delete()
    PendingSignIn.objects.filter(expires_at__lt=moment).delete()
    tests.delete_old_tests(moment=moment)
    attempts.delete_old_attempts(before=moment - ATTEMPTS_KEPT_FOR)
