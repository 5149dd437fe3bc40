"""Who isn't signed in, and that the log says why while the person sees a code and plain words."""

import logging
import re

import pytest
from django.test import Client

from orgs.people import services as people
from orgs.people.errors import MembershipExists
from orgs.people.types import Profile
from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import MembershipOrigin
from sso.admission import errors as admission_errors
from sso.admission import services as admission
from sso.attempts import queries as attempts
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from sso.connections import services as connections
from sso.connections.types import SignInRules
from sso.guides.troubleshooting import refusals_in
from sso.metadata import services as metadata
from sso.saml import errors as saml_errors
from sso.signin import errors as signin_errors
from sso.signin.models import ConsumedAssertion, PendingSignIn
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.conftest import connect, verify
from tests.sso.idp import Browser, Fault, IdpNameIdFormat, NameIdSource
from tests.sso.signin.refused import FAULTS, UMA, assert_refused


@pytest.mark.parametrize("is_on", [True, False])
def test_refusal_page_says_where_to_try_again_and_shows_the_code(connection, idp, uma, browser, is_on):
    if not is_on:
        connections.turn_off(connection=connection, actor=ACTOR)
    page = browser.deliver(connection, idp.respond(UMA, fault=Fault.EXPIRED)).content.decode()
    where = f"/saml/{connection.public_id}/login" if is_on else "/accounts/login/"
    assert f'Try again from <a class="link link-primary" href="{where}">the sign-in page</a>' in page
    assert "give this code to an admin of your organization" in page


def test_refusal_page_does_not_say_signed_out_to_a_person_who_is_signed_in(connection, idp, uma, browser, sign_in):
    browser.client = sign_in(uma)
    refused = browser.sign_in(idp, connection, "eve@acme.example")
    assert "aren’t signed in" not in refused.content.decode()
    assert browser.reaches() == ["acme"]


REFUSALS = [*refusals_in(saml_errors), *refusals_in(admission_errors), *refusals_in(signin_errors)]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_public_text_of_a_refusal_has_no_saml_terms(refusal):
    words = {"identity", "provider", "idp", "saml", "assertion", "verified", "certificate", "nameid"}
    assert words.isdisjoint(re.findall(r"\w+", refusal.public.lower()))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_response_is_refused_with_its_code(connection, idp, uma, browser, fault):
    assert_refused(browser, browser.sign_in(idp, connection, UMA, fault=fault), FAULTS[fault])


def test_refused_audience_is_logged_with_expected_received_and_advice(connection, idp, uma, browser):
    browser.sign_in(idp, connection, UMA, fault=Fault.WRONG_AUDIENCE)
    attempt = LoginAttempt.objects.get()
    assert attempt.expected == f"http://testserver/saml/{connection.public_id}/metadata"
    assert attempt.received == "https://other-app.example/saml"
    assert "SP Entity ID" in attempts.advice(attempt)
    assert attempt.passed_checks == ["message", "signature", "issuer", "status", "recipient", "time"]


class TestReplay:
    def test_response_is_accepted_once_only(self, connection, idp, uma, browser):
        request = browser.leave(connection)
        response = idp.respond(UMA, request)
        browser.follow(browser.deliver(connection, response))
        assert browser.reaches() == ["acme"]
        grants = SessionGrant.objects.count()
        again = Browser(relay_state=browser.relay_state)
        landed = again.deliver(connection, response)
        refused = again.follow(landed)
        attempt = LoginAttempt.objects.first()
        led_to = f"/saml/{connection.public_id}/answered?attempt={attempt.public_id}&answer="
        assert landed["Location"].startswith(led_to)
        assert (refused.status_code, attempt.error, attempt.outcome) == (
            403,
            "assertion_replayed",
            AttemptOutcome.REFUSED,
        )
        assert attempt.code in refused.content.decode()
        assert (landed.cookies, {*refused.cookies} - {"csrftoken"}, again.reaches()) == ({}, set(), [])
        assert SessionGrant.objects.count() == grants
        assert (LoginAttempt.objects.count(), ConsumedAssertion.objects.count()) == (2, 1)

    def test_refused_response_is_not_stored_as_consumed(self, connection, idp, uma, browser):
        browser.sign_in(idp, connection, UMA, fault=Fault.OTHER_KEY)
        assert not ConsumedAssertion.objects.exists()

    def test_finish_url_works_once_only(self, connection, idp, uma, browser):
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        copy = Browser()
        for name, cookie in browser.client.cookies.items():
            copy.client.cookies[name] = cookie.value
        browser.follow(landed)
        assert copy.follow(landed).status_code == 403
        assert copy.reaches() == []
        assert LoginAttempt.objects.first().error == "sign_in_unfinished"


