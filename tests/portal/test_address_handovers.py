"""An address passes from one person to the next: what the first one had, or was denied, stays with the right person."""

import pytest

from orgs.audit.models import AuditEvent
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy.models import Membership, User
from orgs.tenancy.types import GrantSource, MembershipOrigin, MembershipState, Role, SuspensionSource
from sso.attempts.models import LoginAttempt
from sso.connections import services as connections
from sso.connections.types import SignInRules
from tests.factories import ACTOR, MembershipFactory, UserFactory
from tests.portal.test_ways_to_a_membership import idp_keys, with_connection, world  # noqa: F401 - fixtures
from tests.portal.ways import (
    HANK,
    Step,
    World,
    _browser,
    no_account,
    owner_elsewhere,
    verified_before_domain,
    verified_now,
)
from tests.scim.bodies import user_body
from tests.sso.idp import Browser, Idp, IdpNameIdFormat, NameIdSource

HENRY = "henry@acme.example"


def create(world: World, external_id: str, address: str = HANK) -> str:  # noqa: F811
    made = world.scim.post("/Users", user_body(address, externalId=external_id))
    assert made.status_code == 201, made.content
    return str(made.json()["id"])


def rename(world: World, scim_id: str, address: str, external_id: str) -> None:  # noqa: F811
    renamed = world.scim.put(f"/Users/{scim_id}", user_body(address, externalId=external_id))
    assert renamed.status_code == 200, renamed.content


def delete(world: World, scim_id: str) -> None:  # noqa: F811
    assert world.scim.delete(f"/Users/{scim_id}").status_code == 204


def suspend(world: World) -> None:  # noqa: F811
    holder = world.holder()
    assert holder is not None
    people.suspend_membership(membership=holder, source=SuspensionSource.ADMIN, actor=ACTOR)


def holder_of(world: World) -> Membership:  # noqa: F811
    holder = world.holder()
    assert holder is not None
    return holder


# the person whom the directory deleted before they ever came ---------------------------------------------------------


@pytest.mark.parametrize("external_id", ["hank-2", ""])
def test_new_member_with_the_address_is_invited_when_the_deleted_member_never_signed_in(
    world: World,  # noqa: F811
    external_id: str,
) -> None:
    verified_now(world)
    delete(world, create(world, "hank-1"))
    create(world, external_id)
    assert world.end() == "invited"
    assert world.account is not None
    assert HANK in tenancy_queries.verified_keys_of(world.account)


def test_create_with_the_same_external_id_relinks_the_account_of_a_member_who_never_signed_in(world: World) -> None:  # noqa: F811
    verified_now(world)
    delete(world, create(world, "hank-1"))
    create(world, "hank-1")
    assert world.end() == "their account"


def test_accept_from_home_is_refused_for_the_membership_of_the_next_holder(world: World) -> None:  # noqa: F811
    owner_elsewhere(world)
    delete(world, create(world, "hank-1"))
    create(world, "hank-2")
    assert world.account is not None
    _browser(world.account).post(f"/waiting/{holder_of(world).public_id}/accept/")
    assert world.end() == "invited"


def test_delete_removes_the_membership_and_its_unused_account(world: World) -> None:  # noqa: F811
    delete(world, create(world, "hank-1"))
    assert not Membership.objects.filter(email_key=HANK).exists()
    assert tenancy_queries.account_for_address(HANK) is None


def test_delete_acts_the_same_whether_an_account_exists_outside_verified_domains_or_not(world: World) -> None:  # noqa: F811
    address = "pat@elsewhere.example"
    before = Membership.objects.count()
    delete(world, create(world, "pat-1", address))
    without_account = Membership.objects.count()
    UserFactory(email=address)
    delete(world, create(world, "pat-1", address))
    assert (without_account, Membership.objects.count()) == (before, before)


