"""Parallel requests of one directory or of two about the same people: nobody is lost, doubled or left behind."""

from collections import Counter

import pytest
from django.test import Client

from orgs.base.clock import now
from orgs.tenancy.models import Membership
from orgs.tenancy.types import Role
from portal.setup import add_domain
from scim.directories.services import create_directory
from scim.directories.types import MemberListing
from scim.protocol.schemas import GATEHOUSE_GROUP
from scim.users.models import DirectoryUser
from scim.users.services import set_listing
from tests.conftest import ScimClient
from tests.factories import ACTOR, TokenFactory
from tests.faults.test_races import all_at_once, call
from tests.scim.bodies import group_body, patch_body, user_body

pytestmark = pytest.mark.django_db(transaction=True)
NORA = "nora@acme.example"


@pytest.fixture
def other(acme, scim: ScimClient) -> ScimClient:
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    directory = create_directory(org=acme, actor=ACTOR)
    return ScimClient(directory, str(TokenFactory(directory=directory).plain), Client())


def create(client: ScimClient, address: str = NORA) -> str:
    return str(client.post("/Users", user_body(address)).json()["id"])


def test_deletes_in_two_directories_at_once_leave_nobody_active(scim: ScimClient, other: ScimClient) -> None:
    users = [(client, create(client)) for client in (scim, other)]
    Membership.objects.filter(email_key=NORA).update(last_sign_in_at=now())
    assert all_at_once([call(client, "DELETE", f"/Users/{user}", None) for client, user in users]) == [204, 204]
    assert Membership.objects.get(email_key=NORA).deprovisioned_at is not None
    assert not DirectoryUser.objects.filter(user_name_key=NORA).exists()


def test_create_in_one_directory_while_the_other_deletes_ends_with_one_member(
    scim: ScimClient, other: ScimClient
) -> None:
    user = create(scim)
    calls = [call(scim, "DELETE", f"/Users/{user}", None), call(other, "POST", "/Users", user_body())]
    assert sorted(all_at_once(calls)) == [201, 204]
    [membership] = Membership.objects.filter(email_key=NORA, deprovisioned_at=None)
    assert membership.state == "active"
    assert DirectoryUser.objects.get(membership=membership).directory == other.directory


def test_parallel_adoptions_of_a_listed_member_are_one(scim: ScimClient, other: ScimClient, uma) -> None:
    set_listing(directory=scim.directory, listing=MemberListing.ON, actor=ACTOR)
    listed = DirectoryUser.objects.get(user_name_key="uma@acme.example")
    body = user_body("uma@acme.example")
    calls = [
        call(scim, method, path, body) for method, path in [("POST", "/Users"), ("PUT", f"/Users/{listed.scim_id}")]
    ]
    statuses = Counter(all_at_once(calls * 3))
    assert set(statuses) <= {200, 201, 409}
    assert (statuses[200], statuses[201] + statuses[409]) == (3, 3)
    row = DirectoryUser.objects.get(user_name_key="uma@acme.example")
    assert (row.pk, row.is_listed) == (listed.pk, False)


def test_groups_with_the_same_members_give_their_roles_at_once(scim: ScimClient, other: ScimClient) -> None:
    users = [create(scim, f"n{number}@acme.example") for number in range(4)]
    groups = [
        scim.post("/Groups", group_body(name) | {GATEHOUSE_GROUP: {"organizationRole": role}}).json()["id"]
        for name, role in [("A", "Admin"), ("B", "Guest"), ("C", "User")]
    ]
    orders = [users, users[::-1], [*users[2:], *users[:2]]]
    calls = [
        call(scim, "PATCH", f"/Groups/{group}", patch_body({"op": "add", "path": "members", "value": members}))
        for group, members in zip(groups, ([{"value": user} for user in order] for order in orders), strict=True)
    ]
    assert all_at_once(calls) == [200, 200, 200]
    members = Membership.objects.filter(email_key__startswith="n", directory_users__directory=scim.directory)
    assert [(member.role, member.grants.count()) for member in members] == [(Role.ADMIN, 3)] * 4


def test_parallel_returns_of_an_inactive_person_are_one_user(scim: ScimClient, other: ScimClient) -> None:
    made = scim.post("/Users", user_body(externalId="n1", active=False)).json()
    calls = [call(scim, "POST", "/Users", user_body(externalId="n1", userName=f"n{place}")) for place in range(6)]
    assert Counter(all_at_once(calls)) == {201: 1, 409: 5}
    assert DirectoryUser.objects.get(external_id="n1").scim_id == made["id"]
    assert Membership.objects.get(email_key=NORA).state == "active"
