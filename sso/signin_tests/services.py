"""Test sign-ins: how one begins, and how its result is kept."""

from dataclasses import asdict
from datetime import datetime

from orgs.base import credentials
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.tenancy.models import User
from sso.attempts.models import LoginAttempt
from sso.connections import queries as connections
from sso.connections.errors import SetupIncomplete
from sso.connections.models import Connection
from sso.identity.types import as_json
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import KEPT_FOR, SignInTestResult, SignInTestStatus


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


def end_test(*, test: SignInTest, result: SignInTestResult, attempt: LoginAttempt) -> None:
    """Store the result of the test, unless it had one: of two answers the first to be finished counts."""
    SignInTest.objects.filter(org_id=test.org_id, pk=test.pk, status=SignInTestStatus.WAITING).update(
        status=result.status,
        attempt=attempt,
        finished_at=now(),
        claims=as_json(result.claims) if result.claims is not None else {},
        profile=_profile_of(result),
        preview=result.preview or "",
        preview_reason=result.preview_reason,
    )


def _profile_of(result: SignInTestResult) -> dict[str, object]:
    if result.profile is None:
        return {}
    return asdict(result.profile) | {"missing": [str(field) for field in result.missing]}


def delete_old_tests(*, moment: datetime) -> None:
    """Delete the tests that began too long ago to be shown."""
    SignInTest.objects.filter(started_at__lt=moment - KEPT_FOR).delete()
