"""No session is replaced by another person's without a question, and no link that is opened signs anybody out."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.test import Client

from orgs.base.clock import now
from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import SignInMethod
from sso.admission import queries as admission_queries
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from sso.connections import services as connections
from sso.connections.types import SignInRules
from sso.signin.models import PendingSignIn
from sso.signin.types import QUESTION_LIFE
from tests.factories import ACTOR
from tests.sso.idp import Browser

UMA = "uma@acme.example"
DEEP = "/orgs/acme/?from=a-link"


@pytest.fixture
def gretas(greta, sign_in) -> Browser:
    """The browser of somebody of another organization, who is signed in there by password."""
    return Browser(sign_in(greta))


@pytest.fixture
def asked(connection, idp, uma, gretas):
    """The answer of the finish to a link of acme's connection that Greta has opened, where acme's IdP has named Uma."""
    return gretas.sign_in(idp, connection, UMA, f"?next={quote(DEEP)}")


def is_gretas(browser) -> bool:
    return browser.client.get("/accounts/email/").status_code == 200 and browser.reaches() == ["globex"]


def test_finish_redirects_to_the_switch_page_when_somebody_else_is_signed_in(connection, asked, gretas):
    assert (asked.status_code, asked["Location"].split("?")[0]) == (303, f"/saml/{connection.public_id}/switch")
    assert is_gretas(gretas)
    assert not SessionGrant.objects.filter(method=SignInMethod.SAML).exists()
    assert LoginAttempt.objects.get().outcome == AttemptOutcome.ASKED


def test_switch_page_names_both_people_and_changes_nothing(asked, gretas):
    for _ in range(2):
        page = gretas.follow(asked)
        assert page.status_code == 200
        assert "Continue as uma@acme.example" in page.content.decode()
        assert "You are signed in as greta@globex.example" in page.content.decode()
    assert is_gretas(gretas)


def test_continue_signs_the_other_person_in_and_leads_to_the_requested_page(asked, gretas, uma):
    before = gretas.client.session.session_key
    assert gretas.switch(asked)["Location"] == DEEP
    assert gretas.reaches() == ["acme"]
    assert gretas.client.session.session_key != before
    assert LoginAttempt.objects.first().outcome == AttemptOutcome.SIGNED_IN


def test_stay_keeps_the_session_and_forgets_the_sign_in(asked, gretas):
    assert gretas.switch(asked, "stay")["Location"] == "/"
    assert is_gretas(gretas)
    assert not PendingSignIn.objects.exists()
    assert gretas.switch(asked).status_code == 403


def test_stay_leads_home_when_no_sign_in_is_pending(connection, gretas):
    stayed = gretas.client.post(f"/saml/{connection.public_id}/switch?id=nonsense", {"stay": "yes"})
    assert (stayed.status_code, stayed["Location"]) == (302, "/")


def test_continue_works_once(asked, gretas):
    kept = Browser()
    for name, cookie in gretas.client.cookies.items():
        kept.client.cookies[name] = cookie.value
    gretas.switch(asked)
    assert kept.switch(asked).status_code == 403
    assert kept.reaches() == []


def test_continue_needs_the_token_of_the_form(asked, gretas):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies.update(gretas.client.cookies)
    page = strict.get(asked["Location"]).content.decode()
    assert strict.post(asked["Location"], {"continue": "yes"}).status_code == 403
    assert is_gretas(gretas)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    answered = strict.post(asked["Location"], {"continue": "yes", "csrfmiddlewaretoken": token[1]})
    assert answered["Location"] == DEEP


@pytest.mark.parametrize("method", ["get", "post"])
def test_switch_page_returns_403_in_another_browser(asked, method, sign_in, adam):
    for other in (Browser(), Browser(sign_in(adam))):
        answer = getattr(other.client, method)(asked["Location"])
        assert answer.status_code == 403
        assert UMA not in answer.content.decode()
    assert LoginAttempt.objects.first().error == "sign_in_unfinished"


def test_switch_page_returns_403_after_its_lifetime(asked, gretas):
    with time_machine.travel(now() + QUESTION_LIFE + timedelta(seconds=1), tick=False):
        assert gretas.follow(asked).status_code == 403
        assert gretas.switch(asked).status_code == 403
        assert is_gretas(gretas)


def test_finish_is_refused_while_the_switch_is_not_confirmed(asked, gretas):
    assert gretas.client.get(asked["Location"].replace("/switch", "/finish")).status_code == 403
    assert is_gretas(gretas)


def test_continue_is_refused_for_a_sign_in_that_needs_no_switch(connection, idp, uma, browser):
    landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
    skipped = browser.client.post(landed["Location"].replace("/finish", "/switch"))
    assert (skipped.status_code, browser.reaches()) == (403, [])


def test_continue_asks_again_when_another_person_signed_in_since(asked, gretas, adam, sign_in):
    gretas.client.cookies["sessionid"] = sign_in(adam).cookies["sessionid"].value
    again = gretas.switch(asked)
    assert (again.status_code, again["Location"] != asked["Location"]) == (303, True)
    assert "You are signed in as adam@acme.example" in gretas.follow(again).content.decode()
    assert gretas.switch(again)["Location"] == DEEP


def test_continue_signs_in_when_nobody_is_signed_in_any_more(asked, gretas):
    gretas.client.post("/accounts/logout/")
    gretas.client.cookies.update(asked.cookies)
    assert "has ended" in gretas.follow(asked).content.decode()
    assert gretas.switch(asked)["Location"] == DEEP


def test_continue_is_refused_when_the_connection_was_turned_off(connection, asked, gretas):
    connections.turn_off(connection=connection, actor=ACTOR)
    assert gretas.switch(asked).status_code == 403
    assert LoginAttempt.objects.first().error == "connection_off"
    assert is_gretas(gretas)


def test_finish_asks_nothing_when_the_same_account_is_signed_in(connection, idp, uma, browser, sign_in):
    browser.client = sign_in(uma)
    assert browser.sign_in(idp, connection, UMA, f"?next={quote(DEEP)}")["Location"] == DEEP


def test_finish_asks_nothing_when_the_signed_in_account_joins(connection, idp, browser, sign_in):
    from orgs.tenancy import services as tenancy

    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    account = tenancy.create_account(email="nora@acme.example", password="a-long-test-password", verified=True)
    browser.client = sign_in(account)
    assert browser.sign_in(idp, connection, "nora@acme.example").status_code == 302
    assert Membership.objects.get(email="nora@acme.example").user == account


def test_finish_adds_no_member_before_the_switch_is_confirmed(connection, idp, gretas):
    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    asked = gretas.sign_in(idp, connection, "new@acme.example")
    assert not Membership.objects.filter(email="new@acme.example").exists()
    assert gretas.switch(asked).status_code == 302
    assert gretas.reaches() == ["acme"]


def test_finish_redirects_to_the_switch_page_when_the_membership_changed_its_account_meanwhile(
    connection, idp, uma, gretas, monkeypatch
):
    monkeypatch.setattr(admission_queries, "is_somebody_else", lambda *given: False)
    asked = gretas.sign_in(idp, connection, UMA)
    assert asked["Location"].startswith(f"/saml/{connection.public_id}/switch")
    assert is_gretas(gretas)


def test_attempt_page_says_that_the_person_was_asked_whether_to_continue(asked, adam, sign_in):
    attempt = LoginAttempt.objects.get()
    page = sign_in(adam).get(f"/orgs/acme/settings/sign-in-log/{attempt.public_id}/").content.decode()
    assert "asked whether to continue as this person" in page