class TestTheBrowserThatAsked:
    def test_a_response_to_another_browsers_request_is_refused(self, connection, idp, uma, browser):
        victim = Browser()
        request = browser.leave(connection)
        victim.relay_state = browser.relay_state
        assert_refused(victim, victim.follow(victim.deliver(connection, idp.respond(UMA, request))), "request_unknown")

    def test_finish_is_refused_in_another_browser_without_the_handle_cookie(self, connection, idp, uma, browser):
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        assert_refused(Browser(), Browser().follow(landed), "sign_in_unfinished")

    def test_finish_is_refused_when_the_handle_cookie_was_altered(self, connection, idp, uma, browser):
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        name = next(name for name in browser.client.cookies if name.startswith("sso_handle_"))
        browser.client.cookies[name] = "ghp_guessed"
        assert_refused(browser, browser.follow(landed), "sign_in_unfinished")

    def test_response_is_refused_as_request_unknown_when_the_flow_cookie_was_altered(
        self, connection, idp, uma, browser
    ):
        request = browser.leave(connection)
        name = next(name for name in browser.client.cookies if name.startswith("sso_flow_"))
        browser.client.cookies[name] = browser.client.cookies[name].value[:-3] + "abc"
        response = browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        assert_refused(browser, response, "request_unknown")

    def test_finish_is_refused_after_the_pending_sign_in_expired(self, connection, idp, uma, browser):
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        PendingSignIn.objects.update(expires_at="2020-01-01T00:00:00Z")
        assert_refused(browser, browser.follow(landed), "sign_in_unfinished")

    @pytest.mark.parametrize("path", ["", "?id=nonsense", "?id=00000000-0000-4000-8000-000000000000"])
    def test_finish_is_refused_without_a_pending_sign_in(self, connection, browser, path):
        response = browser.client.get(f"/saml/{connection.public_id}/finish{path}")
        assert_refused(browser, response, "sign_in_unfinished")


class TestOthers:
    """What is one connection's is never another's."""

    def test_response_of_another_connection_is_refused_as_issuer_mismatch(
        self, acme, connection, idp, uma, browser, idp_keys
    ):
        _, other = connect(acme, idp_keys, name="Second")
        request = browser.leave(connection)
        assert_refused(browser, browser.deliver(connection, other.respond(UMA, request)), "issuer_mismatch")

    def test_response_for_another_connection_of_the_same_idp_is_refused_as_audience_mismatch(
        self, acme, connection, idp, uma, browser, idp_keys
    ):
        _, other = connect(acme, idp_keys, name="Second", idp_entity_id=idp.app.idp_entity_id)
        request = browser.leave(connection)
        aimed = other.change(acs_url=idp.app.acs_url)
        assert_refused(browser, browser.deliver(connection, aimed.respond(UMA, request)), "audience_mismatch")

    def test_response_for_another_organization_is_refused_as_destination_mismatch(
        self, globex, connection, idp, uma, browser, idp_keys
    ):
        verify(globex, "globex.example")
        _, theirs = connect(globex, idp_keys, idp_entity_id=idp.app.idp_entity_id)
        request = browser.leave(connection)
        assert_refused(browser, browser.deliver(connection, theirs.respond(UMA, request)), "destination_mismatch")

    def test_response_to_a_request_of_another_connection_is_refused_as_request_unknown(
        self, acme, connection, idp, uma, browser, idp_keys
    ):
        second, _ = connect(acme, idp_keys, name="Second")
        connections.turn_on(connection=second, actor=ACTOR, without_test=True)
        request = browser.leave(second)
        response = browser.follow(browser.deliver(connection, idp.respond(UMA, request), relay_state=""))
        assert_refused(browser, response, "request_unknown")

    def test_a_pending_sign_in_is_finished_at_its_own_connection_only(
        self, acme, connection, idp, uma, browser, idp_keys
    ):
        second, _ = connect(acme, idp_keys, name="Second")
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        moved = landed["Location"].replace(str(connection.public_id), str(second.public_id))
        assert_refused(browser, browser.client.get(moved), "sign_in_unfinished")

    @pytest.mark.parametrize("stop", ["login", "finish", "metadata"])
    def test_saml_page_of_an_unknown_connection_returns_404(self, db, stop):
        url = f"/saml/00000000-0000-4000-8000-000000000000/{stop}"
        assert Client().get(url).status_code == 404

    def test_acs_of_an_unknown_connection_returns_404(self, db):
        assert Client().post("/saml/00000000-0000-4000-8000-000000000000/acs").status_code == 404


