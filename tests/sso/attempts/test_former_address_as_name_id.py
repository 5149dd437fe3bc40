"""A renamed member whose IdP keeps the former address as Name ID: an admin or support lets it in, until the address goes on."""

import pytest
from django.urls import reverse

from orgs.audit.models import AuditEvent
from orgs.consent import queries as consent
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import MembershipAddress
from orgs.tenancy.types import AddressKind, MembershipOrigin
from sso.attempts import queries
from sso.attempts import services as attempts
from sso.attempts.models import LoginAttempt
from sso.connections import services as connections
from sso.connections.errors import IdentityUnknown
from sso.connections.models import SamlIdentity
from sso.connections.types import SignInRules
from tests import held
from tests.factories import ACTOR
from tests.portal.test_support import seed, sue, support  # noqa: F401 - fixtures
from tests.sso.idp import Browser, NameIdSource

ALICE, RENAMED = "alice@acme.example", "alice.smith@acme.example"


def last_attempt() -> LoginAttempt:
    return LoginAttempt.objects.order_by("-id").first()


def kind_of(membership) -> str:
    return MembershipAddress.objects.get(membership=membership, address_key=ALICE).kind


def create(acme, email):
    return people.create_membership(
        org=acme, profile=Profile(email, "Alice"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )


@pytest.fixture
def kept(idp):
    """The IdP names her by the address that she had first, whatever her address is."""
    return idp.change(name_id=NameIdSource.CUSTOM, custom_name_id=ALICE)


@pytest.fixture
def alice(acme, olga, adam, connection):
    connections.change_rules(connection=connection, rules=SignInRules(jit=False), actor=ACTOR)
    return create(acme, ALICE)


@pytest.fixture
def refused(alice, connection, kept) -> LoginAttempt:
    """She signed in, was renamed, and is refused."""
    Browser().sign_in(kept, connection, ALICE)
    people.update_profile(membership=alice, profile=Profile(RENAMED, "Alice"), actor=ACTOR)
    assert Browser().sign_in(kept, connection, RENAMED).status_code == 403
    assert last_attempt().error == "subject_changed"
    return last_attempt()


@pytest.fixture
def admin(adam, sign_in):
    return sign_in(adam)


def url(attempt, act="") -> str:
    return f"/orgs/acme/settings/sign-in-log/{attempt.public_id}/{act}"


def shown(client, attempt) -> str:
    return " ".join(client.get(url(attempt)).content.decode().split())


def press(admin, attempt) -> str:
    return admin.post(url(attempt, "forget/"), {"identity": "former-address"}, follow=True).content.decode()


def test_renamed_member_signs_in_by_the_former_address_until_somebody_else_gets_it(
    refused, admin, acme, alice, connection, kept, idp
):
    assert "a former address of this member, last seen" in shown(admin, refused)
    assert f"“{ALICE}” is forgotten" in press(admin, refused)
    for _ in ("links it anew", "is known by it"):
        one = Browser()
        one.sign_in(kept, connection, RENAMED)
        assert one.reaches() == ["acme"]
        assert last_attempt().membership == alice
    new = create(acme, ALICE)
    assert kind_of(alice) == AddressKind.FORMER
    other = Browser()
    other.sign_in(idp, connection, ALICE)
    assert other.reaches() == ["acme"]
    assert last_attempt().membership == new
    assert SamlIdentity.objects.get(name_id=ALICE).membership == new
    assert Browser().sign_in(kept, connection, RENAMED).status_code == 403


def test_member_without_any_identity_signs_in_by_the_former_address_after_an_admin_allowed_it(
    alice, admin, connection, kept
):
    people.update_profile(membership=alice, profile=Profile(RENAMED, "Alice"), actor=ACTOR)
    Browser().sign_in(kept, connection, RENAMED)
    page = shown(admin, last_attempt())
    assert "a former address of this member</span>" in page
    press(admin, last_attempt())
    one = Browser()
    one.sign_in(kept, connection, RENAMED)
    assert one.reaches() == ["acme"]


def test_member_with_a_linked_new_address_signs_in_by_the_former_address_after_it_is_allowed(
    refused, admin, alice, connection, idp, kept
):
    Browser().sign_in(idp, connection, RENAMED)
    press(admin, refused)
    one = Browser()
    one.sign_in(kept, connection, RENAMED)
    assert one.reaches() == ["acme"]


def test_forget_former_address_is_audited(refused, admin, adam, alice):
    press(admin, refused)
    event = AuditEvent.objects.get(action="membership.identity_forgotten")
    assert (event.actor_label, event.target_id) == (adam.email, str(alice.public_id))
    assert event.before["name_id"] == ALICE
    assert event.after == {"former_address": "Former, still their Name ID"}


def test_forget_former_address_twice_changes_nothing_and_is_audited_once(refused, admin):
    press(admin, refused)
    assert "Forget a Name ID" not in shown(admin, refused)
    assert "isn’t linked to that member any more" in press(admin, refused)
    assert AuditEvent.objects.filter(action="membership.identity_forgotten").count() == 1


def test_forget_former_address_is_refused_when_somebody_else_has_the_address(refused, admin, acme, alice, connection):
    create(acme, ALICE)
    assert "Forget a Name ID" not in shown(admin, refused)
    press(admin, refused)
    with pytest.raises(IdentityUnknown):
        connections.forget_former_address(connection=connection, membership=alice, address=ALICE, actor=ACTOR)
    assert kind_of(alice) == AddressKind.FORMER
    assert not AuditEvent.objects.filter(action="membership.identity_forgotten").exists()


def test_forget_former_address_is_refused_for_a_second_former_holder(refused, admin, acme, alice, connection):
    second = create(acme, ALICE)
    people.update_profile(membership=second, profile=Profile("alicia@acme.example"), actor=ACTOR)
    press(admin, refused)
    with pytest.raises(IdentityUnknown):
        connections.forget_former_address(connection=connection, membership=second, address=ALICE, actor=ACTOR)
    assert (kind_of(alice), kind_of(second)) == (AddressKind.NAME_ID, AddressKind.FORMER)


def test_sign_in_with_the_former_address_as_email_is_refused_as_not_a_member(refused, admin, connection, idp, kept):
    press(admin, refused)
    Browser().sign_in(kept, connection, RENAMED)
    one = Browser()
    one.sign_in(idp, connection, ALICE)
    assert (one.reaches(), last_attempt().error) == ([], "not_a_member")


def test_new_person_with_the_former_address_joins_with_a_new_membership(refused, admin, connection, idp, kept, alice):
    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    press(admin, refused)
    Browser().sign_in(kept, connection, RENAMED)
    one = Browser()
    one.sign_in(idp, connection, ALICE)
    assert one.reaches() == ["acme"]
    assert last_attempt().membership != alice
    assert kind_of(alice) == AddressKind.FORMER


def test_sign_in_of_another_member_with_the_former_address_as_name_id_is_refused(
    refused, admin, adam, connection, kept
):
    press(admin, refused)
    assert Browser().sign_in(kept, connection, adam.email).status_code == 403
    assert last_attempt().error == "subject_changed"
    assert queries.identities_in_the_way(last_attempt()) == ()


def test_forget_name_id_for_another_member_keeps_the_former_address_as_former(
    acme, refused, admin, alice, adam, connection, kept
):
    press(admin, refused)
    Browser().sign_in(kept, connection, RENAMED)
    MembershipAddress.objects.filter(address_key=ALICE).update(kind=AddressKind.FORMER)
    LoginAttempt.objects.filter(pk=refused.pk).update(email=adam.email, email_key=adam.email_key)
    admin.post(url(refused, "forget/"), {"identity": SamlIdentity.objects.get(name_id=ALICE).pk})
    assert not SamlIdentity.objects.filter(name_id=ALICE).exists()
    assert kind_of(alice) == AddressKind.FORMER


def test_former_holders_includes_a_member_whose_former_address_is_still_their_name_id(refused, admin, acme, alice):
    press(admin, refused)
    new = create(acme, "alicia@acme.example")
    new.email_key = ALICE
    assert consent.former_holders(new) == [alice]


@pytest.mark.parametrize("way", ["renamed", "restored"])
def test_former_address_stops_being_a_name_id_when_somebody_else_gets_the_address(refused, admin, acme, alice, way):
    other = create(acme, "alicia@acme.example")
    press(admin, refused)
    if way == "renamed":
        people.update_profile(membership=other, profile=Profile(ALICE), actor=ACTOR)
    else:
        people.record_membership_sign_in(membership=other)
        held.deprovision(other)
        held.restore(other, Profile(ALICE))
    assert kind_of(alice) == AddressKind.FORMER
    assert people_queries.address_kinds(acme, ALICE)[other.pk] == AddressKind.CURRENT


def test_former_address_becomes_current_when_the_member_gets_it_back(refused, admin, alice):
    press(admin, refused)
    people.update_profile(membership=alice, profile=Profile(ALICE), actor=ACTOR)
    assert kind_of(alice) == AddressKind.CURRENT


class TestStaff:
    LIST = "admin:sso_loginattempt_changelist"

    def post(self, client, attempt, **more):
        return client.post(
            reverse(self.LIST), {"action": "forget_name_id", "_selected_action": attempt.pk} | more, follow=True
        )

    def test_staff_action_asks_before_it_allows_a_former_address(self, refused, support, alice):  # noqa: F811
        page = self.post(support, refused).content.decode()
        for said in (f"<code>{ALICE}</code>", RENAMED, "the same person"):
            assert said in page
        assert kind_of(alice) == AddressKind.FORMER

    def test_staff_action_allows_a_former_address_and_is_audited_as_staff(
        self,
        refused,
        support,  # noqa: F811
        sue,  # noqa: F811
        connection,
        kept,
    ):
        self.post(support, refused, confirmed="yes")
        one = Browser()
        one.sign_in(kept, connection, RENAMED)
        assert one.reaches() == ["acme"]
        event = AuditEvent.objects.get(action="membership.identity_forgotten")
        assert (event.actor_kind, event.actor_label) == ("staff", sue.email)

    def test_staff_action_says_when_the_former_address_belongs_to_somebody_else(self, refused, support, acme):  # noqa: F811
        create(acme, ALICE)
        page = self.post(support, refused, confirmed="yes").content.decode()
        assert "isn’t linked to that member any more" in page

    def test_forget_former_address_raises_identity_unknown_for_an_attempt_of_another_member(
        self, refused, alice, adam, connection
    ):
        LoginAttempt.objects.filter(pk=refused.pk).update(email=adam.email, email_key=adam.email_key)
        refused.refresh_from_db()
        with pytest.raises(IdentityUnknown):
            attempts.forget_former_address(attempt=refused, actor=ACTOR)
        assert SamlIdentity.objects.filter(name_id=ALICE).exists()
