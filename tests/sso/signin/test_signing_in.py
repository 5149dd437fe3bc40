"""The way of a person: by the Login URL, by a deep link, by the IdP's tile; and what their session reaches."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import time_machine

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.people import services as people
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, SessionGrant, User
from orgs.tenancy.types import SignInMethod
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from sso.connections import services as connections
from sso.connections.models import SamlIdentity
from sso.identity.types import DEFAULT_SKEW, SignInCheck
from tests.factories import ACTOR, MembershipFactory
from tests.sso.idp import Browser, IdpNameIdFormat, Signs, Style
from tests.sso.signin.joining import UMA, allow


def test_a_member_signs_in_and_reaches_their_organization(connection, idp, uma, browser):
    arrived = browser.sign_in(idp, connection, UMA)
    assert arrived["Location"] == "/orgs/acme/"
    assert browser.reaches() == ["acme"]


def test_sign_in_is_logged_with_member_version_and_passed_checks(connection, idp, uma, browser):
    browser.sign_in(idp, connection, UMA)
    attempt = LoginAttempt.objects.get()
    assert (attempt.outcome, attempt.email, attempt.membership) == (AttemptOutcome.SIGNED_IN, UMA, uma)
    assert (attempt.version, attempt.is_idp_initiated, len(attempt.passed_checks)) == (1, False, 13)


@pytest.mark.parametrize("signs", Signs)
@pytest.mark.parametrize("style", Style)
def test_each_vendors_style_of_response_signs_in(connection, idp, uma, browser, signs, style):
    from sandbox.test_idp.types import PRESETS

    browser.sign_in(idp.change(signs=signs, style=style, attributes=PRESETS[style]), connection, UMA)
    assert browser.reaches() == ["acme"]


@pytest.mark.parametrize("name_id_format", IdpNameIdFormat)
def test_each_name_id_format_signs_in(connection, idp, uma, browser, name_id_format):
    browser.sign_in(idp.change(name_id_format=name_id_format), connection, UMA)
    assert browser.reaches() == ["acme"]


def test_login_url_shows_a_form_with_a_button_when_the_idp_offers_post_only(acme, uma, browser, idp_keys):
    from tests.sso.conftest import connect, verify

    verify(acme, "acme.example")
    connection, idp = connect(acme, idp_keys, declares_redirect=False)
    connections.turn_on(connection=connection, actor=ACTOR, without_test=True)
    page = browser.client.get(f"/saml/{connection.public_id}/login")
    assert b"Continue to JumpCloud" in page.content
    assert "form-action 'self' https: https://sso.jumpcloud.com" in page["Content-Security-Policy"]
    browser.sign_in(idp, connection, UMA)
    assert browser.reaches() == ["acme"]


def test_sign_in_finds_the_member_by_email_in_any_case(connection, idp, uma, browser):
    browser.sign_in(idp, connection, "UMA@Acme.Example")
    assert LoginAttempt.objects.get().membership == uma
    assert Membership.objects.filter(email_key=UMA).count() == 1


def test_sign_in_adds_the_member_and_replaces_an_unverified_account_with_the_address(connection, idp, browser):
    claim = tenancy.sign_up(email="newhire@acme.example", password="a-strangers-password")
    allow(connection, jit=True)
    browser.sign_in(idp, connection, "newhire@acme.example")
    assert browser.reaches() == ["acme"]
    member = Membership.objects.get(email="newhire@acme.example")
    assert not User.objects.filter(pk=claim.pk).exists()
    assert not member.user.has_usable_password()


def test_second_sign_in_links_no_second_identity(connection, idp, uma, browser):
    for _ in range(2):
        browser.sign_in(idp, connection, UMA)
    assert SamlIdentity.objects.filter(connection=connection, membership=uma).count() == 1
    assert AuditEvent.objects.filter(action="membership.identity_linked").count() == 1


def test_sign_in_leads_to_the_requested_page(connection, idp, adam, browser):
    path = "/orgs/acme/settings/members/?q=nora&page=2"
    arrived = browser.sign_in(idp, connection, "adam@acme.example", f"?next={quote(path)}")
    assert arrived["Location"] == path


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/x", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_leads_to_the_organization_when_next_is_another_site(connection, idp, uma, browser, target):
    arrived = browser.sign_in(idp, connection, UMA, f"?next={quote(target)}")
    assert arrived["Location"] == "/orgs/acme/"


def test_sign_in_never_redirects_to_a_relay_state_from_outside(connection, idp, uma, browser):
    request = browser.leave(connection)
    landed = browser.deliver(connection, idp.respond(UMA, request), relay_state="https://evil.example/")
    assert browser.follow(landed)["Location"] == "/orgs/acme/"


def test_saml_session_opens_the_organization_of_the_connection_only(connection, idp, uma, globex, browser):
    people.join(membership=MembershipFactory(org=globex, email="x@globex.example"), user=uma.user, actor=ACTOR)
    browser.sign_in(idp, connection, UMA)
    assert browser.reaches() == ["acme"]
    assert browser.client.get("/orgs/globex/").status_code == 404


@pytest.mark.parametrize("path", ["/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/admin/"])
def test_saml_session_gets_403_on_account_and_admin_pages(connection, idp, uma, browser, path):
    browser.sign_in(idp, connection, UMA)
    assert browser.client.get(path).status_code == 403


def test_saml_session_is_listed_among_the_accounts_sessions(connection, idp, uma, browser, sign_in):
    browser.sign_in(idp, connection, UMA)
    assert uma.user.usersession_set.count() == 1


def test_sign_in_gives_the_session_a_new_id(connection, idp, uma, browser):
    browser.client.get("/accounts/login/")
    session = browser.client.session
    session["planted"] = "yes"
    session.save()
    browser.client.cookies["sessionid"] = session.session_key
    browser.sign_in(idp, connection, UMA)
    assert browser.client.cookies["sessionid"].value != session.session_key


def test_saml_session_ends_at_session_not_on_or_after(connection, idp, uma, browser):
    ends = now() + timedelta(minutes=30)
    browser.sign_in(idp, connection, UMA, session_ends=ends)
    # the IdP's clock may be behind
    ends += DEFAULT_SKEW
    assert abs(SessionGrant.objects.get(method=SignInMethod.SAML).expires_at - ends) < timedelta(seconds=1)
    with time_machine.travel(ends + timedelta(minutes=1), tick=False):
        assert browser.reaches() == []


def test_sign_in_is_accepted_when_the_idp_session_ended_within_the_clock_skew(connection, idp, uma, browser):
    browser.sign_in(idp, connection, UMA, session_ends=now() - timedelta(seconds=60))
    assert browser.reaches() == ["acme"]


def test_saml_session_ends_with_the_cookie_age_when_the_idp_sets_a_later_end(connection, idp, uma, browser, settings):
    browser.sign_in(idp, connection, UMA, session_ends=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    ours = now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    assert abs(SessionGrant.objects.get(method=SignInMethod.SAML).expires_at - ours) < timedelta(seconds=10)


def test_finish_is_refused_when_the_idp_session_is_over_by_then(connection, idp, uma, browser):
    begun = now()
    response = idp.respond(UMA, browser.leave(connection), session_ends=begun - timedelta(seconds=60))
    landed = browser.deliver(connection, response)
    with time_machine.travel(begun + timedelta(seconds=40), tick=False):
        assert browser.follow(landed).status_code == 403
    assert LoginAttempt.objects.first().error == "assertion_expired"
    assert not SessionGrant.objects.filter(method=SignInMethod.SAML).exists()


def test_sign_in_keeps_the_password_session_of_the_same_person(connection, idp, uma, browser, sign_in):
    browser.client = sign_in(uma)
    browser.sign_in(idp, connection, UMA)
    assert browser.client.get("/accounts/email/").status_code == 200
    assert SessionGrant.objects.get(membership=uma).method == SignInMethod.PASSWORD


def test_switch_ends_the_other_persons_session_in_the_browser(connection, idp, uma, greta, browser, sign_in):
    browser.client = sign_in(greta)
    browser.switch(browser.sign_in(idp, connection, UMA))
    assert browser.reaches() == ["acme"]
    assert browser.client.get("/accounts/email/").status_code == 403


def test_three_tabs_of_one_browser_all_sign_in(connection, idp, uma, browser):
    requests = [browser.leave(connection) for _ in range(3)]
    pendings = [browser.deliver(connection, idp.respond(UMA, request), relay_state="") for request in requests]
    assert [browser.follow(pending).status_code for pending in pendings] == [302, 302, 302]
    assert browser.reaches() == ["acme"]


def test_slower_tab_signs_in_after_the_faster_one(connection, idp, uma, browser):
    slow, fast = browser.leave(connection), browser.leave(connection)
    for request in (fast, slow):
        landed = browser.deliver(connection, idp.respond(UMA, request), relay_state="")
        assert browser.follow(landed).status_code == 302


def test_browser_keeps_at_most_ten_flow_cookies(connection, browser):
    for _ in range(14):
        browser.leave(connection)
    kept = [name for name, cookie in browser.client.cookies.items() if name.startswith("sso_flow_") and cookie.value]
    assert len(kept) == 10


def test_turn_off_keeps_the_session_of_a_person_signed_in_by_password_too(connection, idp, olga, browser, sign_in):
    browser.client = sign_in(olga)
    assert browser.sign_in(idp, connection, olga.email).status_code == 302
    connections.turn_off(connection=connection, actor=ACTOR)
    assert browser.reaches() == ["acme"]


class TestSignInsThatTheIdpBegins:
    def test_unsolicited_answer_restarts_the_sign_in_when_idp_initiated_is_off(self, connection, idp, uma, browser):
        landed = browser.deliver(connection, idp.respond(UMA))
        assert landed["Location"] == f"/saml/{connection.public_id}/login?again=1"
        assert LoginAttempt.objects.get().passed_checks == list(SignInCheck)[:9]
        request = browser.leave(connection, "?again=1")
        browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        assert browser.reaches() == ["acme"]
        assert set(LoginAttempt.objects.values_list("outcome", flat=True)) == {
            AttemptOutcome.RESTARTED,
            AttemptOutcome.SIGNED_IN,
        }

    def test_second_unsolicited_answer_is_refused_with_the_setting_when_idp_initiated_is_off(
        self, connection, idp, uma, browser
    ):
        for _ in range(2):
            landed = browser.deliver(connection, idp.respond(UMA))
            arrived = browser.follow(landed)
        assert arrived.status_code == 403
        attempt = LoginAttempt.objects.first()
        assert (attempt.error, attempt.setting) == ("unsolicited_refused", "idp_initiated")

    def test_unsolicited_answer_signs_in_when_idp_initiated_is_on(self, connection, idp, uma, browser):
        allow(connection, allow_idp_initiated=True)
        browser.follow(browser.deliver(connection, idp.respond(UMA)))
        assert browser.reaches() == ["acme"]
        assert LoginAttempt.objects.get().is_idp_initiated

    def test_unsolicited_answer_cannot_be_finished_in_another_browser(self, connection, idp, uma, browser):
        allow(connection, allow_idp_initiated=True)
        landed = browser.deliver(connection, idp.respond(UMA))
        victim = Browser()
        assert victim.follow(landed).status_code == 403
        assert victim.reaches() == []

    def test_unsolicited_answer_is_refused_when_idp_initiated_is_turned_off_before_the_finish(
        self, connection, idp, uma, browser
    ):
        allow(connection, allow_idp_initiated=True)
        landed = browser.deliver(connection, idp.respond(UMA))
        allow(connection)
        assert browser.follow(landed).status_code == 403


class TestSomebodyElseIsSignedIn:
    """An answer that nobody asked for may have been planted, so that a person works in an attacker's account unawares."""

    @pytest.fixture(autouse=True)
    def begun_there(self, connection):
        allow(connection, allow_idp_initiated=True)

    @pytest.fixture
    def adams(self, adam, sign_in) -> Browser:
        return Browser(sign_in(adam))

    def test_unsolicited_answer_for_somebody_else_keeps_the_session_and_restarts_the_sign_in(
        self, connection, idp, uma, adams
    ):
        landed = adams.follow(adams.deliver(connection, idp.respond(UMA)))
        assert landed["Location"] == f"/saml/{connection.public_id}/login?again=1"
        assert adams.client.get("/accounts/email/").status_code == 200
        attempt = LoginAttempt.objects.get()
        assert attempt.outcome == AttemptOutcome.RESTARTED
        assert set(SignInCheck) - set(attempt.passed_checks) == {SignInCheck.REQUEST, SignInCheck.MEMBER}
        assert not SessionGrant.objects.filter(membership=uma).exists()

    def test_restarted_sign_in_of_somebody_else_switches_after_consent(self, connection, idp, uma, adams):
        adams.follow(adams.deliver(connection, idp.respond(UMA)))
        request = adams.leave(connection, "?again=1")
        asked = adams.follow(adams.deliver(connection, idp.respond(UMA, request)))
        assert not SessionGrant.objects.filter(membership=uma).exists()
        adams.switch(asked)
        assert SessionGrant.objects.filter(membership=uma, method=SignInMethod.SAML).exists()

    def test_second_unsolicited_answer_for_somebody_else_is_refused(self, connection, idp, uma, adams):
        for _ in range(2):
            arrived = adams.follow(adams.follow(adams.deliver(connection, idp.respond(UMA))))
        assert (arrived.status_code, LoginAttempt.objects.first().error) == (403, "other_person_signed_in")
        assert "Sign out there first" in arrived.content.decode()

    def test_attempt_page_says_that_somebody_else_was_signed_in(self, connection, idp, uma, adams):
        adams.follow(adams.deliver(connection, idp.respond(UMA)))
        attempt = LoginAttempt.objects.get()
        page = adams.client.get(f"/orgs/acme/settings/sign-in-log/{attempt.public_id}/").content.decode()
        assert "Somebody else was signed in in that browser" in page

    def test_unsolicited_answer_for_a_new_person_adds_nobody_when_somebody_else_is_signed_in(
        self, connection, idp, adams
    ):
        allow(connection, allow_idp_initiated=True, jit=True)
        adams.follow(adams.deliver(connection, idp.respond("new@acme.example")))
        assert not Membership.objects.filter(email="new@acme.example").exists()

    def test_unsolicited_answer_for_the_signed_in_person_signs_in(self, connection, idp, adams):
        adams.follow(adams.deliver(connection, idp.respond("adam@acme.example")))
        assert LoginAttempt.objects.get().outcome == AttemptOutcome.SIGNED_IN
