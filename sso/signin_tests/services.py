"""Test sign-ins: how one begins, what its result is, and the attempt that may be one."""

from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import takewhile

from django.db import transaction

from orgs.base import credentials
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.people import queries as people_queries
from orgs.tenancy.models import Membership, User
from sso.admission import queries as admission_queries
from sso.attempts import services as attempts
from sso.attempts.models import LoginAttempt
from sso.attempts.types import NOT_TESTED, AttemptOutcome
from sso.connections import queries as connections
from sso.connections.errors import SetupIncomplete
from sso.connections.models import Connection
from sso.identity.errors import SignInError
from sso.identity.profile import read_profile
from sso.identity.types import SignInCheck, VerifiedIdentity, as_json
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import KEPT_FOR, SignInPreview, SignInTestStatus
from sso.versions import services as versions


class SignInRefused(Exception):
    """Nobody was signed in; the person sees `problem.public` and the attempt's code.

    `assertion_id` names an assertion that may have led somewhere in this browser before.
    """

    assertion_id = ""

    def __init__(self, problem: SignInError, attempt: LoginAttempt, test: SignInTest | None = None) -> None:
        self.problem, self.attempt, self.test = problem, attempt, test
        super().__init__(problem.code)


@dataclass(slots=True)
class SignInAttempt(attempts.Attempt):
    """An attempt that may be a test, whose result is its end."""

    test: SignInTest | None = None
    # only a version that is being tested verified it, and no RelayState says for which test
    is_test_mismatch: bool = False

    def try_for(self, test: SignInTest | None) -> None:
        """Attach the test, when this attempt is one."""
        if test is not None:
            self.test, self.version = test, test.configuration.number
            self.provider = test.configuration.provider

    @transaction.atomic
    def refuse(self, problem: SignInError, named: Membership | None = None) -> SignInRefused:
        """Return the refusal to be raised; the log and the test have it.

        `named` is whom an answer names that is refused before its address is read.
        """
        if self.claims is not None:
            # the message was right: what fails afterwards is asked in the order of the checks
            problem.passed = tuple(takewhile(lambda check: check is not problem.check, SignInCheck))
        self.membership = named or self._find_membership()
        attempt = self.record(
            AttemptOutcome.TEST_FAILED if self.test else AttemptOutcome.REFUSED, problem.passed, problem
        )
        if self.test is not None:
            _end_test(self.test, SignInTestStatus.FAILED, attempt, self.claims)
        return SignInRefused(problem, attempt, self.test)

    def _find_membership(self) -> Membership | None:
        """Return the membership for which this was, looked up anew: one that was found before may be gone."""
        if self.claims is None or not self.email:
            return None
        return admission_queries.membership_named(self.connection, self.claims, self.email)


def start_test(*, connection: Connection, actor: Actor, starter: User) -> SignInTest:
    """Start a test of the draft version, else of the one in force. Raises SetupIncomplete."""
    chosen = connections.to_be_tested(connection)
    if chosen is None or not chosen.has_idp:
        raise SetupIncomplete
    return SignInTest.objects.create(
        org_id=connection.org_id,
        connection=connection,
        configuration=chosen,
        revision=chosen.revision,
        started_by=starter,
        started_by_label=actor.label[:254],
        started_at=now(),
    )


def remember_request(*, test: SignInTest, request_id: str) -> None:
    """Store the digest of the request's ID, which is its RelayState too, with a test that waits."""
    SignInTest.objects.filter(org_id=test.org_id, pk=test.pk, status=SignInTestStatus.WAITING).update(
        relay_digest=credentials.digest(request_id)
    )


def finish_test(*, attempt: SignInAttempt, test: SignInTest) -> SignInTest:
    """Store the result of a test whose answer was right so far. Raises SignInError."""
    connection, claims = attempt.connection, attempt.known_claims
    profile = read_profile(claims, admission_queries.attribute_names(connection, test.configuration))
    attempt.email, test.profile = profile.email, asdict(profile)
    admission_queries.require_verified(connection.org, profile.email)
    test.preview, test.preview_reason = _preview(test, claims, profile.email)
    with transaction.atomic():
        passed = tuple(check for check in SignInCheck if check not in NOT_TESTED)
        _end_test(test, SignInTestStatus.PASSED, attempt.record(AttemptOutcome.TEST_PASSED, passed), claims)
        if test.started_by is None or not people_queries.may_change_settings(connection.org, test.started_by):
            # a test counts for those only who could turn the connection on
            return test
        versions.note_test_passed(
            configuration=test.configuration,
            revision=test.revision,
            tester=test.started_by_label,
            actor=attempt.actor,
        )
    return test


def _preview(test: SignInTest, claims: VerifiedIdentity, email: str) -> tuple[SignInPreview, str]:
    """Return what would become of this person if they signed in for real, by the version that is tested."""
    try:
        membership = admission_queries.membership_to_enter(test.connection, claims, email, test.configuration)
        if membership is None:
            return SignInPreview.JOINS, ""
        admission_queries.require_person(membership)
    except SignInError as problem:
        return SignInPreview.REFUSED, problem.private[:300]
    return SignInPreview.SIGNS_IN, ""


def _end_test(
    test: SignInTest, status: SignInTestStatus, attempt: LoginAttempt, claims: VerifiedIdentity | None
) -> None:
    """The result of the test, unless it had one: of two answers the first to be finished counts."""
    result = {"status": status, "attempt": attempt, "finished_at": now()}
    result |= {"claims": as_json(claims) if claims is not None else {}, "profile": test.profile}
    result |= {"preview": test.preview, "preview_reason": test.preview_reason}
    SignInTest.objects.filter(org_id=test.org_id, pk=test.pk, status=SignInTestStatus.WAITING).update(**result)


def delete_old_tests(*, moment: datetime) -> None:
    """Delete the tests that began too long ago to be shown."""
    SignInTest.objects.filter(started_at__lt=moment - KEPT_FOR).delete()
