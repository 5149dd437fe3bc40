"""A person is their externalId, not their address (decisions 8, 9 and 16)."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.mail import EmailMessage

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.groups import services as groups
from orgs.groups.models import GroupMember
from orgs.groups.types import GroupSource
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import access
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership
from orgs.tenancy.types import GrantSource, MembershipOrigin, MembershipState, Role, SignInMethod, SuspensionSource
from portal.setup import add_domain
from scim.users.models import DirectoryUser, FormerDirectoryUser
from tests import held
from tests.conftest import ScimClient
from tests.factories import ACTOR, PASSWORD
from tests.scim.bodies import patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

HANK, HENRY = "hank@acme.example", "henry@acme.example"


@pytest.fixture
def verified(acme: Any) -> None:
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)


def create(scim: ScimClient, address: str = HANK, **changes: Any) -> dict[str, Any]:
    response = scim.post("/Users", user_body(address, **changes))
    assert response.status_code == 201, response.content
    return dict(response.json())


def current(scim: ScimClient, address: str = HANK) -> Membership:
    return Membership.objects.get(org=scim.directory.org, email_key=address, deprovisioned_at=None)


def use(membership: Membership) -> None:
    """Let the person set a password and sign in once."""
    user = membership.user
    assert user is not None
    user.set_password(PASSWORD)
    user.save()
    tenancy.grant_session(
        membership=membership, session=uuid4(), method=SignInMethod.PASSWORD, expires_at=access.session_expiry()
    )


@pytest.fixture
def hank(scim: ScimClient, verified: None) -> Membership:
    """An admin by a person's grant, with a password of his own, whom the directory has deleted."""
    made = create(scim, externalId="hank-1")
    membership = current(scim)
    use(membership)
    people.grant_role(membership=membership, role=Role.ADMIN, source=GrantSource.PERSON, actor=ACTOR)
    group = groups.create_group(org=membership.org, name="Board", source=GroupSource.LOCAL, actor=ACTOR)
    groups.add_members(group=group, memberships=[membership], actor=ACTOR)
    assert scim.delete(f"/Users/{made['id']}").status_code == 204
    membership.refresh_from_db()
    return membership


def test_delete_suspends_a_used_membership_and_frees_its_address(scim: ScimClient, hank: Membership) -> None:
    assert hank.state == MembershipState.SUSPENDED
    assert hank.deprovisioned_at is not None
    assert [address.kind for address in hank.addresses.all()] == ["former"]
    assert FormerDirectoryUser.objects.get(membership=hank).external_id == "hank-1"


def test_create_makes_a_new_membership_when_the_external_id_is_another(scim: ScimClient, hank: Membership) -> None:
    create(scim, externalId="hank-2")
    new = current(scim)
    assert new.pk != hank.pk
    assert (new.state, new.role, new.grants.count()) == (MembershipState.ACTIVE, Role.USER, 0)
    assert not GroupMember.objects.filter(membership=new).exists()
    assert new.user is not None
    assert new.user_id != hank.user_id
    assert not new.user.has_usable_password()


def test_create_removes_the_address_from_the_former_holders_account(scim: ScimClient, hank: Membership) -> None:
    former = hank.user
    create(scim)
    assert former is not None
    former.refresh_from_db()
    assert (former.email, former.email_key) == ("", None)
    assert tenancy_queries.account_for_address(HANK) == current(scim).user
    removed = AuditEvent.objects.get(action="membership.account_address_removed")
    assert removed.target_id == str(hank.public_id)


def test_create_keeps_the_other_verified_address_of_the_former_holders_account(
    scim: ScimClient, hank: Membership
) -> None:
    assert hank.user is not None
    tenancy.mark_address_verified(user=hank.user, address="hank@private.example")
    create(scim)
    hank.user.refresh_from_db()
    assert hank.user.email == "hank@private.example"


def test_other_address_is_mailed_when_one_went_to_somebody_else(
    scim: ScimClient, hank: Membership, mailoutbox: list[EmailMessage]
) -> None:
    assert hank.user is not None
    tenancy.mark_address_verified(user=hank.user, address="hank@private.example")
    create(scim)
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (["hank@private.example"], f"{HANK} was removed from your Gatehouse account")
    assert "has given the address to somebody else" in mail.body


