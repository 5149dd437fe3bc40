"""A Name ID in another format than the linked one enters a membership only where the connection asks for that format."""

import pytest

from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import SessionGrant
from sso.attempts import queries as attempts
from sso.attempts import services as attempt_services
from sso.attempts.models import LoginAttempt
from sso.connections import services as connections
from sso.connections.models import Configuration, SamlIdentity
from sso.connections.types import AttributeChoice
from sso.signin_tests.models import SignInTest
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.conftest import connect
from tests.sso.idp import Browser, Idp, IdpNameIdFormat, NameIdSource

UMA, RENAMED = "uma@acme.example", "uma.new@acme.example"
EMAIL, UNSPECIFIED = IdpNameIdFormat.EMAIL, IdpNameIdFormat.UNSPECIFIED
PERSISTENT, TRANSIENT = IdpNameIdFormat.PERSISTENT, IdpNameIdFormat.TRANSIENT


def named(idp: Idp, form: str, name_id: str) -> Idp:
    """Return the app as it is when it names everybody so."""
    return idp.change(name_id_format=form, name_id=NameIdSource.CUSTOM, custom_name_id=name_id)


def ask_for(connection, form: str) -> None:
    """The version in force asks the IdP for this format."""
    assert Configuration.objects.filter(connection=connection, stage="live").update(name_id_format=form) == 1


def link(connection, idp: Idp, form: str, name_id: str) -> None:
    """Uma has signed in under this Name ID, and her session is over."""
    assert Browser().sign_in(named(idp, form, name_id), connection, UMA).status_code == 302
    SessionGrant.objects.all().delete()


def assert_refused(browser: Browser, response) -> None:
    assert (response.status_code, LoginAttempt.objects.first().error) == (403, "subject_changed")
    assert browser.reaches() == []
    assert not SessionGrant.objects.filter(method="saml").exists()


@pytest.mark.parametrize("form", [UNSPECIFIED, PERSISTENT, TRANSIENT])
@pytest.mark.parametrize("name_id", ["mallory-7", "mallory@elsewhere.example"])
def test_other_name_id_in_a_format_not_requested_is_refused_for_a_linked_member(
    connection, idp, uma, browser, form, name_id
):
    link(connection, idp, EMAIL, UMA)
    assert_refused(browser, browser.sign_in(named(idp, form, name_id), connection, UMA))
    assert list(SamlIdentity.objects.values_list("name_id", flat=True)) == [UMA]


@pytest.mark.parametrize("form", [EMAIL, UNSPECIFIED, TRANSIENT])
def test_name_id_in_another_format_is_refused_when_one_in_the_asked_format_is_linked(
    connection, idp, uma, browser, form
):
    ask_for(connection, PERSISTENT)
    link(connection, idp, PERSISTENT, "p-1")
    assert_refused(browser, browser.sign_in(named(idp, form, "mallory-7"), connection, UMA))


@pytest.mark.parametrize("asked", [PERSISTENT, UNSPECIFIED])
def test_own_address_in_another_format_is_refused_when_one_in_the_asked_format_is_linked(
    connection, idp, uma, browser, asked
):
    ask_for(connection, asked)
    link(connection, idp, asked, "p-1")
    assert_refused(browser, browser.sign_in(named(idp, EMAIL, UMA), connection, UMA))


def test_current_address_as_name_id_is_refused_when_the_requested_format_is_linked_too(connection, idp, uma, browser):
    link(connection, idp, EMAIL, UMA)
    ask_for(connection, PERSISTENT)
    link(connection, idp, PERSISTENT, "p-1")
    people.update_profile(membership=uma, profile=Profile(RENAMED), actor=ACTOR)
    assert_refused(browser, browser.sign_in(named(idp, EMAIL, RENAMED), connection, RENAMED))


def test_first_name_id_in_the_asked_format_is_linked(connection, idp, uma, browser):
    link(connection, idp, EMAIL, UMA)
    ask_for(connection, PERSISTENT)
    assert browser.sign_in(named(idp, PERSISTENT, "p-1"), connection, UMA).status_code == 302
    assert set(SamlIdentity.objects.values_list("membership", "name_id")) == {(uma.pk, UMA), (uma.pk, "p-1")}


def test_second_name_id_in_the_asked_format_is_refused(connection, idp, uma, browser):
    link(connection, idp, EMAIL, UMA)
    ask_for(connection, PERSISTENT)
    link(connection, idp, PERSISTENT, "p-1")
    assert_refused(browser, browser.sign_in(named(idp, PERSISTENT, "p-2"), connection, UMA))


def test_linked_name_id_still_enters_after_another_format_is_asked_for(connection, idp, uma, browser):
    link(connection, idp, EMAIL, UMA)
    ask_for(connection, PERSISTENT)
    assert browser.sign_in(named(idp, EMAIL, UMA), connection, UMA).status_code == 302


