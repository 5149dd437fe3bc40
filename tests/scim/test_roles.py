"""Roles that an identity provider gives, by a user's own attribute and by groups; the highest counts."""

from typing import Any

import pytest

from orgs.audit.models import AuditEvent
from orgs.people import services as people
from orgs.tenancy.models import Membership
from orgs.tenancy.types import GrantSource, Role
from scim.protocol.schemas import GATEHOUSE_GROUP, GATEHOUSE_USER
from tests.conftest import ScimClient
from tests.factories import ACTOR
from tests.scim.bodies import group_body, patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

NORA = "nora@acme.example"


def role_of(address: str = NORA) -> str:
    return Membership.objects.get(email_key=address).role


def reasons(address: str = NORA) -> set[tuple[str, str]]:
    membership = Membership.objects.get(email_key=address)
    return {(grant.source, grant.role) for grant in membership.grants.all()}


def create(scim: ScimClient, role: str | None = None, address: str = NORA) -> str:
    body = user_body(address) | ({GATEHOUSE_USER: {"organizationRole": role}} if role else {})
    response = scim.post("/Users", body)
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def group(scim: ScimClient, role: str | None, *members: str, name: str = "Admins") -> str:
    body = group_body(name, members=[{"value": member} for member in members])
    response = scim.post("/Groups", body | {GATEHOUSE_GROUP: {"organizationRole": role}})
    assert response.status_code == 201, response.content
    return str(response.json()["id"])


def patch(scim: ScimClient, path: str, op: str, attribute: str, value: Any = None) -> Any:
    response = scim.patch(path, patch_body({"op": op, "path": attribute, "value": value}))
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.parametrize("role", ["Admin", "User", "Guest", "ADMIN"])
def test_create_user_with_a_role_grants_it_and_reads_it_back(scim: ScimClient, role: str) -> None:
    user = create(scim, role)
    assert role_of() == role.casefold()
    shown = scim.get(f"/Users/{user}").json()
    assert shown[GATEHOUSE_USER] == {"organizationRole": role.capitalize()}
    grant = Membership.objects.get(email_key=NORA).grants.get()
    assert (grant.source, grant.reference) == (GrantSource.DIRECTORY, str(scim.directory.public_id))


def test_role_follows_each_change_of_the_attribute_and_is_audited_once_each(scim: ScimClient) -> None:
    path = f"/Users/{create(scim)}"
    for role in ("Admin", "Guest", "Guest"):
        patch(scim, path, "replace", f"{GATEHOUSE_USER}:organizationRole", role)
        assert role_of() == role.casefold()
    patch(scim, path, "remove", f"{GATEHOUSE_USER}:organizationRole")
    assert (role_of(), reasons()) == (Role.USER, set())
    assert AuditEvent.objects.filter(action="membership.role_changed", target_label=NORA).count() == 3


def test_put_without_the_role_takes_it(scim: ScimClient) -> None:
    user = create(scim, "Admin")
    scim.put(f"/Users/{user}", user_body())
    assert role_of() == Role.USER


@pytest.mark.parametrize("role", ["Owner", "owner", "Superuser"])
def test_owner_and_unknown_roles_are_refused(scim: ScimClient, role: str) -> None:
    assert_scim_error(
        scim.post("/Users", user_body() | {GATEHOUSE_USER: {"organizationRole": role}}), 400, "invalidValue"
    )
    body = group_body("Bosses") | {GATEHOUSE_GROUP: {"organizationRole": role}}
    assert_scim_error(scim.post("/Groups", body), 400, "invalidValue")
    assert not Membership.objects.filter(email_key=NORA).exists()


@pytest.mark.parametrize("role", ["Admin", "Guest"])
def test_owner_stays_owner_and_keeps_the_claim_as_a_reason(scim: ScimClient, olga: Membership, role: str) -> None:
    user = create(scim, role, "olga@acme.example")
    group(scim, "Guest", user)
    assert role_of("olga@acme.example") == Role.OWNER
    assert reasons("olga@acme.example") == {
        (GrantSource.PERSON, Role.OWNER),
        (GrantSource.DIRECTORY, role.casefold()),
        (GrantSource.GROUP, Role.GUEST),
    }


