"""A correctly signed answer is refused for whom it names: an address, a person, or a Name ID of another."""

import pytest

from orgs.base.clock import now
from orgs.events.models import OutboxEvent
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.models import Invitation, InvitationLink
from orgs.people.types import INVITATION_MAIL, Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import MembershipOrigin, SuspensionSource
from sso.attempts.models import LoginAttempt
from sso.connections import services as connections
from sso.connections.types import SignInRules
from tests.factories import ACTOR, OrganizationFactory
from tests.sso.conftest import verify
from tests.sso.idp import Browser, Fault, IdpNameIdFormat, NameIdSource
from tests.sso.signin.refused import UMA, assert_refused


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
