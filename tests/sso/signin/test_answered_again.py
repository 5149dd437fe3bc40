"""Back to the IdP's page posts the same answer again: who is signed in by it goes on, everybody else sees the refusal."""

from datetime import timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
import time_machine
from django.test import Client

from orgs.base.clock import now
from orgs.people import services as people
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import SuspensionSource
from sso.attempts import queries as attempts
from sso.attempts.models import LoginAttempt
from sso.connections import services as connections
from sso.connections.types import SignInRules
from sso.signin import cookies
from sso.signin.models import PendingSignIn
from sso.signin.types import ANSWERED_LIFE
from tests.factories import ACTOR
from tests.sso.conftest import connect, verify
from tests.sso.idp import Browser, Fault, IdpNameIdFormat, NameIdSource

UMA, ADAM = "uma@acme.example", "adam@acme.example"
DEEP = "/orgs/acme/settings/members/?q=nora"


@pytest.fixture
def answer(connection, idp, uma, browser) -> str:
    """The answer by which Uma has signed in in this browser."""
    given = idp.respond(UMA, browser.leave(connection))
    browser.follow(browser.deliver(connection, given))
    assert browser.reaches() == ["acme"]
    return given


def assert_refused(response) -> None:
    """It is the page of the refusal, with the code of the replay, and nothing was opened."""
    attempt = LoginAttempt.objects.filter(error="assertion_replayed").first()
    assert response.status_code == 403
    assert attempt.code in response.content.decode()
    assert "This sign-in was used already" in response.content.decode()
    assert not any(name.startswith(("session", "sso_")) for name, one in response.cookies.items() if one.value)
    assert not PendingSignIn.objects.exists()


def test_replay_leads_to_the_organization_when_the_same_answer_signed_the_person_in(connection, browser, answer):
    grants = list(SessionGrant.objects.values())
    arrived = browser.follow(browser.deliver(connection, answer))
    assert (arrived.status_code, arrived["Location"]) == (302, "/orgs/acme/")
    assert list(SessionGrant.objects.values()) == grants


def test_replay_leads_to_the_page_requested_with_it(connection, idp, adam, browser):
    given = idp.respond(ADAM, browser.leave(connection, f"?next={quote(DEEP)}"))
    browser.follow(browser.deliver(connection, given))
    assert browser.follow(browser.deliver(connection, given))["Location"] == DEEP


def test_replay_of_an_older_answer_leads_to_its_own_requested_page(connection, idp, adam, browser):
    older = idp.respond(ADAM, browser.leave(connection, f"?next={quote(DEEP)}"))
    browser.follow(browser.deliver(connection, older))
    browser.sign_in(idp, connection, ADAM)
    assert browser.follow(browser.deliver(connection, older))["Location"] == DEEP


def test_replay_of_a_discarded_answer_leads_home_after_a_new_sign_in(connection, idp, uma, browser):
    unasked = idp.respond(UMA)
    assert browser.deliver(connection, unasked)["Location"].endswith("/login?again=1")
    browser.sign_in(idp, connection, UMA, "?again=1")
    assert browser.follow(browser.deliver(connection, unasked))["Location"] == "/orgs/acme/"


def test_session_keeps_the_pages_of_the_last_ten_answers(connection, idp, uma, browser):
    for _ in range(12):
        browser.sign_in(idp, connection, UMA)
    assert len(browser.client.session[cookies.FINISHED_ASSERTIONS]) == cookies.MOST_FINISHED


def test_replay_is_logged_as_refused_with_the_member_it_names(connection, uma, browser, answer):
    browser.deliver(connection, answer)
    attempt = LoginAttempt.objects.first()
    assert (attempt.outcome, attempt.error, attempt.membership) == ("refused", "assertion_replayed", uma)


class TestEverybodyElse:
    def test_replay_is_refused_in_another_browser(self, connection, browser, answer):
        landed = browser.deliver(connection, answer)
        assert_refused(Client().get(landed["Location"]))

    def test_replay_is_refused_for_another_member_signed_in_by_the_same_connection(
        self, connection, idp, adam, browser, answer
    ):
        other = Browser()
        other.sign_in(idp, connection, ADAM)
        assert_refused(other.follow(browser.deliver(connection, answer)))
        assert other.reaches() == ["acme"]

    def test_replay_is_refused_when_the_person_is_signed_in_by_password(
        self, connection, uma, browser, answer, sign_in
    ):
        assert_refused(sign_in(uma).get(browser.deliver(connection, answer)["Location"]))

    def test_replay_is_refused_when_the_person_is_signed_in_by_another_connection(
        self, acme, connection, uma, browser, answer, idp_keys
    ):
        second, second_idp = connect(acme, idp_keys, name="Second")
        connections.turn_on(connection=second, actor=ACTOR, without_test=True)
        other = Browser()
        other.sign_in(second_idp, second, UMA)
        assert other.reaches() == ["acme"]
        assert_refused(other.follow(browser.deliver(connection, answer)))

    def test_replay_refusal_page_does_not_show_the_member_it_names(self, connection, uma, browser, answer):
        page = Client().get(browser.deliver(connection, answer)["Location"]).content.decode()
        assert not [said for said in (UMA, str(uma), str(uma.public_id)) if said in page]