def test_highest_of_attribute_groups_and_person_counts(scim: ScimClient) -> None:
    user = create(scim, "Guest")
    staff, bosses = group(scim, "User", user, name="Staff"), group(scim, "Admin", user, name="Bosses")
    assert role_of() == Role.ADMIN
    assert scim.delete(f"/Groups/{bosses}").status_code == 204
    assert role_of() == Role.USER
    patch(scim, f"/Groups/{staff}", "remove", f'members[value eq "{user}"]')
    assert role_of() == Role.GUEST
    people.grant_role(
        membership=Membership.objects.get(email_key=NORA), role=Role.ADMIN, source=GrantSource.PERSON, actor=ACTOR
    )
    assert (role_of(), reasons()) == (
        Role.ADMIN,
        {(GrantSource.DIRECTORY, Role.GUEST), (GrantSource.PERSON, Role.ADMIN)},
    )


def test_role_of_a_group_follows_its_members_and_its_own_changes(scim: ScimClient) -> None:
    nora, nina = create(scim), create(scim, address="nina@acme.example")
    path = f"/Groups/{group(scim, None, nora)}"
    shown = patch(scim, path, "add", f"{GATEHOUSE_GROUP}:organizationRole", "Admin")
    assert shown[GATEHOUSE_GROUP] == {"organizationRole": "Admin"}
    assert role_of() == Role.ADMIN
    patch(scim, path, "add", "members", [{"value": nina}])
    assert role_of("nina@acme.example") == Role.ADMIN
    patch(scim, path, "replace", f"{GATEHOUSE_GROUP}:organizationRole", "Guest")
    assert (role_of(), role_of("nina@acme.example")) == (Role.GUEST, Role.GUEST)
    patch(scim, path, "remove", f"{GATEHOUSE_GROUP}:organizationRole")
    assert (role_of(), reasons(), reasons("nina@acme.example")) == (Role.USER, set(), set())


def test_one_patch_changes_the_role_and_the_members_of_a_group(scim: ScimClient) -> None:
    nora, nina = create(scim), create(scim, address="nina@acme.example")
    operations = [
        {"op": "replace", "path": f"{GATEHOUSE_GROUP}:organizationRole", "value": "Guest"},
        {"op": "replace", "path": "members", "value": [{"value": nina}]},
    ]
    scim.patch(f"/Groups/{group(scim, 'Admin', nora)}", patch_body(*operations))
    assert (role_of(), role_of("nina@acme.example"), reasons()) == (Role.USER, Role.GUEST, set())


def test_delete_user_takes_the_roles_that_its_directory_had_given(scim: ScimClient, uma: Membership) -> None:
    people.grant_role(membership=uma, role=Role.USER, source=GrantSource.PERSON, actor=ACTOR)
    user = create(scim, "Guest", "uma@acme.example")
    group(scim, "Admin", user)
    assert role_of("uma@acme.example") == Role.ADMIN
    scim.delete(f"/Users/{user}")
    uma.refresh_from_db()
    assert (uma.role, {grant.source for grant in uma.grants.all()}) == (Role.USER, {GrantSource.PERSON})


def test_replacing_the_members_of_a_group_takes_its_role_from_those_who_left(scim: ScimClient) -> None:
    nora, nina = create(scim), create(scim, address="nina@acme.example")
    members = group(scim, "Admin", nora)
    scim.put(
        f"/Groups/{members}",
        group_body("Admins", members=[{"value": nina}]) | {GATEHOUSE_GROUP: {"organizationRole": "Admin"}},
    )
    assert (role_of(), role_of("nina@acme.example")) == (Role.USER, Role.ADMIN)


def test_roles_of_a_large_group_cost_the_same_statements_for_each_thousand(
    scim: ScimClient, django_assert_max_num_queries: Any
) -> None:
    users = [create(scim, address=f"n{number}@acme.example") for number in range(12)]
    members = group(scim, None, *users)
    with django_assert_max_num_queries(30):
        patch(scim, f"/Groups/{members}", "add", f"{GATEHOUSE_GROUP}:organizationRole", "Admin")
    assert Membership.objects.filter(role=Role.ADMIN, email_key__startswith="n").count() == 12
