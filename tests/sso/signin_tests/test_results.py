"""Test sign-ins: each has a status, shows its checks and claims, and signs nobody in."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils.html import escape

from orgs.base.clock import now
from orgs.people import services as people
from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import SignInMethod, SuspensionSource
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from sso.connections import queries as connection_queries
from sso.connections import services as connections
from sso.connections.errors import SetupIncomplete
from sso.connections.models import Configuration
from sso.connections.types import AttributeChoice, ConnectionState, SignInRules
from sso.identity.types import SignInCheck
from sso.metadata import services as metadata
from sso.signin import services as signin
from sso.signin.models import ConsumedAssertion
from sso.signin.tasks import prune
from sso.signin_tests import services
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import TEST_LIFE, SignInPreview, SignInTestStatus
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.conftest import verify
from tests.sso.idp import Browser, Fault, Idp

UMA = "uma@acme.example"


@pytest.fixture
def untested(draft):
    return draft[0]


@pytest.fixture
def tester(olga, sign_in) -> Browser:
    """Olga's browser, in which she is signed in by password."""
    return Browser(sign_in(olga))


def begin(tester, connection) -> SignInTest:
    """Press the button; the new tab's page leads to the IdP."""
    url = f"/orgs/acme/settings/authentication/connections/{connection.public_id}/test/"
    page = tester.client.post(url)
    assert re.search(r'http-equiv="refresh" content="0;url=/saml/[^"]+\?test=', page.content.decode())
    return SignInTest.objects.first()


def run(tester, connection, idp, email=UMA, **given) -> SignInTest:
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    landed = tester.deliver(connection, idp.respond(email, request, **given))
    while landed.status_code in {302, 303}:
        landed = tester.follow(landed)
    assert landed.status_code == 200
    test.refresh_from_db()
    return test


def page_of(tester, test) -> str:
    return tester.client.get(f"/orgs/acme/settings/authentication/tests/{test.public_id}/").content.decode()


def test_test_sign_in_passes_with_a_good_answer_and_allows_turn_on(untested, idp, uma, tester):
    test = run(tester, untested, idp)
    assert (test.status, test.preview) == (SignInTestStatus.PASSED, SignInPreview.SIGNS_IN)
    assert set(SignInCheck) - set(test.attempt.passed_checks) == {SignInCheck.MEMBER}
    untested.refresh_from_db()
    assert untested.state == ConnectionState.TESTED
    connections.turn_on(connection=untested, actor=ACTOR)


def test_test_sign_in_signs_nobody_in_and_keeps_the_admins_session(untested, idp, uma, tester):
    session = tester.client.cookies["sessionid"].value
    run(tester, untested, idp)
    assert tester.client.cookies["sessionid"].value == session
    assert tester.client.get("/accounts/email/").status_code == 200
    assert Membership.objects.get(pk=uma.pk).last_sign_in_at is None


def test_test_result_page_shows_checks_claims_and_profile(untested, idp, uma, tester):
    page = page_of(tester, run(tester, untested, idp, first="Uma", last="Unger"))
    for shown in ("It is signed with a certificate", "firstname", "Unger", "Name ID", "from <code>lastname</code>"):
        assert shown in page
    assert page.count("Passed") >= 12


@pytest.mark.parametrize("name", ["items", "keys", "values", "0", "", "name", "<b>"])
def test_test_result_page_shows_attributes_of_any_name(untested, idp, uma, tester, name):
    test = run(tester, untested, idp)
    test.claims["attributes"] = {name: ["first-of-two", "second"], "mail": [UMA]}
    test.save()
    page = page_of(tester, test)
    assert "<code>first-of-two</code> <code>second</code>" in page
    assert f">{escape(name)}</dt>" in page


@pytest.mark.parametrize(
    "fault", [Fault.WRONG_AUDIENCE, Fault.SHA1, Fault.STATUS_FAILURE, Fault.EXPIRED, Fault.NO_EMAIL]
)
def test_test_sign_in_fails_with_advice_when_the_response_has_a_fault(untested, idp, uma, tester, fault):
    from tests.sso.idp import NameIdSource

    test = run(tester, untested, idp.change(name_id=NameIdSource.USERNAME), fault=fault)
    assert test.status == SignInTestStatus.FAILED
    assert "What to change in JumpCloud" in page_of(tester, test)
    assert LoginAttempt.objects.get().outcome == AttemptOutcome.TEST_FAILED
    assert connection_queries.in_preparation(untested).tested_at is None