def test_create_keeps_the_former_holders_address_when_the_domain_is_not_verified(scim: ScimClient, acme: Any) -> None:
    made = create(scim, "hank@elsewhere.example", externalId="hank-1")
    membership = current(scim, "hank@elsewhere.example")
    account = tenancy.create_account(email=membership.email, password=PASSWORD, verified=True)
    people.accept_invitation(membership=membership, user=account, actor=ACTOR, mailed_at=now())
    scim.delete(f"/Users/{made['id']}")
    create(scim, "hank@elsewhere.example", externalId="hank-2")
    assert current(scim, "hank@elsewhere.example").state == MembershipState.INVITED
    assert tenancy_queries.account_for_address("hank@elsewhere.example") == account


def test_account_is_removed_from_its_deleted_membership_when_it_accepts_a_new_invitation(
    scim: ScimClient, acme: Any
) -> None:
    made = create(scim, "hank@elsewhere.example", externalId="hank-1")
    first = current(scim, "hank@elsewhere.example")
    account = tenancy.create_account(email=first.email, password=PASSWORD, verified=True)
    people.accept_invitation(membership=first, user=account, actor=ACTOR, mailed_at=now())
    scim.delete(f"/Users/{made['id']}")
    create(scim, "hank@elsewhere.example", externalId="hank-2")
    second = current(scim, "hank@elsewhere.example")
    assert list(tenancy_queries.waiting_memberships_of(account)) == [second]
    people.accept_invitation(membership=second, user=account, actor=ACTOR, mailed_at=now())
    first.refresh_from_db()
    assert (first.user, second.pk != first.pk) == (None, True)
    assert AuditEvent.objects.filter(action="membership.account_removed", target_id=str(first.public_id)).exists()


@pytest.mark.parametrize("active", [True, None])
@pytest.mark.parametrize("address", [HANK, HENRY])
def test_create_restores_the_membership_with_the_same_external_id(
    scim: ScimClient, hank: Membership, address: str, active: bool | None
) -> None:
    body = user_body(address, externalId="hank-1")
    if active is None:
        del body["active"]
    assert scim.post("/Users", body).status_code == 201
    back = current(scim, address)
    assert (back.pk, back.user_id, back.role) == (hank.pk, hank.user_id, Role.ADMIN)
    assert (back.state, back.deprovisioned_at) == (MembershipState.ACTIVE, None)
    assert GroupMember.objects.filter(membership=back).count() == 1
    assert not FormerDirectoryUser.objects.exists()
    assert AuditEvent.objects.filter(action="membership.restored").count() == 1


def test_create_restores_the_membership_suspended_when_active_is_false(scim: ScimClient, hank: Membership) -> None:
    create(scim, externalId="hank-1", active=False)
    assert current(scim).state == MembershipState.SUSPENDED


def test_create_returns_409_when_somebody_else_has_the_returning_users_address(
    scim: ScimClient, hank: Membership
) -> None:
    create(scim, externalId="hank-2", userName="hank.new")
    assert_scim_error(scim.post("/Users", user_body(HANK, externalId="hank-1")), 409, "uniqueness")
    hank.refresh_from_db()
    assert hank.deprovisioned_at is not None
    assert FormerDirectoryUser.objects.filter(external_id="hank-1").exists()


def test_create_for_a_returning_user_without_any_address_returns_400(scim: ScimClient, hank: Membership) -> None:
    body = user_body(userName="hank", emails=None, externalId="hank-1")
    assert_scim_error(scim.post("/Users", body), 400, "invalidValue")
    assert FormerDirectoryUser.objects.filter(external_id="hank-1").exists()


def test_create_restores_the_membership_after_a_second_delete(scim: ScimClient, hank: Membership) -> None:
    made = create(scim, externalId="hank-1")
    scim.delete(f"/Users/{made['id']}")
    create(scim, HENRY, externalId="hank-1")
    assert current(scim, HENRY).pk == hank.pk


def test_create_restores_the_newest_membership_that_had_the_external_id(scim: ScimClient, hank: Membership) -> None:
    made = create(scim, HENRY, externalId="henry")
    henry = current(scim, HENRY)
    use(henry)
    scim.patch(f"/Users/{made['id']}", patch_body({"op": "replace", "path": "externalId", "value": "hank-1"}))
    assert scim.delete(f"/Users/{made['id']}").status_code == 204
    create(scim, HENRY, externalId="hank-1")
    assert current(scim, HENRY).pk == henry.pk


