"""A test sign-in has a status, shows its checks and claims, and signs nobody in."""

from datetime import timedelta

import pytest
import time_machine

from orgs.base.clock import now
from orgs.people import services as people
from orgs.tenancy.models import Membership
from orgs.tenancy.types import SuspensionSource
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from sso.connections import queries as connection_queries
from sso.connections import services as connections
from sso.connections.errors import SetupIncomplete
from sso.connections.types import ConnectionState, SignInRules
from sso.identity.types import SignInCheck
from sso.metadata import services as metadata
from sso.signin import services as signin
from sso.signin.models import ConsumedAssertion
from sso.signin.tasks import prune
from sso.signin_tests import services
from sso.signin_tests.models import SignInTest
from sso.signin_tests.types import TEST_LIFE, SignInPreview, SignInTestStatus
from tests.factories import ACTOR
from tests.sso.conftest import verify
from tests.sso.idp import Browser, Fault
from tests.sso.signin_tests.acts import UMA, begin, page_of, run


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


def test_test_preview_says_joins_when_the_person_would_be_added(untested, idp, tester):
    connections.change_rules(connection=untested, rules=SignInRules(jit=True), actor=ACTOR)
    assert run(tester, untested, idp, email="new@acme.example").preview == SignInPreview.JOINS
    assert not Membership.objects.filter(email="new@acme.example").exists()


def test_test_preview_says_refused_when_the_member_is_suspended(untested, idp, uma, tester):
    people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
    test = run(tester, untested, idp)
    assert (test.status, test.preview) == (SignInTestStatus.PASSED, SignInPreview.REFUSED)
    assert "suspended" in page_of(tester, test)


def test_test_sign_in_fails_when_the_answer_arrives_after_its_lifetime(connection, idp, uma, tester):
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    with time_machine.travel(now() + TEST_LIFE + timedelta(seconds=1), tick=False):
        tester.follow(tester.deliver(connection, idp.respond(UMA, request)))
    test.refresh_from_db()
    assert (test.status, test.attempt.error) == (SignInTestStatus.FAILED, "request_unknown")
    assert test.attempt.received == "one that came too late"


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