def mapping_page(tester, connection) -> str:
    url = f"/orgs/acme/settings/authentication/connections/{connection.public_id}/setup/attributes/"
    return " ".join(tester.client.get(url).content.decode().split())


def test_attributes_page_shows_the_values_of_the_last_test(untested, idp, uma, tester):
    assert "Last test" not in mapping_page(tester, untested)
    run(tester, untested, idp, first="Uma", last="Unger")
    page = mapping_page(tester, untested)
    assert '<td data-label="Last test" class="wrap-anywhere">Unger</td>' in page
    assert "<code>firstname</code>" in page


def test_attributes_page_shows_the_value_that_an_edited_name_would_read(untested, idp, uma, tester):
    run(tester, untested, idp, first="Uma", last="Unger")
    draft = connection_queries.in_preparation(untested)
    choice = AttributeChoice(names={"given_name": "lastname"})
    versions.choose_attributes(connection=untested, choice=choice, revision=draft.revision, actor=ACTOR)
    assert 'Unger <span class="text-sm text-muted">from <code>lastname</code>' in mapping_page(tester, untested)


def test_test_result_page_links_to_the_email_row_when_the_email_is_missing(untested, idp, uma, tester):
    from tests.sso.idp import NameIdSource

    test = run(tester, untested, idp.change(name_id=NameIdSource.USERNAME), fault=Fault.NO_EMAIL)
    assert "/setup/attributes/#attribute-email" in page_of(tester, test)
    assert '<span class="pill pill-bad">' in mapping_page(tester, untested)


def test_test_sign_in_fails_when_the_domain_is_unverified(untested, idp, tester):
    test = run(tester, untested, idp, email="nora@unverified.example")
    assert (test.status, test.attempt.error) == (SignInTestStatus.FAILED, "domain_not_verified")


def test_test_result_page_shows_the_profile_when_only_the_domain_check_failed(untested, idp, tester):
    test = run(tester, untested, idp, email="nora@unverified.example", last="Unger")
    assert "from <code>lastname</code>" in page_of(tester, test)


def test_test_sign_in_times_out_after_five_minutes(untested, tester):
    test = begin(tester, untested)
    with time_machine.travel(test.started_at + timedelta(minutes=4, seconds=59), tick=False):
        assert "Waiting" in page_of(tester, test)
    with time_machine.travel(test.started_at + timedelta(minutes=5, seconds=1), tick=False):
        page = page_of(tester, test)
    assert "Timed out" in page
    assert "No answer came back within 5 minutes." in page


def test_test_result_page_leads_back_to_its_connection(untested, tester):
    page = page_of(tester, begin(tester, untested))
    way_back = page.partition('aria-label="Breadcrumb"')[2].partition("</nav>")[0]
    assert f'href="/orgs/acme/settings/authentication/connections/{untested.public_id}/"' in way_back


def test_test_result_page_polls_while_the_test_is_waiting(untested, tester):
    test = begin(tester, untested)
    url = f"/orgs/acme/settings/authentication/tests/{test.public_id}/"
    part = tester.client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' in part
    assert "<html" not in part


def test_passed_test_does_not_count_when_the_version_was_edited_after_its_start(untested, idp, uma, tester):
    test = begin(tester, untested)
    draft = connection_queries.in_preparation(untested)
    choice = AttributeChoice({"email": "email"})
    versions.choose_attributes(connection=untested, choice=choice, revision=draft.revision, actor=ACTOR)
    request = tester.leave(untested, f"?test={test.public_id}")
    tester.follow(tester.deliver(untested, idp.respond(UMA, request)))
    test.refresh_from_db()
    assert test.status == SignInTestStatus.PASSED
    assert connection_queries.in_preparation(untested).tested_at is None
    assert "doesn’t count" in page_of(tester, test)


def test_test_preview_says_joins_when_the_person_would_be_added(untested, idp, tester):
    connections.change_rules(connection=untested, rules=SignInRules(jit=True), actor=ACTOR)
    assert run(tester, untested, idp, email="new@acme.example").preview == SignInPreview.JOINS
    assert not Membership.objects.filter(email="new@acme.example").exists()


def test_test_preview_says_refused_when_the_member_is_suspended(untested, idp, uma, tester):
    people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
    test = run(tester, untested, idp)
    assert (test.status, test.preview) == (SignInTestStatus.PASSED, SignInPreview.REFUSED)
    assert "suspended" in page_of(tester, test)


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


