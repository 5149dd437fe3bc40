"""The end of each sign-in in the log, written from what is known of it then."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile

from django.db import transaction

from orgs.tenancy.models import Membership
from sso.admission import queries as admission_queries
from sso.attempts import services as attempts
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome, AttemptRecord
from sso.connections import queries as connections
from sso.identity.errors import SignInError
from sso.identity.profile import preview_profile
from sso.identity.types import SignInCheck
from sso.signin.errors import SignInRefused
from sso.signin.types import SignInFacts
from sso.signin_tests import services as tests
from sso.signin_tests.types import SignInTestResult, SignInTestStatus


def record(
    facts: SignInFacts,
    outcome: AttemptOutcome,
    passed: Sequence[SignInCheck],
    *,
    membership: Membership | None = None,
    refusal: SignInError | None = None,
) -> LoginAttempt:
    """Add one line to the sign-in log."""
    claimed = _claimed_email(facts, refusal) if refusal is not None else ""
    known = facts.version, refusal, facts.claims, facts.email, claimed, membership
    entry = AttemptRecord(outcome, facts.caller, passed, *known, provider=facts.provider)
    return attempts.record_attempt(connection=facts.connection, entry=entry)


@contextmanager
def refusing(facts: SignInFacts) -> Iterator[None]:
    """Turn a refusal inside the block into the end of this sign-in. Raises SignInRefused."""
    try:
        yield
    except SignInError as problem:
        raise refuse(facts, problem) from problem


@transaction.atomic
def refuse(
    facts: SignInFacts, problem: SignInError, named: Membership | None = None, assertion_id: str = ""
) -> SignInRefused:
    """Return the refusal to be raised; the log and the test have it.

    `named` is whom an answer names that is refused before its address is read, and `assertion_id` an assertion that may
    have led somewhere in this browser before.
    """
    if facts.claims is not None:
        # the message was right: what fails afterwards is asked in the order of the checks
        problem.passed = tuple(takewhile(lambda check: check is not problem.check, SignInCheck))
    outcome = AttemptOutcome.TEST_FAILED if facts.test else AttemptOutcome.REFUSED
    membership = named or _find_membership(facts)
    attempt = record(facts, outcome, problem.passed, membership=membership, refusal=problem)
    if facts.test is not None:
        result = SignInTestResult(SignInTestStatus.FAILED, facts.claims, facts.profile)
        tests.end_test(test=facts.test, result=result, attempt=attempt)
    return SignInRefused(problem, attempt, facts.test, assertion_id)


def _claimed_email(facts: SignInFacts, refusal: SignInError) -> str:
    """Return the address in a signed answer that is refused before it counts, as the version that verified it reads it."""
    person = facts.claims or refusal.claimed
    if facts.email or person is None:
        return ""
    chosen = connections.version_numbered(facts.connection, facts.version)
    if chosen is None:
        return ""
    return preview_profile(person, admission_queries.attribute_names(facts.connection, chosen)).email


def _find_membership(facts: SignInFacts) -> Membership | None:
    """Return the membership for which this was, looked up anew: one that was found before may be gone."""
    if facts.claims is None or not facts.email:
        return None
    return admission_queries.membership_named(facts.connection, facts.claims, facts.email)
