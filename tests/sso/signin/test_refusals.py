"""Who isn't signed in, and that the log says why while the person sees a code and plain words."""

import logging
import re
from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client

from orgs.base.clock import now
from orgs.events.models import OutboxEvent
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.errors import MembershipExists
from orgs.people.models import Invitation, InvitationLink
from orgs.people.types import INVITATION_MAIL, Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import MembershipOrigin, SignInMethod, SuspensionSource
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
from tests.factories import ACTOR, OrganizationFactory
from tests.sso.conftest import connect, verify
from tests.sso.idp import FORM, Browser, Fault, IdpNameIdFormat, NameIdSource, post_form

UMA = "uma@acme.example"
FAULTS = {
    Fault.EXPIRED: "assertion_expired",
    Fault.NOT_YET_VALID: "assertion_not_yet_valid",
    Fault.WRONG_AUDIENCE: "audience_mismatch",
    Fault.WRONG_RECIPIENT: "recipient_mismatch",
    Fault.WRONG_DESTINATION: "destination_mismatch",
    Fault.WRONG_ISSUER: "issuer_mismatch",
    Fault.UNSIGNED: "signature_missing",
    Fault.OTHER_KEY: "signature_invalid",
    Fault.SHA1: "signature_algorithm",
    Fault.STATUS_FAILURE: "status_refused",
}


def acs(connection):
    return f"/saml/{connection.public_id}/acs"


def assert_refused(browser, response, error):
    """Nobody is signed in, the page has nothing but a code, and the code leads to the reason."""
    attempt = LoginAttempt.objects.first()
    assert (response.status_code, attempt.error) == (403, error)
    assert attempt.code in response.content.decode()
    assert attempt.explanation not in response.content.decode()
    assert browser.reaches() == []
    assert not SessionGrant.objects.filter(method=SignInMethod.SAML).exists()


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


class TestAddresses:
    """Decision 3: an address outside the verified domains never gets a session, by no route."""

    FOREIGN = "greta@globex.example"

    def test_sign_in_is_refused_when_the_members_address_is_in_an_unverified_domain(
        self, connection, idp, gil, browser
    ):
        assert_refused(browser, browser.sign_in(idp, connection, gil.email), "domain_not_verified")

    def test_sign_in_adds_no_member_with_an_address_in_an_unverified_domain(self, connection, idp, browser):
        connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
        assert_refused(browser, browser.sign_in(idp, connection, self.FOREIGN), "domain_not_verified")
        assert not Membership.objects.filter(org=connection.org, email=self.FOREIGN).exists()

    def test_sign_in_of_a_linked_member_is_refused_when_the_sent_address_is_in_an_unverified_domain(
        self, connection, idp, uma, browser
    ):
        browser.sign_in(idp, connection, UMA)
        browser.client.logout()
        SessionGrant.objects.all().delete()
        lasting = idp.change(name_id=NameIdSource.CUSTOM, custom_name_id=UMA)
        assert_refused(browser, browser.sign_in(lasting, connection, self.FOREIGN), "domain_not_verified")

    def test_idp_initiated_sign_in_is_refused_for_an_address_in_an_unverified_domain(
        self, connection, idp, gil, browser
    ):
        rules = SignInRules(allow_idp_initiated=True)
        connections.change_rules(connection=connection, rules=rules, actor=ACTOR)
        response = browser.follow(browser.deliver(connection, idp.respond(gil.email)))
        assert_refused(browser, response, "domain_not_verified")

    def test_sign_in_is_refused_for_an_address_in_another_organizations_domain(
        self, connection, idp, globex, greta, browser
    ):
        verify(globex, "globex.example")
        assert_refused(browser, browser.sign_in(idp, connection, greta.email), "domain_not_verified")

    def test_sign_in_is_refused_when_the_membership_has_an_address_in_an_unverified_domain_by_now(
        self, connection, idp, uma, browser
    ):
        # a Name ID that is no address still links to the membership
        persistent = idp.change(
            name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="p-1"
        )
        browser.sign_in(persistent, connection, UMA)
        browser.client.logout()
        SessionGrant.objects.all().delete()
        people.update_profile(membership=uma, profile=Profile("uma@elsewhere.example"), actor=ACTOR)
        assert_refused(browser, browser.sign_in(persistent, connection, UMA), "domain_not_verified")

    def test_sign_in_is_refused_for_a_subdomain_of_a_verified_domain(self, connection, idp, browser):
        assert_refused(browser, browser.sign_in(idp, connection, "x@mail.acme.example"), "domain_not_verified")

    @pytest.mark.parametrize(
        "address", ["uma@acme.example@evil.example", "uma@аcme.example", "uma", ".uma.@acme.example"]
    )
    def test_sign_in_is_refused_when_the_email_is_no_plain_address(self, connection, idp, uma, browser, address):
        connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
        assert_refused(browser, browser.sign_in(idp, connection, address), "email_invalid")

    def test_sign_in_is_refused_without_an_email(self, connection, idp, uma, browser):
        silent = idp.change(name_id=NameIdSource.USERNAME)
        assert_refused(browser, browser.sign_in(silent, connection, UMA, fault=Fault.NO_EMAIL), "email_missing")


