"""Sign-ins by password leave an audit row in each organization of the account; strangers can't flood the log."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.people import services as people
from orgs.tenancy import access
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import IdpSession, SignInMethod
from portal.site import sign_ins
from tests.factories import PASSWORD, OrganizationFactory

WRONG = "not-the-password-42"


def type_password(address: str, password: str):
    return Client().post("/accounts/login/", {"login": address, "password": password})


def rows(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


def test_password_sign_in_is_audited_in_each_organization_of_the_account(olga):
    response = type_password(olga.email, PASSWORD)
    (row,) = rows(sign_ins.SIGNED_IN)
    assert (row.org, row.target_id, row.actor_label) == (olga.org, str(olga.public_id), olga.email)
    assert (row.after, row.ip, row.request_id) == ({"method": "password"}, "127.0.0.1", response["X-Request-ID"])


def write_counts(user) -> dict[str, int]:
    """Sign in; return how many statements write memberships, grants and audit rows."""
    tables = ("orgs_membership", "orgs_sessiongrant", "orgs_auditevent")
    with CaptureQueriesContext(connection) as found:
        assert type_password(user.email, PASSWORD).status_code == 302
    written = [query["sql"] for query in found if query["sql"].startswith(("INSERT", "UPDATE"))]
    return {
        table: sum(f'"{table}"' in sql.partition(" SET ")[0].partition("(")[0] for sql in written) for table in tables
    }


def test_sign_in_takes_the_same_number_of_writes_for_five_organizations_as_for_one(olga):
    Membership.objects.update(last_sign_in_at=now())
    expected = {"orgs_membership": 1, "orgs_sessiongrant": 1, "orgs_auditevent": 1}
    assert write_counts(olga.user) == expected
    for number in range(4):
        OrganizationFactory(slug=f"more{number}", owner_email=olga.email)
    Membership.objects.update(last_sign_in_at=now())
    assert write_counts(olga.user) == expected
    # the first session was extended to the four organizations that came after it
    assert (len(rows(sign_ins.SIGNED_IN)), SessionGrant.objects.count()) == (1 + 5, 1 + 4 + 5)


@pytest.mark.parametrize(
    "failing", [(access, "open_session_grants"), (people, "record_account_sign_in"), (sign_ins, "record_sign_in")]
)
def test_sign_in_that_fails_in_one_step_stores_nothing(olga, monkeypatch, failing):
    def fail(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    Membership.objects.update(last_sign_in_at=None)
    monkeypatch.setattr(*failing, fail)
    with pytest.raises(ZeroDivisionError):
        type_password(olga.email, PASSWORD)
    assert (rows(sign_ins.SIGNED_IN), SessionGrant.objects.count()) == ([], 0)
    assert not Membership.objects.exclude(last_sign_in_at=None).exists()


def test_password_sign_in_replaces_the_saml_grant_of_the_same_session(olga):
    session, ends = uuid4(), now() + timedelta(hours=1)
    idp = IdpSession(connection=uuid4(), session_index="i", certificates=("c",))
    tenancy.grant_session(membership=olga, session=session, method=SignInMethod.SAML, expires_at=ends, idp=idp)
    tenancy.open_personal_grants(user=olga.user, session=session, method=SignInMethod.PASSWORD, expires_at=ends)
    grant = SessionGrant.objects.get()
    assert (grant.method, grant.connection, grant.session_index, grant.certificates) == ("password", None, "", "")


def test_open_personal_grants_stores_the_last_sign_in_of_the_membership(olga):
    Membership.objects.update(last_sign_in_at=None)
    tenancy.open_personal_grants(user=olga.user, session=uuid4(), method=SignInMethod.PASSWORD, expires_at=now())
    assert Membership.objects.get(pk=olga.pk).last_sign_in_at is not None


def test_wrong_password_is_audited_once_a_minute(olga):
    answers = [type_password(olga.email, WRONG) for _ in range(3)]
    (row,) = rows(sign_ins.REFUSED)
    assert (row.org, row.target_id, row.actor_kind) == (olga.org, str(olga.public_id), "system")
    assert (row.ip, row.request_id) == ("127.0.0.1", answers[0]["X-Request-ID"])
    assert WRONG not in str(row.__dict__)


def test_wrong_password_is_audited_again_after_a_minute(olga):
    type_password(olga.email, WRONG)
    AuditEvent.objects.filter(action=sign_ins.REFUSED).update(at=now() - timedelta(seconds=61))
    type_password(olga.email, WRONG)
    assert len(rows(sign_ins.REFUSED)) == 2


def test_wrong_password_for_an_unknown_address_is_not_audited(olga):
    type_password("nobody@acme.example", WRONG)
    assert rows(sign_ins.REFUSED) == []


def test_refused_sign_in_is_recorded_after_the_answer_for_known_and_unknown_addresses(olga, monkeypatch):
    counts = []
    monkeypatch.setattr(sign_ins, "_record_refused", lambda refused: counts.append(refused.address))
    for address in (olga.email, "nobody@acme.example"):
        type_password(address, WRONG)
    # what differs between the two is done by this function alone, which runs behind the answer
    assert counts == [olga.email, "nobody@acme.example"]


def test_note_refused_takes_no_query(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        sign_ins.note_refused(sign_ins.RefusedSignIn("olga@acme.example", "127.0.0.1", ""))
    sign_ins.forget_refused()


def test_sign_in_page_answers_200_when_the_refusal_cannot_be_recorded(olga, monkeypatch):
    def fail(refused: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(sign_ins, "_record_refused", fail)
    assert type_password(olga.email, WRONG).status_code == 200


def test_noted_refusal_of_an_earlier_request_is_not_recorded_by_the_next_one(olga):
    sign_ins.note_refused(sign_ins.RefusedSignIn(olga.email, "127.0.0.1", ""))
    Client().get("/healthz")
    assert rows(sign_ins.REFUSED) == []


def test_record_sign_in_without_a_request_has_no_ip(olga):
    sign_ins.record_sign_in(olga.user, sign_ins.SignInMethod.PASSKEY, ip="")
    (row,) = rows(sign_ins.SIGNED_IN)
    assert (row.ip, row.after) == (None, {"method": "passkey"})


@pytest.mark.django_db(transaction=True)
def test_record_refused_after_answer_closes_the_connection_it_opened():
    connection.close()
    sign_ins.note_refused(sign_ins.RefusedSignIn("nobody@acme.example", "127.0.0.1", ""))
    sign_ins.record_refused_after_answer()
    assert connection.connection is None
