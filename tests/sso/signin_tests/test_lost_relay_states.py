"""Answers to a test that come without its relay state, or that nobody asked for."""

from dataclasses import replace

import pytest

from orgs.base.clock import now
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import SignInMethod
from sso.attempts.types import AttemptOutcome
from sso.connections import services as connections
from sso.connections.types import SignInRules
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import TEST_LIFE, SignInTestStatus
from tests.factories import ACTOR
from tests.sso.idp import Fault
from tests.sso.signin_tests.acts import UMA, begin, page_of

LOST = pytest.mark.parametrize("relay_state", ["", "lost", "https://portal.example/"])


@LOST
def test_test_sign_in_passes_by_the_flow_cookie_when_the_relay_state_is_lost(connection, idp, uma, tester, relay_state):
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    tester.follow(tester.follow(tester.deliver(connection, idp.respond(UMA, request), relay_state=relay_state)))
    test.refresh_from_db()
    assert test.status == SignInTestStatus.PASSED
    assert not SessionGrant.objects.filter(method=SignInMethod.SAML).exists()


@LOST
def test_sign_in_passes_by_the_flow_cookie_when_the_relay_state_is_lost(connection, idp, uma, browser, relay_state):
    request = browser.leave(connection)
    browser.follow(browser.deliver(connection, idp.respond(UMA, request), relay_state=relay_state))
    assert browser.reaches() == ["acme"]


def test_test_sign_in_without_relay_state_fails_in_another_browser(connection, idp, uma, tester, browser):
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    browser.follow(browser.deliver(connection, idp.respond(UMA, request), relay_state=""))
    test.refresh_from_db()
    assert (test.status, test.attempt.error) == (SignInTestStatus.FAILED, "request_unknown")
    assert browser.reaches() == []


@pytest.mark.parametrize("state", ["on", "off"])
@pytest.mark.parametrize("fault", [Fault.STATUS_FAILURE, Fault.WRONG_AUDIENCE, Fault.OTHER_KEY])
def test_refused_answer_without_relay_state_fails_the_test_of_its_in_response_to(
    connection, idp, uma, tester, state, fault
):
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    if state == "off":
        connections.turn_off(connection=connection, actor=ACTOR)
    landed = tester.deliver(connection, idp.respond(UMA, request, fault=fault), relay_state="")
    assert landed["Location"].endswith(f"/tests/{test.public_id}/")
    test.refresh_from_db()
    assert test.status == SignInTestStatus.FAILED
    assert test.attempt.outcome == AttemptOutcome.TEST_FAILED


@pytest.mark.parametrize("named", ["_" + "0" * 40, ""])
def test_refused_answer_without_relay_state_leaves_a_test_it_does_not_name_waiting(connection, idp, tester, named):
    test = begin(tester, connection)
    request = replace(tester.leave(connection, f"?test={test.public_id}"), id=named)
    answer = idp.respond(UMA, request, fault=Fault.STATUS_FAILURE)
    assert tester.deliver(connection, answer, relay_state="").status_code == 403
    test.refresh_from_db()
    assert test.status == SignInTestStatus.WAITING


class TestAnAnswerThatNobodyAskedFor:
    @pytest.fixture(params=["off", "off, though the IdP may begin", "on"])
    def tested(self, request, untested):
        if request.param == "on":
            connections.turn_on(connection=untested, actor=ACTOR, without_test=True)
        elif request.param != "off":
            rules = SignInRules(allow_idp_initiated=True)
            connections.change_rules(connection=untested, rules=rules, actor=ACTOR)
        untested.refresh_from_db()
        return untested

    def test_unsolicited_answer_during_a_test_restarts_the_test_once(self, tested, idp, uma, tester):
        test = begin(tester, tested)
        tester.leave(tested, f"?test={test.public_id}")
        landed = tester.deliver(tested, idp.respond(UMA), relay_state="")
        assert landed["Location"] == f"/saml/{tested.public_id}/login?again=1"
        request = tester.leave(tested, "?again=1")
        tester.follow(tester.deliver(tested, idp.respond(UMA, request)))
        test.refresh_from_db()
        assert test.status == SignInTestStatus.PASSED
        assert not SessionGrant.objects.filter(method=SignInMethod.SAML).exists()

    def test_second_unsolicited_answer_during_a_test_fails_it_with_advice(self, tested, idp, uma, tester):
        test = begin(tester, tested)
        tester.leave(tested, f"?test={test.public_id}")
        for _ in range(2):
            arrived = tester.follow(tester.deliver(tested, idp.respond(UMA), relay_state=""))
        assert arrived["Location"].endswith(f"/tests/{test.public_id}/")
        test.refresh_from_db()
        assert (test.status, test.attempt.error) == (SignInTestStatus.FAILED, "unsolicited_refused")
        assert "What to change in JumpCloud" in page_of(tester, test)

    @pytest.mark.parametrize("end", ["timed out", "tester is gone", "another began it"])
    def test_restart_is_refused_when_no_test_of_the_person_is_waiting(self, untested, idp, uma, adam, tester, end):
        test = begin(tester, untested)
        tester.leave(untested, f"?test={test.public_id}")
        if end == "timed out":
            SignInTest.objects.update(started_at=now() - TEST_LIFE)
        elif end == "tester is gone":
            tester.client.logout()
        else:
            SignInTest.objects.update(started_by=adam.user)
        assert tester.client.get(f"/saml/{untested.public_id}/login?again=1").status_code == 403
        test.refresh_from_db()
        assert test.status == SignInTestStatus.WAITING