class TestPeople:
    def test_sign_in_of_a_linked_member_with_another_members_address_is_refused(
        self, connection, idp, uma, adam, browser
    ):
        lasting = idp.change(
            name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="u-17"
        )
        browser.sign_in(lasting, connection, UMA)
        browser.client.logout()
        SessionGrant.objects.all().delete()
        assert_refused(browser, browser.sign_in(lasting, connection, adam.email), "subject_changed")

    def test_sign_in_with_a_linked_members_address_and_another_name_id_is_refused(self, connection, idp, uma, browser):
        lasting = idp.change(
            name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="u-17"
        )
        browser.sign_in(lasting, connection, UMA)
        browser.client.logout()
        SessionGrant.objects.all().delete()
        newcomer = lasting.change(custom_name_id="u-99")
        assert_refused(browser, browser.sign_in(newcomer, connection, UMA), "subject_changed")

    @pytest.mark.parametrize("form", [IdpNameIdFormat.EMAIL, IdpNameIdFormat.UNSPECIFIED, IdpNameIdFormat.PERSISTENT])
    @pytest.mark.parametrize("is_known", [True, False], ids=["who has signed in", "who never signed in"])
    @pytest.mark.parametrize("name_id", ["adam@acme.example", "Adam@ACME.example"])
    def test_sign_in_is_refused_when_the_name_id_is_another_members_address(
        self, connection, idp, uma, adam, browser, form, is_known, name_id
    ):
        if is_known:
            Browser().sign_in(idp.change(name_id_format=form), connection, UMA)
            SessionGrant.objects.all().delete()
        mine = idp.change(name_id_format=form, name_id=NameIdSource.CUSTOM, custom_name_id=name_id)
        assert_refused(browser, browser.sign_in(mine, connection, UMA), "subject_changed")
        assert browser.sign_in(mine, connection, adam.email).status_code == 302

    @pytest.mark.parametrize("name_id", ["mallory-7", "mallory@elsewhere.example", "nobody@acme.example"])
    def test_sign_in_of_a_linked_member_with_another_name_id_in_the_same_format_is_refused(
        self, connection, idp, uma, browser, name_id
    ):
        Browser().sign_in(idp, connection, UMA)
        SessionGrant.objects.all().delete()
        other = idp.change(name_id=NameIdSource.CUSTOM, custom_name_id=name_id)
        assert_refused(browser, browser.sign_in(other, connection, UMA), "subject_changed")

    def test_sign_in_of_staff_is_refused_until_they_accept_an_invitation(self, connection, idp, browser):
        tenancy.create_staff(email="staff@acme.example", password="a-long-test-password")
        connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
        assert_refused(browser, browser.sign_in(idp, connection, "staff@acme.example"), "consent_missing")
        assert Membership.objects.get(email="staff@acme.example").user is None

    def test_sign_in_of_an_owner_elsewhere_is_refused_until_they_accept_an_invitation(self, connection, idp, browser):
        OrganizationFactory(slug="other", owner_email="boss@acme.example")
        connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
        assert_refused(browser, browser.sign_in(idp, connection, "boss@acme.example"), "consent_missing")

    def test_second_refused_sign_in_keeps_the_planned_invitation(self, connection, idp, browser):
        OrganizationFactory(slug="other", owner_email="boss@acme.example")
        connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
        browser.sign_in(idp, connection, "boss@acme.example")
        planned = OutboxEvent.objects.filter(kind=INVITATION_MAIL)
        first = list(planned.values_list("pk", "canceled_at"))
        browser.sign_in(idp, connection, "boss@acme.example")
        assert list(planned.values_list("pk", "canceled_at")) == first

    def test_trying_again_after_the_link_has_ended_plans_another_invitation(self, connection, idp, acme, browser):
        OrganizationFactory(slug="other", owner_email="boss@acme.example")
        connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
        browser.sign_in(idp, connection, "boss@acme.example")
        waiting = Membership.objects.get(org=acme, email="boss@acme.example")
        invitations.prepare_invitation(org=acme, membership_public_id=str(waiting.public_id))
        first = OutboxEvent.objects.get(kind=INVITATION_MAIL, canceled_at=None)
        Invitation.objects.update(expires_at=now())
        InvitationLink.objects.update(expires_at=now())
        assert_refused(browser, browser.sign_in(idp, connection, "boss@acme.example"), "consent_missing")
        assert OutboxEvent.objects.get(kind=INVITATION_MAIL, canceled_at=None).pk != first.pk

    def test_sign_in_is_refused_when_an_owner_elsewhere_has_an_invited_membership(self, connection, idp, acme, browser):
        OrganizationFactory(slug="other", owner_email="boss@acme.example")
        people.create_membership(
            org=acme, profile=Profile("boss@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
        )
        assert_refused(browser, browser.sign_in(idp, connection, "boss@acme.example"), "consent_missing")

    def test_sign_in_is_refused_when_the_account_is_closed(self, connection, idp, uma, browser):
        uma.user.is_active = False
        uma.user.save()
        assert_refused(browser, browser.sign_in(idp, connection, UMA), "account_closed")
        assert LoginAttempt.objects.get().membership == uma

    def test_refused_sign_in_is_logged_with_the_member_found_by_name_id(self, connection, idp, uma, browser):
        lasting = idp.change(
            name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="u-17"
        )
        Browser().sign_in(lasting, connection, UMA)
        people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
        assert_refused(browser, browser.sign_in(lasting, connection, "uma.new@acme.example"), "member_suspended")
        assert LoginAttempt.objects.first().membership == uma


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


class TestHostileBodies:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"SAMLResponse": ""},
            {"SAMLResponse": "not base64 at all!"},
            {"SAMLResponse": "PGh0bWw+"},
            {"SAMLResponse": ["PGE+", "PGE+"]},
            {"RelayState": "x" * 10_000},
            {"SAMLResponse": "A" * 340_000},
            {"SAMLResponse": "\x00\ud800"},
        ],
        ids=["nothing", "empty", "no base64", "html", "two", "relay state only", "too large", "no text"],
    )
    def test_acs_refuses_a_malformed_form_as_message_unreadable(self, connection, browser, fields):
        encoded = {name: value for name, value in fields.items() if "\ud800" not in str(value)}
        response = post_form(browser.client, connection, encoded)
        assert_refused(browser, response, "message_unreadable")

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", "application/xml"])
    def test_acs_refuses_a_body_that_is_no_form(self, connection, browser, kind):
        response = Client().generic("POST", f"/saml/{connection.public_id}/acs", b"{\xff", content_type=kind)
        assert_refused(browser, response, "message_unreadable")

    def test_acs_refuses_a_genuine_message_in_a_multipart_form(self, connection, idp, uma, browser):
        fields = {"SAMLResponse": idp.respond(UMA, browser.leave(connection))}
        response = browser.client.post(f"/saml/{connection.public_id}/acs", fields)
        assert response.request["CONTENT_TYPE"].startswith("multipart/form-data")
        assert_refused(browser, response, "message_unreadable")

    @pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
    def test_acs_accepts_a_form_with_utf_8_as_charset(self, connection, idp, uma, browser, charset):
        fields = {"SAMLResponse": idp.respond(UMA, browser.leave(connection))}
        assert post_form(browser.client, connection, fields, f"{FORM}; charset={charset}").status_code == 303

    @pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=x"])
    @pytest.mark.parametrize("charset", ["hex", "base64", "bz2", "zlib", "rot13", "idna", "undefined", "utf-16", "?"])
    def test_acs_returns_400_for_a_form_with_another_charset(self, connection, kind, charset):
        sent = post_form(Client(), connection, {"SAMLResponse": "x"}, f"{kind}; charset={charset}")
        assert sent.status_code == 400

    @pytest.mark.parametrize(
        ("more", "status"), [(0, 303), (settings.LARGEST_SAML_BODY, 413)], ids=["whole", "too large"]
    )
    def test_acs_accepts_a_chunked_body_up_to_the_largest_size(self, connection, idp, uma, browser, more, status):
        fields = {"SAMLResponse": idp.respond(UMA, browser.leave(connection)), "RelayState": "x" * more}
        unmeasured = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": "", "wsgi.input": BytesIO(urlencode(fields).encode())}
        marked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        assert browser.client.generic("POST", acs(connection), **unmeasured, **marked).status_code == status

    def test_acs_returns_413_for_a_too_large_body_without_a_log_row(self, connection):
        sent = post_form(Client(), connection, {"SAMLResponse": "x" * settings.LARGEST_SAML_BODY})
        assert sent.status_code == 413
        assert not LoginAttempt.objects.exists()

    def test_acs_returns_411_without_reading_when_the_end_of_the_body_is_not_marked(self, connection):
        unmeasured = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": "", "wsgi.input": BytesIO(b"SAMLResponse=x")}
        sent = Client().generic("POST", acs(connection), **unmeasured, HTTP_TRANSFER_ENCODING="chunked")
        assert sent.status_code == 411
        assert unmeasured["wsgi.input"].tell() == 0

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_acs_returns_405_for_other_methods(self, connection, method):
        assert Client().generic(method, f"/saml/{connection.public_id}/acs").status_code == 405

    def test_acs_logs_a_bounded_number_of_malformed_messages_per_minute(self, connection, browser, monkeypatch):
        monkeypatch.setattr(attempts, "LOGGED_PER_MINUTE", 3)
        for _ in range(5):
            response = post_form(browser.client, connection, {"SAMLResponse": "x"})
        assert response.status_code == 403
        assert LoginAttempt.objects.filter(outcome=AttemptOutcome.REFUSED).count() == 3

    @pytest.fixture
    def flood(self, connection, monkeypatch):
        """Strangers have sent more than is written down."""
        monkeypatch.setattr(attempts, "LOGGED_PER_MINUTE", 3)
        for _ in range(5):
            last = post_form(Client(), connection, {"SAMLResponse": "x"})
        return last

    def test_refused_verified_sign_in_is_logged_during_a_flood_of_malformed_messages(
        self, connection, idp, uma, browser, flood
    ):
        browser.sign_in(idp, connection, "eve@acme.example")
        assert LoginAttempt.objects.first().error == "not_a_member"

    @pytest.mark.parametrize("fault", [Fault.EXPIRED, Fault.WRONG_AUDIENCE])
    def test_refused_response_to_a_known_request_is_logged_during_a_flood(
        self, connection, idp, uma, browser, flood, fault
    ):
        assert_refused(browser, browser.sign_in(idp, connection, UMA, fault=fault), FAULTS[fault])

    def test_restarted_unsolicited_answer_is_logged_during_a_flood(self, connection, idp, uma, browser, flood):
        browser.deliver(connection, idp.respond(UMA))
        assert LoginAttempt.objects.first().outcome == AttemptOutcome.RESTARTED

    def test_replayed_answer_is_logged_a_bounded_number_of_times(self, connection, idp, uma, browser, flood):
        response = idp.respond(UMA, browser.leave(connection))
        for _ in range(6):
            last = browser.deliver(connection, response)
        assert LoginAttempt.objects.filter(error="assertion_replayed").count() == 3
        assert (last.status_code, browser.reaches()) == (403, [])
        assert "isn’t in your organization’s sign-in log" in last.content.decode()

    def test_refusal_page_shows_the_request_id_and_no_code_when_the_attempt_was_not_logged(self, connection, flood):
        page = flood.content.decode()
        assert "attempt-code" not in page
        assert "isn’t in your organization’s sign-in log" in page
        assert flood["X-Request-ID"] in page

    def test_unsolicited_response_restarts_the_sign_in_once_only(self, connection, idp, uma, browser):
        response = idp.respond(UMA)
        assert browser.deliver(connection, response).status_code == 303
        refused = browser.follow(browser.deliver(connection, response))
        assert_refused(browser, refused, "assertion_replayed")


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
