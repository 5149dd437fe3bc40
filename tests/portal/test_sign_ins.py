"""Sign-ins by password leave an audit row in each organization of the account; strangers can't flood the log."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from portal.site import sign_ins
from tests.factories import PASSWORD

WRONG = "not-the-password-42"


def type_password(address: str, password: str):
    return Client().post("/accounts/login/", {"login": address, "password": password})


def rows(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


def test_a_sign_in_by_password_is_recorded_in_each_organization_of_the_account(olga):
    response = type_password(olga.email, PASSWORD)
    (row,) = rows(sign_ins.SIGNED_IN)
    assert (row.org, row.target_id, row.actor_label) == (olga.org, str(olga.public_id), olga.email)
    assert (row.after, row.ip, row.request_id) == ({"method": "password"}, "127.0.0.1", response["X-Request-ID"])


def test_a_wrong_password_is_recorded_once_in_a_minute(olga):
    answers = [type_password(olga.email, WRONG) for _ in range(3)]
    (row,) = rows(sign_ins.REFUSED)
    assert (row.org, row.target_id, row.actor_kind) == (olga.org, str(olga.public_id), "system")
    assert (row.ip, row.request_id) == ("127.0.0.1", answers[0]["X-Request-ID"])
    assert WRONG not in str(row.__dict__)


def test_a_wrong_password_is_recorded_again_after_a_minute(olga):
    type_password(olga.email, WRONG)
    AuditEvent.objects.filter(action=sign_ins.REFUSED).update(at=now() - timedelta(seconds=61))
    type_password(olga.email, WRONG)
    assert len(rows(sign_ins.REFUSED)) == 2


def test_a_wrong_password_for_an_unknown_address_leaves_no_row(olga):
    type_password("nobody@acme.example", WRONG)
    assert rows(sign_ins.REFUSED) == []


def test_a_refusal_is_left_for_after_the_answer_for_known_and_unknown_addresses_alike(olga, monkeypatch):
    counts = []
    monkeypatch.setattr(sign_ins, "_record_refused", lambda refused: counts.append(refused.address))
    for address in (olga.email, "nobody@acme.example"):
        type_password(address, WRONG)
    # what differs between the two is done by this function alone, which runs behind the answer
    assert counts == [olga.email, "nobody@acme.example"]


def test_note_refused_asks_the_database_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        sign_ins.note_refused(sign_ins.RefusedSignIn("olga@acme.example", "127.0.0.1", ""))
    sign_ins.forget_refused()


def test_a_refusal_that_cannot_be_recorded_fails_no_answer(olga, monkeypatch):
    def fail(refused: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(sign_ins, "_record_refused", fail)
    assert type_password(olga.email, WRONG).status_code == 200


def test_a_refusal_of_one_request_is_not_recorded_for_the_next(olga):
    sign_ins.note_refused(sign_ins.RefusedSignIn(olga.email, "127.0.0.1", ""))
    Client().get("/healthz")
    assert rows(sign_ins.REFUSED) == []


def test_a_sign_in_outside_of_a_request_has_no_address(olga):
    sign_ins.record_sign_in(olga.user, sign_ins.SignInMethod.PASSKEY, ip="")
    (row,) = rows(sign_ins.SIGNED_IN)
    assert (row.ip, row.after) == (None, {"method": "passkey"})


@pytest.mark.django_db(transaction=True)
def test_recording_a_refusal_gives_back_a_connection_that_it_has_opened():
    connection.close()
    sign_ins.note_refused(sign_ins.RefusedSignIn("nobody@acme.example", "127.0.0.1", ""))
    sign_ins.record_refused_after_answer()
    assert connection.connection is None
