"""Several directories of one organization: each changes and takes back its own only."""

from typing import Any

import pytest
from django.test import Client

from orgs.base.clock import now
from orgs.groups.models import GroupMember
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import MembershipState
from portal.setup import add_domain
from scim.directories.services import create_directory
from scim.users.models import DirectoryUser, FormerDirectoryUser
from tests.conftest import ScimClient
from tests.factories import ACTOR, TokenFactory
from tests.scim.bodies import group_body, patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

NORA = "nora@acme.example"


@pytest.fixture(autouse=True)
def verified(acme: Organization) -> None:
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)


@pytest.fixture
def other(scim: ScimClient) -> ScimClient:
    """The endpoint of a second directory of the same organization."""
    directory = create_directory(org=scim.directory.org, actor=ACTOR)
    return ScimClient(directory, str(TokenFactory(directory=directory).plain), Client())


def create(client: ScimClient, **changes: Any) -> str:
    response = client.post("/Users", user_body(NORA, **changes))
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def set_active(client: ScimClient, user: str, *, active: bool) -> None:
    operation = {"op": "replace", "path": "active", "value": active}
    assert client.patch(f"/Users/{user}", patch_body(operation)).status_code == 200


def delete(client: ScimClient, user: str) -> None:
    assert client.delete(f"/Users/{user}").status_code == 204


def nora() -> Membership:
    return Membership.objects.get(email_key=NORA)


def use() -> None:
    Membership.objects.filter(email_key=NORA).update(last_sign_in_at=now())


def test_second_directory_adopts_the_membership_that_the_first_has_made(scim: ScimClient, other: ScimClient) -> None:
    assert create(scim) != create(other)
    assert DirectoryUser.objects.filter(membership=nora()).count() == 2
    assert nora().state == MembershipState.ACTIVE


@pytest.mark.parametrize("lifted_first", [0, 1])
def test_member_is_suspended_until_both_directories_have_lifted(
    scim: ScimClient, other: ScimClient, lifted_first: int
) -> None:
    users = [(scim, create(scim)), (other, create(other))]
    for client, user in users:
        set_active(client, user, active=False)
    assert {row.directory for row in nora().suspensions.all()} == {client.directory.public_id for client, _ in users}
    set_active(*users[lifted_first], active=True)
    assert nora().state == MembershipState.SUSPENDED
    set_active(*users[1 - lifted_first], active=True)
    assert nora().state == MembershipState.ACTIVE


def test_create_in_one_directory_keeps_the_suspension_of_the_other(scim: ScimClient, other: ScimClient) -> None:
    set_active(scim, create(scim), active=False)
    create(other)
    assert nora().state == MembershipState.SUSPENDED


@pytest.mark.parametrize("is_used", [True, False])
def test_delete_in_one_directory_keeps_the_member_of_the_other(
    scim: ScimClient, other: ScimClient, is_used: bool
) -> None:
    first, second = create(scim), create(other)
    if is_used:
        use()
    delete(scim, first)
    member = nora()
    assert (member.state, member.deprovisioned_at) == (MembershipState.ACTIVE, None)
    assert other.get(f"/Users/{second}").status_code == 200


def test_delete_in_one_directory_lifts_its_own_suspension_only(scim: ScimClient, other: ScimClient) -> None:
    users = [(scim, create(scim)), (other, create(other))]
    for client, user in users:
        set_active(client, user, active=False)
    delete(*users[0])
    assert [row.directory for row in nora().suspensions.all()] == [other.directory.public_id]
    set_active(*users[1], active=True)
    assert nora().state == MembershipState.ACTIVE


def test_delete_in_the_last_directory_removes_a_member_whom_the_other_had_made(
    scim: ScimClient, other: ScimClient
) -> None:
    first, second = create(scim), create(other)
    delete(scim, first)
    delete(other, second)
    assert not Membership.objects.filter(email_key=NORA).exists()


