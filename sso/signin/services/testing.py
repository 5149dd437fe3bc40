"""Finishing a test sign-in: it opens no session, and says what a real one would do."""

from dataclasses import replace

from django.db import transaction

from orgs.people import queries as people_queries
from sso.admission import queries as admission_queries
from sso.attempts.types import NOT_TESTED, AttemptOutcome
from sso.identity.errors import SignInError
from sso.identity.profile import read_profile
from sso.identity.types import SignInCheck
from sso.signin.services.record import record, refusing
from sso.signin.types import VerifiedAnswer
from sso.signin_tests import queries as test_queries
from sso.signin_tests import services as tests
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import SignInPreview, SignInTestResult, SignInTestStatus
from sso.versions import services as versions

PASSED = tuple(check for check in SignInCheck if check not in NOT_TESTED)


def finish_test(answer: VerifiedAnswer, test: SignInTest) -> SignInTest:
    """Store the result of a test whose answer was right so far. Raises SignInRefused."""
    connection = answer.connection
    with refusing(answer.facts):
        profile = read_profile(answer.claims, admission_queries.attribute_names(connection, test.configuration))
    facts = replace(answer.facts, email=profile.email, profile=profile)
    with refusing(facts):
        admission_queries.require_verified(connection.org, profile.email)
    preview, reason = _preview(answer, test, profile.email)
    missing = test_queries.missing_fields(test.configuration, answer.claims, profile)
    result = SignInTestResult(SignInTestStatus.PASSED, answer.claims, profile, missing, preview, reason)
    with transaction.atomic():
        attempt = record(facts, AttemptOutcome.TEST_PASSED, PASSED)
        tests.end_test(test=test, result=result, attempt=attempt)
        if test.started_by is None or not people_queries.may_change_settings(connection.org, test.started_by):
            # a test counts for those only who could turn the connection on
            return test
        tester = test.started_by_label
        versions.note_test_passed(
            configuration=test.configuration, revision=test.revision, tester=tester, actor=facts.actor
        )
    return test


def _preview(answer: VerifiedAnswer, test: SignInTest, email: str) -> tuple[SignInPreview, str]:
    """Return what would become of this person if they signed in for real, by the version that is tested."""
    try:
        found = admission_queries.read_candidates(test.connection, answer.claims, email)
        verified = admission_queries.verified_domains(found)
        membership = admission_queries.membership_to_enter(found, verified, test.configuration)
        if membership is None:
            return SignInPreview.JOINS, ""
        admission_queries.require_person(membership)
    except SignInError as problem:
        return SignInPreview.REFUSED, problem.private[:300]
    return SignInPreview.SIGNS_IN, ""
