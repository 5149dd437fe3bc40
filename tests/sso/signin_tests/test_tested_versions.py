"""A test is of one version of a connection, in force or not."""

import pytest

from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import SignInMethod
from sso.attempts.models import LoginAttempt
from sso.connections import queries as connection_queries
from sso.connections import services as connections
from sso.connections.models import Configuration
from sso.connections.types import AttributeChoice
from sso.metadata import services as metadata
from sso.signin_tests.types import SignInTestStatus
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.idp import Fault, Idp
from tests.sso.signin_tests.acts import UMA, begin, page_of, run


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


def test_test_answer_is_verified_by_the_tested_version_even_when_the_one_in_force_would_fit(
    connection, idp, uma, tester
):
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    test = begin(tester, connection)
    request = tester.leave(connection, f"?test={test.public_id}")
    tester.follow(tester.deliver(connection, idp.respond(UMA, request), relay_state=""))
    test.refresh_from_db()
    assert (test.status, test.attempt.version) == (SignInTestStatus.PASSED, 2)


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


def test_a_test_of_the_version_in_force_signs_nobody_in(connection, idp, uma, tester):
    assert run(tester, connection, idp).status == SignInTestStatus.PASSED
    assert Membership.objects.get(pk=uma.pk).last_sign_in_at is None


def test_a_version_in_preparation_is_tested_beside_the_one_in_force(connection, idp, uma, tester, browser):
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    assert run(tester, connection, idp).configuration.number == 2
    browser.sign_in(idp, connection, UMA)
    assert LoginAttempt.objects.first().version == 1


def test_replay_verified_by_the_tested_version_only_redirects_to_the_result_page(connection, idp, uma, tester):
    other = prepare_other_idp(connection, idp)
    test = begin(tester, connection)
    answer = other.respond(UMA, tester.leave(connection, f"?test={test.public_id}"))
    tester.deliver(connection, answer, relay_state="")
    again = tester.deliver(connection, answer, relay_state="")
    attempt = LoginAttempt.objects.get()
    assert again["Location"] == f"/orgs/acme/settings/authentication/tests/{test.public_id}/"
    assert (attempt.error, attempt.membership) == ("assertion_replayed", None)