def test_delete_in_the_last_directory_deprovisions_a_used_member(scim: ScimClient, other: ScimClient) -> None:
    first, second = create(scim), create(other)
    use()
    delete(scim, first)
    delete(other, second)
    assert nora().deprovisioned_at is not None
    assert [row.directory for row in nora().suspensions.all()] == [other.directory.public_id]


def test_create_with_the_external_id_of_before_lifts_the_suspension_of_the_directory_that_deleted_last(
    scim: ScimClient, other: ScimClient
) -> None:
    first, second = create(scim, externalId="n1"), create(other)
    use()
    delete(scim, first)
    delete(other, second)
    create(scim, externalId="n1")
    assert (nora().state, nora().suspensions.count()) == (MembershipState.ACTIVE, 0)


def test_create_of_an_inactive_user_replaces_the_suspension_of_a_directory_without_them(
    scim: ScimClient, other: ScimClient
) -> None:
    first, second = create(scim, externalId="n1"), create(other)
    use()
    delete(scim, first)
    delete(other, second)
    user = create(scim, externalId="n1", active=False)
    assert [row.directory for row in nora().suspensions.all()] == [scim.directory.public_id]
    set_active(scim, user, active=True)
    assert nora().state == MembershipState.ACTIVE


def test_create_returns_to_the_member_whom_the_other_directory_kept(scim: ScimClient, other: ScimClient) -> None:
    first = create(scim, externalId="n1")
    create(other)
    use()
    before = nora().pk
    delete(scim, first)
    assert FormerDirectoryUser.objects.get(external_id="n1").membership_id == before
    create(scim, externalId="n1")
    assert nora().pk == before


def test_create_with_another_external_id_of_a_member_whom_the_other_directory_kept_returns_409(
    scim: ScimClient, other: ScimClient
) -> None:
    first = create(scim, externalId="n1")
    create(other)
    delete(scim, first)
    response = scim.post("/Users", user_body(NORA, externalId="n2"))
    assert_scim_error(response, 409, "uniqueness")
    assert "Send the externalId that they had here" in response.json()["detail"]


def test_create_with_the_external_id_of_a_member_who_is_another_user_by_now_returns_409(
    scim: ScimClient, other: ScimClient
) -> None:
    first = create(scim, externalId="n1")
    create(other)
    delete(scim, first)
    created = create(scim, externalId="n1")
    FormerDirectoryUser.objects.create(
        org=scim.directory.org,
        directory=scim.directory,
        membership=nora(),
        external_id="n3",
        deleted_at=now(),
    )
    scim.patch(f"/Users/{created}", patch_body({"op": "replace", "path": "userName", "value": "n"}))
    assert_scim_error(scim.post("/Users", user_body("nina@acme.example", externalId="n3")), 409, "uniqueness")


def test_two_directories_each_have_a_group_of_one_name_with_their_own_members(
    scim: ScimClient, other: ScimClient
) -> None:
    groups = []
    for client in (scim, other):
        user = create(client)
        response = client.post("/Groups", group_body("Admins", members=[{"value": user}]))
        assert response.status_code == 201, response.content
        groups.append((client, user, response.json()["id"]))
    assert_scim_error(scim.post("/Groups", group_body("ADMINS")), 409, "uniqueness")
    delete(*groups[0][:2])
    (client, user, group) = groups[1]
    assert [row["value"] for row in client.get(f"/Groups/{group}").json()["members"]] == [user]
    assert GroupMember.objects.count() == 1
    assert scim.get(f"/Groups/{groups[0][2]}").json()["members"] == []


def test_member_of_another_directory_cannot_be_added_to_a_group(scim: ScimClient, other: ScimClient) -> None:
    response = scim.post("/Groups", group_body("Admins", members=[{"value": create(other)}]))
    assert_scim_error(response, 400, "invalidValue")


def test_user_of_another_directory_is_unknown(scim: ScimClient, other: ScimClient) -> None:
    assert_scim_error(scim.get(f"/Users/{create(other)}"), 404)
    assert scim.get(f'/Users?filter=userName eq "{NORA}"').json()["totalResults"] == 0
