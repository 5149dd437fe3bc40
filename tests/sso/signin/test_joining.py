"""People who join an organization by their first sign-in, and those whom its directory leads."""

from orgs.people import services as people
from orgs.tenancy.models import Membership
from orgs.tenancy.types import Role, SuspensionSource
from sso.attempts.models import LoginAttempt
from sso.connections.models import Connection, SamlIdentity
from tests.factories import ACTOR
from tests.sso.idp import Browser, IdpNameIdFormat, NameIdSource
from tests.sso.signin.joining import UMA, allow


class TestPeopleWhoJoin:
    def test_sign_in_adds_a_new_member_with_the_default_role_when_jit_is_on(self, connection, idp, browser):
        allow(connection, jit=True, default_role=Role.GUEST)
        browser.sign_in(idp, connection, "new@acme.example", first="Nora", last="New")
        membership = Membership.objects.get(email="new@acme.example")
        assert (membership.role, membership.origins, membership.display_name, membership.state) == (
            Role.GUEST,
            "sso",
            "Nora New",
            "active",
        )
        assert browser.reaches() == ["acme"]

    def test_sign_in_of_a_new_person_is_refused_when_jit_is_off(self, connection, idp, browser):
        refused = browser.sign_in(idp, connection, "new@acme.example")
        assert refused.status_code == 403
        assert "Ask one of its admins" in refused.content.decode()
        assert LoginAttempt.objects.get().error == "not_a_member"
        assert not Membership.objects.filter(email="new@acme.example").exists()

    def test_sign_in_updates_the_display_name_from_the_idp(self, connection, idp, uma, browser):
        browser.sign_in(idp, connection, UMA, first="Uma", last="Renamed")
        assert Membership.objects.get(pk=uma.pk).display_name == "Uma Renamed"

    def test_sign_in_updates_the_address_from_the_idp_and_keeps_the_identity(self, connection, idp, uma, browser):
        lasting = idp.change(
            name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="u-17"
        )
        browser.sign_in(lasting, connection, UMA)
        browser.sign_in(lasting, connection, "uma.new@acme.example")
        membership = Membership.objects.get(pk=uma.pk)
        assert membership.email == "uma.new@acme.example"
        assert set(membership.addresses.values_list("address_key", "kind")) == {
            ("uma@acme.example", "former"),
            ("uma.new@acme.example", "current"),
        }

    def test_sign_in_links_a_second_identity_when_the_address_as_name_id_changed(self, connection, idp, uma, browser):
        browser.sign_in(idp, connection, UMA)
        from orgs.people.types import Profile

        people.update_profile(membership=uma, profile=Profile("uma.new@acme.example"), actor=ACTOR)
        browser.sign_in(idp, connection, "uma.new@acme.example")
        assert SamlIdentity.objects.filter(membership=uma).count() == 2

    def test_sign_in_activates_an_invited_membership_when_the_domain_is_verified(self, connection, idp, acme, browser):
        from orgs.people.types import Profile
        from orgs.tenancy.types import MembershipOrigin

        membership = people.create_membership(
            org=acme, profile=Profile("ivy@acme.example"), origin=MembershipOrigin.INVITE, actor=ACTOR
        )
        Membership.objects.filter(pk=membership.pk).update(user=None, state="invited")
        browser.sign_in(idp, connection, "ivy@acme.example")
        assert browser.reaches() == ["acme"]


class TestDirectoriesFirst:
    """Decision 7: what SCIM says outlasts what an assertion says."""

    def test_sign_in_keeps_names_set_by_scim(self, connection, idp, scim, browser):
        from tests.scim.bodies import user_body

        scim.post("/Users", user_body("nora@acme.example", name={"givenName": "Nora", "familyName": "Scim"}))
        browser.sign_in(idp, connection, "nora@acme.example", first="Other", last="Name")
        membership = Membership.objects.get(email="nora@acme.example")
        assert (membership.given_name, membership.family_name) == ("Nora", "Scim")
        assert browser.reaches() == ["acme"]

    def test_sign_in_adds_nobody_once_a_directory_provisioned_someone_when_so_configured(
        self, connection, idp, scim, browser
    ):
        from tests.scim.bodies import user_body

        Connection.objects.filter(pk=connection.pk).update(jit=True, jit_until_directory=True)
        assert browser.sign_in(idp, connection, "nora@acme.example").status_code == 302
        scim.post("/Users", user_body("olaf@acme.example"))
        assert browser.sign_in(idp, connection, "pia@acme.example").status_code == 403
        assert LoginAttempt.objects.first().error == "not_a_member"
        allow(Connection.objects.get(), jit=True)
        assert Browser().sign_in(idp, connection, "pia@acme.example").status_code == 302

    def test_sign_in_is_refused_when_scim_suspended_the_member(self, connection, idp, scim, browser):
        from tests.scim.bodies import user_body

        allow(connection, jit=True)
        scim.post("/Users", user_body("nora@acme.example", active=False))
        refused = browser.sign_in(idp, connection, "nora@acme.example")
        assert refused.status_code == 403
        membership = Membership.objects.get(email="nora@acme.example")
        assert membership.state == "suspended"
        attempt = LoginAttempt.objects.get()
        assert (attempt.error, attempt.membership) == ("member_suspended", membership)

    def test_suspension_by_scim_ends_the_saml_session(self, connection, idp, uma, browser):
        browser.sign_in(idp, connection, UMA)
        people.suspend_membership(membership=uma, source=SuspensionSource.SCIM, actor=ACTOR)
        assert browser.client.get("/orgs/acme/").status_code == 302
        assert browser.client.get("/api/v1/me").status_code == 401