def test_test_ends_as_a_warning_when_a_needed_attribute_was_not_sent(untested, idp, uma, tester):
    without = idp.change(attributes=tuple(one for one in idp.app.attributes if one.name != "firstname"))
    test = run(tester, untested, without, first="Uma", last="Ünal")
    assert (test.status, test.is_incomplete, test.profile["missing"]) == (SignInTestStatus.PASSED, True, ["given_name"])
    page = page_of(tester, test)
    for said in (
        "Passed, attribute missing",
        "no <code>firstname</code> came",
        "In JumpCloud, add the attribute <code>firstname</code> with the value <b>firstname</b>",
    ):
        assert said in page
    listed = tester.client.get(f"/orgs/acme/settings/authentication/connections/{untested.public_id}/").content.decode()
    assert "Passed, attribute missing" in listed


def test_test_ends_as_a_warning_when_only_the_name_id_holds_the_address(untested, idp, uma, tester):
    without = idp.change(attributes=tuple(one for one in idp.app.attributes if one.name != "email"))
    test = run(tester, untested, without, first="Uma", last="Ünal")
    assert (test.status, test.profile["missing"]) == (SignInTestStatus.PASSED, ["email"])


def test_test_is_complete_when_every_needed_attribute_came_by_the_names_that_were_chosen(untested, idp, uma, tester):
    test = run(tester, untested, idp, first="Uma", last="Ünal")
    assert (test.is_incomplete, test.profile["missing"]) == (False, [])
    assert "attribute missing" not in page_of(tester, test)


def test_page_of_a_test_says_how_many_values_were_not_kept(untested, idp, uma, tester):
    test = run(tester, untested, idp)
    SignInTest.objects.filter(pk=test.pk).update(claims=test.claims | {"left_out": {"email": 7}})
    assert "and 7 more, which aren’t kept" in page_of(tester, test)


def test_test_answer_is_verified_by_the_tested_version_even_when_the_one_in_force_would_fit(
    connection, idp, uma, tester
):
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    tester.follow(tester.deliver(connection, idp.respond(UMA, request), relay_state=""))
    test.refresh_from_db()
    assert (test.status, test.attempt.version) == (SignInTestStatus.PASSED, 2)


def test_test_sign_in_fails_when_the_answer_arrives_after_its_lifetime(connection, idp, uma, tester):
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    with time_machine.travel(now() + TEST_LIFE + timedelta(seconds=1), tick=False):
        tester.follow(tester.deliver(connection, idp.respond(UMA, request)))
    test.refresh_from_db()
    assert (test.status, test.attempt.error) == (SignInTestStatus.FAILED, "request_unknown")
    assert test.attempt.received == "one that came too late"


def test_login_page_of_a_test_names_the_provider_of_the_tested_version(connection, idp, tester):
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    by_post = idp.change(declares_redirect=False)
    snapshot = metadata.take_document(connection=connection, document=by_post.metadata())
    metadata.use_snapshot(connection=connection, snapshot=snapshot, revision=draft.revision, actor=ACTOR)
    Configuration.objects.filter(pk=draft.pk).update(provider="okta")
    page = tester.client.get(f"/saml/{connection.public_id}/login?test={begin(tester, connection).public_id}")
    assert "Continue to Okta" in page.content.decode()