class TestConnections:
    def test_login_url_returns_403_when_the_connection_is_off(self, connection, browser):
        connections.turn_off(connection=connection, actor=ACTOR)
        response = browser.client.get(f"/saml/{connection.public_id}/login")
        assert response.status_code == 403
        assert "turned off" in response.content.decode()
        attempt = LoginAttempt.objects.get()
        assert attempt.error == "connection_off"
        assert attempt.code in response.content.decode()

    def test_acs_refuses_a_response_when_the_connection_is_off(self, connection, idp, uma, browser):
        request = browser.leave(connection)
        connections.turn_off(connection=connection, actor=ACTOR)
        assert_refused(browser, browser.deliver(connection, idp.respond(UMA, request)), "connection_off")

    def test_finish_is_refused_when_the_connection_was_turned_off_meanwhile(self, connection, idp, uma, browser):
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        connections.turn_off(connection=connection, actor=ACTOR)
        assert_refused(browser, browser.follow(landed), "connection_off")

    def test_finish_is_refused_when_another_version_was_turned_on_meanwhile(self, connection, idp, uma, browser):
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        connections.turn_on(connection=connection, actor=ACTOR, without_test=True)
        refused = browser.follow(landed)
        assert_refused(browser, refused, "version_changed")
        assert "was changed while you signed in" in refused.content.decode()

    def test_turn_off_ends_the_sessions_of_the_connection(self, connection, idp, uma, browser):
        browser.sign_in(idp, connection, UMA)
        assert connections.turn_off(connection=connection, actor=ACTOR) == 1
        assert browser.reaches() == []

    def test_turn_on_of_another_idp_ends_sessions_and_drops_identities(self, connection, idp, uma, browser):
        lasting = idp.change(
            name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="u-17"
        )
        browser.sign_in(lasting, connection, UMA)
        draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        other = lasting.change(idp_entity_id="urn:another:idp")
        snapshot = metadata.take_document(connection=connection, document=other.metadata())
        metadata.use_snapshot(connection=connection, snapshot=snapshot, revision=draft.revision, actor=ACTOR)
        connections.turn_on(connection=connection, actor=ACTOR, without_test=True)
        assert browser.reaches() == []
        browser.client.logout()
        connections.change_rules(connection=connection, rules=SignInRules(), actor=ACTOR)
        assert_refused(browser, browser.sign_in(other, connection, "eve@acme.example"), "not_a_member")


def test_log_lines_have_no_part_of_message_handle_or_address(connection, idp, uma, browser, caplog):
    caplog.set_level(logging.DEBUG)
    request = browser.leave(connection)
    response = idp.respond(UMA, request)
    landed = browser.deliver(connection, response)
    browser.follow(landed)
    browser.deliver(connection, idp.respond(UMA, request, fault=Fault.OTHER_KEY))
    handle = next(cookie.value for name, cookie in landed.cookies.items() if name.startswith("sso_handle_"))
    for secret in (response[:60], response[200:260], handle, UMA):
        assert secret not in caplog.text
    assert not re.search(r"<saml|SAMLResponse=", caplog.text)


class TestTwoTabsOfANewcomer:
    """Both tabs found no membership; the second finds that the first has made it."""

    @pytest.fixture(autouse=True)
    def joining(self, connection):
        connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)

    def test_second_tab_of_a_new_member_enters_the_membership_made_by_the_first(
        self, connection, idp, acme, browser, monkeypatch
    ):
        admit = admission.admit

        def admit_as_the_second(*, subject, found):
            assert found is None
            profile = Profile("new@acme.example")
            people.create_membership(org=acme, profile=profile, origin=MembershipOrigin.SSO, actor=ACTOR)
            return admit(subject=subject, found=found)

        monkeypatch.setattr(admission, "admit", admit_as_the_second)
        browser.sign_in(idp, connection, "new@acme.example")
        assert browser.reaches() == ["acme"]
        assert Membership.objects.filter(email="new@acme.example").count() == 1

    def test_sign_in_is_refused_when_the_concurrently_made_membership_is_gone_again(
        self, connection, idp, acme, browser, monkeypatch
    ):
        def gone(**order):
            raise MembershipExists

        monkeypatch.setattr(people, "create_membership", gone)
        assert_refused(browser, browser.sign_in(idp, connection, "new@acme.example"), "email_invalid")