@pytest.mark.usefixtures("with_connection")
@pytest.mark.parametrize("address", [HANK])
def test_invitation_link_of_a_deleted_member_does_not_accept_the_next_holders_membership(
    world: World,  # noqa: F811
    address: str,
) -> None:
    """A sign-in made the membership, the directory adopted and deleted it, and then brings somebody else."""
    verified_before_domain(world)
    assert world.connection is not None
    assert world.idp is not None
    connections.change_rules(connection=world.connection, rules=SignInRules(jit=True), actor=ACTOR)
    Browser().sign_in(world.idp, world.connection, address)
    prepared = invitations.prepare_invitation(org=world.org, membership_public_id=str(holder_of(world).public_id))
    assert prepared is not None
    delete(world, create(world, "hank-1"))
    create(world, "hank-2")
    assert world.account is not None
    _browser(world.account).post(f"/invitations/{prepared[1]}/accept/")
    assert world.end() == "invited"


def test_invitation_link_ends_with_delete_when_the_directory_only_adopted_the_member(world: World) -> None:  # noqa: F811
    address = "pat@elsewhere.example"
    membership = people.create_membership(
        org=world.org, profile=Profile(address), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    prepared = invitations.prepare_invitation(org=world.org, membership_public_id=str(membership.public_id))
    assert prepared is not None
    account = UserFactory(email=address)
    delete(world, create(world, "pat-1", address))
    create(world, "pat-2", address)
    _browser(account).post(f"/invitations/{prepared[1]}/accept/")
    membership.refresh_from_db()
    assert (membership.user_id, membership.state) == (None, MembershipState.INVITED)


# the suspension that stays on the address ------------------------------------------------------------------------------


def test_change_to_the_address_of_a_suspended_deleted_member_suspends_the_member(world: World) -> None:  # noqa: F811
    scim_id = create(world, "hank-1")
    suspend(world)
    delete(world, scim_id)
    rename(world, create(world, "hank-2", HENRY), HANK, "hank-2")
    assert holder_of(world).state == MembershipState.SUSPENDED
    assert AuditEvent.objects.filter(action="membership.suspended").count() == 3


def test_member_who_returns_with_the_address_of_a_suspended_deleted_member_is_suspended(world: World) -> None:  # noqa: F811
    henry = create(world, "henry-1", HENRY)
    used = Membership.objects.get(org=world.org, email_key=HENRY)
    people.record_membership_sign_in(membership=used)
    delete(world, henry)
    scim_id = create(world, "hank-1")
    suspend(world)
    delete(world, scim_id)
    create(world, "henry-1", HANK)
    assert (holder_of(world), holder_of(world).state) == (used, MembershipState.SUSPENDED)


def test_suspension_stays_on_a_former_address_when_its_member_is_deleted(world: World) -> None:  # noqa: F811
    scim_id = create(world, "hank-1")
    suspend(world)
    rename(world, scim_id, HENRY, "hank-1")
    delete(world, scim_id)
    create(world, "hank-2")
    assert holder_of(world).state == MembershipState.SUSPENDED


def test_suspension_does_not_stay_on_a_former_address_when_its_member_remains(world: World) -> None:  # noqa: F811
    scim_id = create(world, "hank-1")
    suspend(world)
    rename(world, scim_id, HENRY, "hank-1")
    create(world, "hank-2")
    assert holder_of(world).state == MembershipState.ACTIVE


def sign_in_with_jit(world: World, idp: Idp, address: str = HANK) -> Browser:  # noqa: F811
    assert world.connection is not None
    connections.change_rules(connection=world.connection, rules=SignInRules(jit=True), actor=ACTOR)
    browser = Browser()
    browser.sign_in(idp, world.connection, address)
    return browser


@pytest.mark.usefixtures("with_connection")
@pytest.mark.parametrize("proof", [no_account, verified_before_domain])
def test_sign_in_with_the_former_address_of_a_suspended_deleted_member_is_refused(world: World, proof: Step) -> None:  # noqa: F811
    scim_id = create(world, "hank-1")
    suspend(world)
    rename(world, scim_id, HENRY, "hank-1")
    delete(world, scim_id)
    proof(world)
    assert world.idp is not None
    assert sign_in_with_jit(world, world.idp).reaches() == []
    assert holder_of(world).state == MembershipState.SUSPENDED
    attempt = LoginAttempt.objects.get()
    assert (attempt.error, attempt.membership) == ("member_suspended", holder_of(world))


@pytest.mark.usefixtures("with_connection")
def test_sign_in_of_a_linked_member_does_not_take_the_address_of_a_suspended_deleted_member(world: World) -> None:  # noqa: F811
    """The member signs in, and keeps the address that they had."""
    assert world.idp is not None
    persistent = world.idp.change(
        name_id_format=IdpNameIdFormat.PERSISTENT, name_id=NameIdSource.CUSTOM, custom_name_id="p-1"
    )
    sign_in_with_jit(world, persistent, HENRY)
    scim_id = create(world, "hank-1")
    suspend(world)
    delete(world, scim_id)
    assert sign_in_with_jit(world, persistent).reaches() == ["acme"]
    assert world.holder() is None


# the owners ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def owner_of_two(world: World) -> tuple[str, str]:  # noqa: F811
    """The SCIM ids of Olga and of Hank, both owners; the directory has renamed Hank."""
    MembershipFactory(org=world.org, email=HANK, role=Role.OWNER)
    olga, hank = create(world, "olga-1", "olga@acme.example"), create(world, "hank-1")
    rename(world, hank, HENRY, "hank-1")
    return olga, hank


def owners_with_an_address(world: World) -> int:  # noqa: F811
    owners = Membership.objects.filter(org=world.org, role=Role.OWNER, state=MembershipState.ACTIVE)
    return owners.exclude(user__email_key=None).count()


def test_create_returns_409_for_the_address_of_the_last_owner_who_can_sign_in(
    world: World,  # noqa: F811
    owner_of_two: tuple[str, str],
) -> None:
    delete(world, owner_of_two[0])
    refused = world.scim.post("/Users", user_body(HANK, externalId="hank-2"))
    assert (refused.status_code, owners_with_an_address(world)) == (409, 1)
    assert world.holder() is None


def test_delete_of_the_last_owner_is_refused_when_the_other_owner_lost_the_address(
    world: World,  # noqa: F811
    owner_of_two: tuple[str, str],
) -> None:
    create(world, "hank-2")
    refused = world.scim.delete(f"/Users/{owner_of_two[0]}")
    assert (refused.status_code, owners_with_an_address(world)) == (409, 1)


def test_delete_of_the_last_owner_is_refused_when_the_other_owners_account_is_closed(world: World) -> None:  # noqa: F811
    closed = MembershipFactory(org=world.org, email=HANK, role=Role.OWNER)
    User.objects.filter(pk=closed.user_id).update(is_active=False)
    olga = create(world, "olga-1", "olga@acme.example")
    assert world.scim.delete(f"/Users/{olga}").status_code == 409


@pytest.mark.usefixtures("with_connection")
def test_sign_in_with_the_address_of_the_last_owner_who_can_sign_in_is_refused(
    world: World,  # noqa: F811
    owner_of_two: tuple[str, str],
) -> None:
    delete(world, owner_of_two[0])
    assert world.connection is not None
    assert world.idp is not None
    connections.change_rules(connection=world.connection, rules=SignInRules(jit=True), actor=ACTOR)
    browser = Browser()
    assert browser.sign_in(world.idp, world.connection, HANK).status_code == 403
    assert (browser.reaches(), owners_with_an_address(world)) == ([], 1)


def test_create_does_not_restore_a_membership_whose_external_id_was_given_to_another_member(world: World) -> None:  # noqa: F811
    scim_id = create(world, "hank-1")
    former = holder_of(world)
    people.grant_role(membership=former, role=Role.ADMIN, source=GrantSource.PERSON, actor=ACTOR)
    delete(world, scim_id)
    scim_id = create(world, "hank-2")
    rename(world, scim_id, HANK, "hank-1")
    delete(world, scim_id)
    create(world, "hank-1")
    assert (holder_of(world) == former, holder_of(world).role) == (False, Role.USER)