class TestAfterTheSession:
    def test_replay_is_refused_after_signing_out(self, connection, browser, answer):
        browser.client.post("/accounts/logout/")
        assert browser.reaches() == []
        assert_refused(browser.follow(browser.deliver(connection, answer)))

    def test_replay_is_refused_after_the_session_grant_expired(self, connection, browser, answer):
        landed = browser.deliver(connection, answer)
        SessionGrant.objects.update(expires_at=now())
        assert_refused(browser.follow(landed))

    def test_replay_is_refused_after_the_member_was_suspended(self, connection, uma, browser, answer):
        landed = browser.deliver(connection, answer)
        people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
        assert_refused(browser.follow(landed))

    def test_replay_is_refused_after_the_sessions_of_the_connection_were_ended(self, acme, connection, browser, answer):
        landed = browser.deliver(connection, answer)
        tenancy.delete_grants_of_connection(org=acme, connection=connection.public_id)
        assert_refused(browser.follow(landed))

    def test_replay_is_refused_after_the_connection_was_turned_off(self, connection, browser, answer):
        landed = browser.deliver(connection, answer)
        connections.turn_off(connection=connection, actor=ACTOR)
        assert_refused(browser.follow(landed))


class TestTheId:
    @pytest.mark.parametrize("given", ["", "?attempt=", "?attempt=nonsense", f"?attempt={UUID(int=7)}", "?other=1"])
    def test_answered_page_redirects_to_the_login_url_without_a_known_attempt(self, connection, browser, answer, given):
        sent = browser.client.get(f"/saml/{connection.public_id}/answered{given}")
        assert (sent.status_code, sent["Location"]) == (303, f"/saml/{connection.public_id}/login")

    def test_answered_page_redirects_to_the_login_url_for_an_attempt_that_is_no_replay(
        self, connection, idp, browser, answer
    ):
        other = Browser()
        other.sign_in(idp, connection, "eve@acme.example")
        for attempt in LoginAttempt.objects.all():
            sent = browser.client.get(f"/saml/{connection.public_id}/answered?attempt={attempt.public_id}")
            assert sent["Location"] == f"/saml/{connection.public_id}/login"

    def test_answered_page_redirects_to_the_login_url_after_its_lifetime(self, connection, browser, answer):
        landed = browser.deliver(connection, answer)
        with time_machine.travel(now() + ANSWERED_LIFE + timedelta(seconds=1), tick=False):
            assert browser.follow(landed)["Location"] == f"/saml/{connection.public_id}/login"

    @pytest.mark.parametrize("is_own_org", [True, False], ids=["of the same organization", "of another one"])
    def test_answered_page_of_another_connection_redirects_to_its_own_login_url(
        self, acme, globex, connection, browser, answer, idp_keys, is_own_org
    ):
        attempt = browser.deliver(connection, answer)["Location"].partition("attempt=")[2]
        verify(globex, "globex.example")
        second, _ = connect(acme if is_own_org else globex, idp_keys, name="Second")
        connections.turn_on(connection=second, actor=ACTOR, without_test=True)
        sent = browser.client.get(f"/saml/{second.public_id}/answered?attempt={attempt}")
        assert sent["Location"] == f"/saml/{second.public_id}/login"

    def test_answered_page_of_an_unknown_connection_returns_404(self, browser, answer):
        assert browser.client.get(f"/saml/{uuid4()}/answered").status_code == 404

    def test_answered_page_writes_no_log_row(self, connection, browser, answer):
        landed = browser.deliver(connection, answer)
        for _ in range(3):
            Client().get(landed["Location"])
        assert LoginAttempt.objects.filter(error="assertion_replayed").count() == 1