class TestOfAVersionThatIsNotInForce:
    """What its test brings back is verified by that version also when nothing but the browser knows of the test."""

    def test_test_of_a_version_not_in_force_passes_without_relay_state(self, untested, idp, uma, tester):
        test = begin(tester, untested)
        request = tester.leave(untested, f"?test={test.public_id}")
        tester.follow(tester.follow(tester.deliver(untested, idp.respond(UMA, request), relay_state="")))
        test.refresh_from_db()
        assert test.status == SignInTestStatus.PASSED
        assert not SessionGrant.objects.filter(method=SignInMethod.SAML).exists()

    def test_test_of_another_idp_passes_without_relay_state_beside_the_version_in_force(
        self, connection, idp, uma, tester
    ):
        other = prepare_other_idp(connection, idp)
        test = begin(tester, connection)
        request = tester.leave(connection, f"?test={test.public_id}")
        tester.follow(tester.deliver(connection, other.respond(UMA, request), relay_state="lost"))
        test.refresh_from_db()
        assert (test.status, test.attempt.version) == (SignInTestStatus.PASSED, 2)

    def test_finish_signs_nobody_in_after_a_test_mismatch(self, connection, idp, uma, tester, browser):
        other = prepare_other_idp(connection, idp)
        begin(tester, connection)
        arrived = browser.sign_in(other, connection, UMA)
        assert (arrived.status_code, LoginAttempt.objects.get().error) == (403, "version_changed")
        assert browser.reaches() == []

    def test_finish_signs_nobody_in_when_the_tested_version_is_turned_on_after_the_mismatch(
        self, connection, idp, uma, tester, browser
    ):
        other = prepare_other_idp(connection, idp)
        begin(tester, connection)
        landed = browser.deliver(connection, other.respond(UMA, browser.leave(connection)))
        connections.turn_on(connection=connection, actor=ACTOR, without_test=True)
        assert browser.follow(landed).status_code == 403
        assert LoginAttempt.objects.get().error == "version_changed"
        assert browser.reaches() == []

    def test_finish_signs_nobody_in_by_a_waiting_test_when_the_connection_is_off(
        self, connection, idp, uma, tester, browser
    ):
        request = browser.leave(connection)
        connections.turn_off(connection=connection, actor=ACTOR)
        begin(tester, connection)
        browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        assert LoginAttempt.objects.get().error == "connection_off"
        assert browser.reaches() == []

    @pytest.mark.parametrize(
        ("fault", "error"), [(Fault.WRONG_AUDIENCE, "audience_mismatch"), (Fault.OTHER_KEY, "signature_invalid")]
    )
    def test_answer_that_fits_neither_version_is_refused_for_the_one_in_force(
        self, connection, idp, uma, tester, browser, fault, error
    ):
        prepare_other_idp(connection, idp)
        begin(tester, connection)
        browser.sign_in(idp, connection, UMA, fault=fault)
        attempt = LoginAttempt.objects.get()
        assert (attempt.error, attempt.version) == (error, 1)

    def test_answer_that_does_not_fit_the_only_version_is_refused_with_its_own_error(self, untested, idp, uma, tester):
        test = begin(tester, untested)
        tester.leave(untested, f"?test={test.public_id}")
        unasked = idp.respond(UMA, fault=Fault.WRONG_AUDIENCE)
        assert tester.deliver(untested, unasked, relay_state="").status_code == 403
        assert LoginAttempt.objects.get().error == "audience_mismatch"


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


def prepare_other_idp(connection, idp) -> Idp:
    """Return the IdP that the next version of this connection trusts."""
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    other = idp.change(idp_entity_id="urn:another:idp")
    snapshot = metadata.take_document(connection=connection, document=other.metadata())
    metadata.use_snapshot(connection=connection, snapshot=snapshot, revision=draft.revision, actor=ACTOR)
    return other


def test_answer_to_a_test_of_a_discarded_version_is_refused(connection, idp, uma, tester):
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    versions.discard_preparation(connection=connection, number=2, actor=ACTOR)
    arrived = tester.follow(tester.deliver(connection, idp.respond(UMA, request)))
    assert arrived.status_code == 403
    assert LoginAttempt.objects.get().error == "request_unknown"


def test_passed_test_does_not_count_when_its_admin_was_suspended_meanwhile(untested, idp, adam, uma, sign_in):
    tester = Browser(sign_in(adam))
    test = begin(tester, untested)
    request = tester.leave(untested, f"?test={test.public_id}")
    people.suspend_membership(membership=adam, source=SuspensionSource.ADMIN, actor=ACTOR)
    tester.follow(tester.deliver(untested, idp.respond(UMA, request)))
    assert connection_queries.in_preparation(untested).tested_at is None
    untested.refresh_from_db()
    assert untested.state == ConnectionState.DRAFT


def test_test_result_is_that_of_the_first_of_two_answers(untested, idp, uma, tester):
    test = begin(tester, untested)
    request = tester.leave(untested, f"?test={test.public_id}")
    pendings = [tester.deliver(untested, idp.respond(email, request)) for email in (UMA, "eve@elsewhere.example")]
    for landed in pendings:
        tester.follow(landed)
    test.refresh_from_db()
    assert test.status == SignInTestStatus.PASSED