def test_create_does_not_restore_a_membership_of_another_directory(
    scim: ScimClient, hank: Membership, globex: Any
) -> None:
    from django.test import Client

    from scim.directories.queries import first_directory
    from tests.factories import TokenFactory

    directory = first_directory(globex)
    other = ScimClient(directory, str(TokenFactory(directory=directory).plain), Client())
    create(other, externalId="hank-1")
    assert current(other).pk != hank.pk
    hank.refresh_from_db()
    assert hank.deprovisioned_at is not None


def test_create_keeps_an_admins_suspension_when_the_address_returns(scim: ScimClient, verified: None) -> None:
    made = create(scim, externalId="hank-1")
    membership = current(scim)
    use(membership)
    people.suspend_membership(membership=membership, source=SuspensionSource.ADMIN, actor=ACTOR)
    scim.delete(f"/Users/{made['id']}")
    create(scim, externalId="hank-2")
    new = current(scim)
    assert new.pk != membership.pk
    assert [suspension.source for suspension in new.suspensions.all()] == [SuspensionSource.ADMIN]


def test_create_adopts_a_member_by_address_only_before_the_first_delete(scim: ScimClient, uma: Membership) -> None:
    use(uma)
    made = create(scim, "uma@acme.example")
    assert current(scim, "uma@acme.example").pk == uma.pk
    scim.delete(f"/Users/{made['id']}")
    create(scim, "uma@acme.example")
    assert current(scim, "uma@acme.example").pk != uma.pk


def test_create_adopts_an_invited_member_again_after_delete(scim: ScimClient, acme: Any, olga: Any) -> None:
    invited = people.create_membership(org=acme, profile=Profile(HANK), origin=MembershipOrigin.INVITE, actor=ACTOR)
    made = create(scim)
    scim.delete(f"/Users/{made['id']}")
    create(scim)
    assert current(scim).pk == invited.pk


def test_deprovision_twice_keeps_the_first_time(hank: Membership) -> None:
    before = hank.deprovisioned_at
    held.deprovision(hank)
    hank.refresh_from_db()
    assert hank.deprovisioned_at == before


def test_restore_changes_nothing_when_it_is_not_deprovisioned(uma: Membership) -> None:
    restored = held.restore(uma, Profile("x@acme.example"))
    assert restored.email == "uma@acme.example"


@pytest.mark.parametrize("form", ["put", "patch"])
def test_put_and_patch_refuse_to_change_the_last_owners_address(scim: ScimClient, olga: Membership, form: str) -> None:
    made = create(scim, "olga@acme.example")
    path = f"/Users/{made['id']}"
    operations = [
        {"op": "replace", "path": "userName", "value": HENRY},
        {"op": "replace", "path": "emails", "value": [{"value": HENRY, "primary": True}]},
    ]
    response = scim.put(path, user_body(HENRY)) if form == "put" else scim.patch(path, patch_body(*operations))
    assert_scim_error(response, 409)
    assert "last active owner" in response.json()["detail"]
    olga.refresh_from_db()
    assert olga.email == "olga@acme.example"
    assert DirectoryUser.objects.get(membership=olga).user_name == "olga@acme.example"


def test_put_changes_the_address_of_one_of_two_owners(scim: ScimClient, olga: Membership, adam: Membership) -> None:
    people.grant_role(membership=adam, role=Role.OWNER, source=GrantSource.PERSON, actor=ACTOR)
    made = create(scim, "olga@acme.example")
    assert scim.put(f"/Users/{made['id']}", user_body(HENRY)).status_code == 200
    olga.refresh_from_db()
    assert olga.email == HENRY


def test_put_with_a_new_address_removes_the_address_from_its_former_holders_account(
    scim: ScimClient, verified: None
) -> None:
    made = create(scim, externalId="hank-1")
    former = current(scim)
    use(former)
    scim.put(f"/Users/{made['id']}", user_body(HENRY, externalId="hank-1"))
    other = create(scim, "helen@acme.example", externalId="helen-1")
    scim.put(f"/Users/{other['id']}", user_body(HANK, externalId="helen-1"))
    assert former.user is not None
    assert HANK not in tenancy_queries.verified_keys_of(former.user)
    assert tenancy_queries.account_for_address(HANK) == current(scim).user


def test_person_returns_by_an_external_id_that_is_longer_than_an_index_holds(scim: ScimClient, verified: None) -> None:
    made, membership = create(scim, externalId="é" * 1024), current(scim)
    use(membership)
    scim.delete(f"/Users/{made['id']}")
    create(scim, HENRY, externalId="é" * 1024)
    assert current(scim, HENRY).pk == membership.pk