class TestWhatIsRefusedBefore:
    """Only an answer that is right in everything, but that it came before, goes on."""

    def test_acs_refuses_a_replay_that_was_altered(self, connection, browser, answer):
        altered = answer[:400] + ("A" if answer[400] != "A" else "B") + answer[401:]
        assert browser.deliver(connection, altered).status_code == 403

    def test_acs_of_another_connection_refuses_a_replay(self, acme, browser, answer, idp_keys):
        second, _ = connect(acme, idp_keys, name="Second")
        connections.turn_on(connection=second, actor=ACTOR, without_test=True)
        assert browser.deliver(second, answer).status_code == 403

    def test_acs_refuses_an_altered_answer_after_its_expiry(self, connection, browser, answer):
        altered = answer[:-400] + ("A" if answer[-400] != "A" else "B") + answer[-399:]
        with late():
            assert browser.deliver(connection, altered).status_code == 403

    def test_acs_refuses_an_answer_with_a_wrong_audience_after_its_expiry(self, connection, idp, browser, answer):
        given = idp.respond(UMA, browser.leave(connection), fault=Fault.WRONG_AUDIENCE)
        with late():
            assert browser.deliver(connection, given).status_code == 403
        assert LoginAttempt.objects.first().error == "assertion_expired"


def late() -> time_machine.travel:
    """An hour later: the answer is over, the session isn't."""
    return time_machine.travel(now() + timedelta(hours=1), tick=False)


class TestAnAnswerAfterItsEnd:
    def test_late_answer_leads_to_the_page_requested_with_it(self, connection, idp, adam, browser):
        given = idp.respond(ADAM, browser.leave(connection, f"?next={quote(DEEP)}"))
        browser.follow(browser.deliver(connection, given))
        grants = list(SessionGrant.objects.values())
        with late():
            assert browser.follow(browser.deliver(connection, given))["Location"] == DEEP
        assert list(SessionGrant.objects.values()) == grants

    def test_late_answer_leads_to_the_organization_when_another_answer_signed_the_person_in(
        self, connection, idp, uma, browser, answer
    ):
        never_sent = idp.respond(UMA, browser.leave(connection))
        with late():
            assert browser.follow(browser.deliver(connection, never_sent))["Location"] == "/orgs/acme/"

    def test_late_answer_is_logged_as_expired_with_the_member_it_names(self, connection, uma, browser, answer):
        with late():
            browser.follow(browser.deliver(connection, answer))
        attempt = LoginAttempt.objects.first()
        assert (attempt.outcome, attempt.error, attempt.membership) == ("refused", "assertion_expired", uma)

    def test_late_answer_is_refused_as_too_late_in_another_browser(self, connection, browser, answer):
        with late():
            refused = Browser().follow(browser.deliver(connection, answer))
        assert_too_late(refused)

    def test_late_answer_is_refused_as_too_late_for_another_member_of_the_same_connection(
        self, connection, idp, adam, browser, answer
    ):
        other = Browser()
        other.sign_in(idp, connection, ADAM)
        with late():
            assert_too_late(other.follow(other.deliver(connection, answer)))

    def test_late_answer_is_refused_as_too_late_after_signing_out(self, connection, browser, answer):
        browser.client.post("/accounts/logout/")
        with late():
            assert_too_late(browser.follow(browser.deliver(connection, answer)))


def assert_too_late(response) -> None:
    attempt = LoginAttempt.objects.filter(error="assertion_expired").first()
    assert response.status_code == 403
    page = response.content.decode()
    assert attempt.code in page
    assert "came too late" in page
    assert not any(name.startswith(("session", "sso_")) for name, one in response.cookies.items() if one.value)
    assert not PendingSignIn.objects.exists()


@pytest.mark.parametrize("email", ["no address", "uma@elsewhere.example"])
def test_replay_is_refused_when_its_answer_names_no_member(connection, idp, uma, browser, answer, email):
    nobody = idp.change(name_id_format=IdpNameIdFormat.TRANSIENT, name_id=NameIdSource.CUSTOM, custom_name_id="_t")
    given = nobody.respond(email, browser.leave(connection))
    browser.deliver(connection, given)
    PendingSignIn.objects.all().delete()
    assert_refused(browser.follow(browser.deliver(connection, given)))
    assert LoginAttempt.objects.first().membership is None


def test_hundreds_of_replays_leave_a_bounded_number_of_rows(connection, browser, answer, monkeypatch):
    monkeypatch.setattr(attempts, "LOGGED_PER_MINUTE", 20)
    answers = [browser.deliver(connection, answer).status_code for _ in range(100)]
    assert answers == [303] * 20 + [403] * 80
    assert LoginAttempt.objects.filter(error="assertion_replayed").count() == 20


def test_replay_of_an_unsolicited_answer_leads_to_the_organization_when_it_signed_in(connection, idp, uma, browser):
    rules = SignInRules(allow_idp_initiated=True)
    connections.change_rules(connection=connection, rules=rules, actor=ACTOR)
    given = idp.respond(UMA)
    browser.follow(browser.deliver(connection, given))
    assert browser.follow(browser.deliver(connection, given))["Location"] == "/orgs/acme/"
