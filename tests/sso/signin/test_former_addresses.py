"""A former address links no Name ID, and its new holder signs in as herself (decision 16)."""

import pytest

from orgs.audit.models import AuditEvent
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import Membership
from orgs.tenancy.types import GrantSource, MembershipOrigin, Role
from sso.attempts.models import LoginAttempt
from sso.attempts.queries import identities_in_the_way
from sso.connections import services as connections
from sso.connections.models import SamlIdentity
from sso.connections.types import SignInRules
from tests import held
from tests.factories import ACTOR, MembershipFactory
from tests.sso.idp import Browser, IdpNameIdFormat, NameIdSource

ALICE, RENAMED = "alice@acme.example", "alice.smith@acme.example"


@pytest.fixture
def alice(acme, connection, idp):
    """A member whose both Name IDs were seen, before and after she was renamed."""
    membership = people.create_membership(
        org=acme, profile=Profile(ALICE, "Alice"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    Browser().sign_in(idp, connection, ALICE)
    people.update_profile(membership=membership, profile=Profile(RENAMED, "Alice"), actor=ACTOR)
    Browser().sign_in(idp, connection, RENAMED)
    connections.change_rules(connection=connection, rules=SignInRules(jit=False), actor=ACTOR)
    assert SamlIdentity.objects.filter(membership=membership).count() == 2
    return Membership.objects.get(pk=membership.pk)


def last_attempt():
    return LoginAttempt.objects.order_by("-id").first()


def test_sign_in_is_refused_when_the_name_id_is_a_former_address_and_nobody_has_it(connection, idp, alice, browser):
    browser.sign_in(idp, connection, ALICE)
    assert browser.reaches() == []
    assert last_attempt().error == "not_a_member"


def test_sign_in_enters_the_new_holders_membership_when_the_name_id_was_the_former_holders(
    connection, idp, alice, browser
):
    new = people.create_membership(
        org=alice.org, profile=Profile(ALICE, "Alicia"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    browser.sign_in(idp, connection, ALICE)
    assert browser.reaches() == ["acme"]
    assert last_attempt().membership == new
    assert SamlIdentity.objects.get(connection=connection, name_id=ALICE).membership == new
    linked = AuditEvent.objects.filter(action="membership.identity_linked").order_by("id").last()
    assert linked.before == {"membership": str(alice.public_id)}


def test_renamed_member_still_signs_in_after_the_new_holder_came(connection, idp, alice, browser):
    people.create_membership(org=alice.org, profile=Profile(ALICE, "Alicia"), origin=MembershipOrigin.SCIM, actor=ACTOR)
    Browser().sign_in(idp, connection, ALICE)
    browser.sign_in(idp, connection, RENAMED)
    assert last_attempt().membership == alice
    assert browser.reaches() == ["acme"]


def test_sign_in_is_refused_when_the_name_id_is_a_former_address_and_the_email_is_current(
    connection, idp, acme, browser
):
    """The mail attribute alone, which people may edit at some providers, opens nothing."""
    membership = people.create_membership(
        org=acme, profile=Profile(ALICE, "Alice"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    people.update_profile(membership=membership, profile=Profile(RENAMED, "Alice"), actor=ACTOR)
    request = browser.leave(connection)
    answer = idp.change(name_id=NameIdSource.CUSTOM, custom_name_id=ALICE).respond(RENAMED, request)
    browser.follow(browser.deliver(connection, answer))
    assert last_attempt().error == "subject_changed"
    assert browser.reaches() == []


def test_persistent_name_id_of_a_deleted_member_enters_the_newly_provisioned_membership(connection, idp, acme, browser):
    persistent = idp.change(
        name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="p-1"
    )
    first = people.create_membership(org=acme, profile=Profile(ALICE), origin=MembershipOrigin.SCIM, actor=ACTOR)
    Browser().sign_in(persistent, connection, ALICE)
    held.deprovision(first)
    second = people.create_membership(org=acme, profile=Profile(ALICE), origin=MembershipOrigin.SCIM, actor=ACTOR)
    browser.sign_in(persistent, connection, ALICE)
    assert last_attempt().membership == second
    assert browser.reaches() == ["acme"]


def test_persistent_name_id_of_a_deleted_member_opens_nobody_elses_membership(connection, idp, acme, uma, browser):
    """Their mail attribute says now that they are Uma, who has never signed in this way."""
    persistent = idp.change(
        name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="p-1"
    )
    first = people.create_membership(org=acme, profile=Profile(ALICE), origin=MembershipOrigin.SCIM, actor=ACTOR)
    Browser().sign_in(persistent, connection, ALICE)
    held.deprovision(first)
    browser.sign_in(persistent, connection, uma.email)
    assert last_attempt().error == "subject_changed"
    assert browser.reaches() == []
    assert [one.membership for one in identities_in_the_way(last_attempt())] == [first]


def test_sign_in_is_refused_when_the_directory_deleted_the_member(connection, idp, acme, browser):
    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    membership = people.create_membership(org=acme, profile=Profile(ALICE), origin=MembershipOrigin.SCIM, actor=ACTOR)
    Browser().sign_in(idp, connection, ALICE)
    held.deprovision(membership)
    browser.sign_in(idp, connection, ALICE)
    assert browser.reaches() == []
    assert last_attempt().error == "deleted_by_directory"
    assert Membership.objects.filter(org=acme, email_key=ALICE).count() == 1


def test_last_owner_keeps_the_address_when_the_idp_sends_another(connection, idp, olga, browser):
    persistent = idp.change(
        name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="p-1"
    )
    Browser().sign_in(persistent, connection, "olga@acme.example")
    browser.sign_in(persistent, connection, "olga.o@acme.example")
    olga.refresh_from_db()
    assert olga.email == "olga@acme.example"
    assert browser.reaches() == ["acme"]


def test_one_of_two_owners_gets_the_new_address_from_the_idp(connection, idp, olga, acme, browser):
    second = MembershipFactory(org=acme, email="otto@acme.example", role=Role.ADMIN)
    people.grant_role(membership=second, role=Role.OWNER, source=GrantSource.PERSON, actor=ACTOR)
    persistent = idp.change(
        name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="p-1"
    )
    Browser().sign_in(persistent, connection, "olga@acme.example")
    browser.sign_in(persistent, connection, "olga.o@acme.example")
    olga.refresh_from_db()
    assert olga.email == "olga.o@acme.example"