@pytest.mark.parametrize("form", [UNSPECIFIED, EMAIL])
def test_own_address_as_name_id_signs_in_when_no_format_is_requested(connection, idp, uma, browser, form):
    link(connection, idp, PERSISTENT, "p-1")
    ask_for(connection, UNSPECIFIED)
    assert browser.sign_in(named(idp, form, UMA), connection, UMA).status_code == 302


@pytest.mark.parametrize("form", [UNSPECIFIED, EMAIL, TRANSIENT])
@pytest.mark.parametrize("name_id", ["mallory-7", "nobody@acme.example"])
def test_other_name_id_than_the_own_address_is_refused_when_no_format_is_requested(
    connection, idp, uma, browser, form, name_id
):
    link(connection, idp, PERSISTENT, "p-1")
    ask_for(connection, UNSPECIFIED)
    assert_refused(browser, browser.sign_in(named(idp, form, name_id), connection, UMA))


def test_linked_former_address_does_not_block_the_current_address_in_another_format(connection, idp, uma, browser):
    """The IdP names people by their address, now in one format and now in another, and she is renamed twice."""
    link(connection, idp, EMAIL, UMA)
    people.update_profile(membership=uma, profile=Profile(RENAMED), actor=ACTOR)
    ask_for(connection, UNSPECIFIED)
    Browser().sign_in(named(idp, UNSPECIFIED, RENAMED), connection, RENAMED)
    ask_for(connection, EMAIL)
    people.update_profile(membership=uma, profile=Profile("uma.third@acme.example"), actor=ACTOR)
    third = named(idp, UNSPECIFIED, "uma.third@acme.example")
    assert browser.sign_in(third, connection, "uma.third@acme.example").status_code == 302


class TestTransient:
    def test_transient_name_id_enters_a_membership_without_a_lasting_link(self, connection, idp, uma, browser):
        assert browser.sign_in(named(idp, TRANSIENT, "_t1"), connection, UMA).status_code == 302
        assert not SamlIdentity.objects.exists()

    def test_transient_name_id_enters_a_linked_membership_when_it_is_asked_for(self, connection, idp, uma, browser):
        link(connection, idp, EMAIL, UMA)
        ask_for(connection, TRANSIENT)
        assert browser.sign_in(named(idp, TRANSIENT, "_t1"), connection, UMA).status_code == 302
        assert SamlIdentity.objects.count() == 1

    def test_transient_name_id_that_is_another_members_address_is_refused(self, connection, idp, uma, adam, browser):
        assert_refused(browser, browser.sign_in(named(idp, TRANSIENT, "adam@acme.example"), connection, UMA))


def test_name_id_linked_at_another_connection_does_not_block_sign_in(acme, connection, idp, uma, browser, idp_keys):
    link(connection, idp, EMAIL, UMA)
    second, other = connect(acme, idp_keys, name="Second")
    connections.turn_on(connection=second, actor=ACTOR, without_test=True)
    assert browser.sign_in(named(other, PERSISTENT, "p-1"), second, UMA).status_code == 302


def test_refused_name_id_enters_after_the_linked_one_is_forgotten(connection, idp, uma, browser):
    link(connection, idp, EMAIL, UMA)
    moved = named(idp, PERSISTENT, "p-1")
    assert_refused(browser, browser.sign_in(moved, connection, UMA))
    (in_the_way,) = attempts.identities_in_the_way(LoginAttempt.objects.first())
    attempt_services.forget_in_the_way(chosen=in_the_way, actor=ACTOR)
    assert browser.sign_in(moved, connection, UMA).status_code == 302


def test_refusal_says_to_request_the_format_or_to_forget_the_name_id(connection, idp, uma, browser):
    link(connection, idp, EMAIL, UMA)
    browser.sign_in(named(idp, PERSISTENT, "p-1"), connection, UMA)
    attempt = LoginAttempt.objects.first()
    assert "Forget this Name ID" in attempt.explanation
    assert "ask for that format" in attempt.explanation
    assert (attempt.expected, attempt.received) == (UMA, "p-1")


@pytest.mark.parametrize(("form", "preview"), [(PERSISTENT, "signs_in"), (EMAIL, "refused")])
def test_test_sign_in_shows_what_the_tested_versions_format_would_do(
    connection, idp, uma, olga, sign_in, form, preview
):
    link(connection, idp, EMAIL, UMA)
    version = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    choice = AttributeChoice(name_id_format=form)
    versions.choose_attributes(connection=connection, choice=choice, revision=version.revision, actor=ACTOR)
    tester = Browser(sign_in(olga))
    tester.client.post(f"/orgs/acme/settings/authentication/connections/{connection.public_id}/test/")
    test = SignInTest.objects.get()
    tester.sign_in(named(idp, PERSISTENT, "p-1"), connection, UMA, f"?test={test.public_id}")
    test.refresh_from_db()
    assert (test.status, test.preview) == ("passed", preview)