def test_test_sign_in_fails_when_the_answer_is_to_another_request(untested, idp, uma, tester):
    test = begin(tester, untested)
    first = tester.leave(untested, f"?test={test.public_id}")
    second = begin(tester, untested)
    tester.leave(untested, f"?test={second.public_id}")
    tester.follow(tester.follow(tester.deliver(untested, idp.respond(UMA, first))))
    second.refresh_from_db()
    assert (second.status, second.attempt.error) == (SignInTestStatus.FAILED, "request_unknown")


@pytest.mark.parametrize("who", ["adam", "uma", "greta"])
def test_login_url_of_a_test_returns_404_for_anybody_but_its_admin(request, untested, tester, sign_in, who):
    test = begin(tester, untested)
    other = sign_in(request.getfixturevalue(who))
    assert other.get(f"/saml/{untested.public_id}/login?test={test.public_id}").status_code == 404


def test_login_url_of_an_unknown_test_returns_404_when_nobody_is_signed_in(untested, browser):
    test = "00000000-0000-4000-8000-000000000000"
    assert browser.client.get(f"/saml/{untested.public_id}/login?test={test}").status_code == 404


def test_a_test_of_the_version_in_force_signs_nobody_in(connection, idp, uma, tester):
    assert run(tester, connection, idp).status == SignInTestStatus.PASSED
    assert Membership.objects.get(pk=uma.pk).last_sign_in_at is None


def test_a_version_in_preparation_is_tested_beside_the_one_in_force(connection, idp, uma, tester, browser):
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    assert run(tester, connection, idp).configuration.number == 2
    browser.sign_in(idp, connection, UMA)
    assert LoginAttempt.objects.first().version == 1


def test_start_test_raises_setup_incomplete_without_metadata(acme, olga):
    bare = metadata.create_connection(org=acme, name="Bare", rules=SignInRules(), actor=ACTOR)
    with pytest.raises(SetupIncomplete):
        services.start_test(connection=bare, actor=ACTOR, starter=olga.user)


def test_start_test_view_returns_409_without_metadata(acme, tester):
    bare = metadata.create_connection(org=acme, name="Bare", rules=SignInRules(), actor=ACTOR)
    url = f"/orgs/acme/settings/authentication/connections/{bare.public_id}/test/"
    assert tester.client.post(url).status_code == 409


def test_test_result_page_returns_404_for_another_organizations_admin(untested, tester, globex, greta, sign_in):
    verify(globex, "globex.example")
    test = begin(tester, untested)
    for slug in ("acme", "globex"):
        url = f"/orgs/{slug}/settings/authentication/tests/{test.public_id}/"
        assert sign_in(greta).get(url).status_code == 404


def test_delete_finished_deletes_old_tests_and_attempts(connection, idp, uma, tester, browser):
    run(tester, connection, idp)
    browser.sign_in(idp, connection, UMA)
    begin(tester, connection)
    signin.delete_finished(moment=now() + timedelta(days=91))
    assert not SignInTest.objects.exists()
    assert not LoginAttempt.objects.exists()


def test_prune_deletes_old_assertions_and_attempts(connection, idp, uma, browser, time_machine):
    browser.sign_in(idp, connection, UMA)
    time_machine.move_to(now() + timedelta(days=91))
    prune()
    assert not ConsumedAssertion.objects.exists()
    assert not LoginAttempt.objects.exists()


def test_replay_during_a_test_redirects_to_its_result_page(untested, idp, uma, tester):
    test = begin(tester, untested)
    answer = idp.respond(UMA, tester.leave(untested, f"?test={test.public_id}"))
    tester.deliver(untested, answer)
    again = tester.deliver(untested, answer)
    assert again["Location"] == f"/orgs/acme/settings/authentication/tests/{test.public_id}/"
    assert LoginAttempt.objects.get().error == "assertion_replayed"


def test_replay_verified_by_the_tested_version_only_redirects_to_the_result_page(connection, idp, uma, tester):
    other = prepare_other_idp(connection, idp)
    test = begin(tester, connection)
    answer = other.respond(UMA, tester.leave(connection, f"?test={test.public_id}"))
    tester.deliver(connection, answer, relay_state="")
    again = tester.deliver(connection, answer, relay_state="")
    attempt = LoginAttempt.objects.get()
    assert again["Location"] == f"/orgs/acme/settings/authentication/tests/{test.public_id}/"
    assert (attempt.error, attempt.membership) == ("assertion_replayed", None)
