"""`/Groups` through its whole life, with every form of adding and removing members."""

from collections.abc import Callable
from typing import Any

import pytest

from orgs.audit.models import AuditEvent
from orgs.groups.models import Group
from scim.groups.models import DirectoryGroup
from tests.conftest import ScimClient
from tests.scim.bodies import group_body, patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error


@pytest.fixture
def ids(scim: ScimClient) -> list[str]:
    return [scim.post("/Users", user_body(f"p{place}@acme.example")).json()["id"] for place in range(3)]


@pytest.fixture
def group(scim: ScimClient, ids: list[str]) -> str:
    """A group of the first two."""
    body = group_body(members=[{"value": ids[0]}, {"value": ids[1]}])
    return str(scim.post("/Groups", body).json()["id"])


def members(scim: ScimClient, group: str) -> set[str]:
    return {member["value"] for member in scim.get(f"/Groups/{group}").json()["members"]}


def test_create_group_returns_201_with_location_and_members(scim: ScimClient, ids: list[str]) -> None:
    response = scim.post("/Groups", group_body(externalId="g1", members=[{"value": ids[0], "display": "x"}]))
    made = response.json()
    assert response.status_code == 201
    assert response["Location"] == made["meta"]["location"]
    [member] = made["members"]
    assert (member["value"], member["type"]) == (ids[0], "User")
    assert member["$ref"].endswith(f"/Users/{ids[0]}")


@pytest.mark.parametrize("given", [{}, {"members": []}, {"members": None}])
def test_create_group_without_members_returns_an_empty_list(scim: ScimClient, given: dict[str, Any]) -> None:
    assert scim.post("/Groups", group_body(**given)).json()["members"] == []


@pytest.mark.parametrize("name", ["Engineering", "ENGINEERING", "engineering"])
def test_create_group_returns_409_when_the_name_is_taken_in_any_case(scim: ScimClient, group: str, name: str) -> None:
    assert_scim_error(scim.post("/Groups", group_body(name)), 409, "uniqueness")


def test_create_group_returns_409_when_the_external_id_is_taken(scim: ScimClient) -> None:
    scim.post("/Groups", group_body(externalId="g1"))
    assert_scim_error(scim.post("/Groups", group_body("Other", externalId="g1")), 409, "uniqueness")
    assert Group.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"displayName": ""},
        {"displayName": None},
        {"displayName": True},
        {"displayName": "x" * 300},
        {"members": "x"},
        {"members": [5]},
        {"members": [{"value": 5}]},
        {"members": [{"value": "x", "type": "Group"}]},
        {"externalId": {"id": 5}},
    ],
)
def test_create_group_with_invalid_values_returns_400_and_creates_nothing(
    scim: ScimClient, changes: dict[str, Any]
) -> None:
    assert_scim_error(scim.post("/Groups", group_body(**changes)), 400, "invalidValue")
    assert not Group.objects.exists()


def test_create_group_with_an_unknown_member_returns_400_naming_it_and_creates_nothing(
    scim: ScimClient, ids: list[str]
) -> None:
    response = scim.post("/Groups", group_body(members=[{"value": ids[0]}, {"value": "nobody"}]))
    assert_scim_error(response, 400, "invalidValue")
    assert "nobody" in response.json()["detail"]
    assert not DirectoryGroup.objects.exists()


Form = Callable[[ScimClient, str, list[str]], Any]
REMOVALS: dict[str, Form] = {
    "value list": lambda scim, group, ids: patch_body(
        {"op": "remove", "path": "members", "value": [{"value": ids[0]}]}
    ),
    "one value": lambda scim, group, ids: patch_body({"op": "remove", "path": "members", "value": {"value": ids[0]}}),
    "bare ids": lambda scim, group, ids: patch_body({"op": "remove", "path": "members", "value": [ids[0]]}),
    "bare id": lambda scim, group, ids: patch_body({"op": "remove", "path": "members", "value": ids[0]}),
    "filter": lambda scim, group, ids: patch_body({"op": "remove", "path": f'members[value eq "{ids[0]}"]'}),
    "filter with or": lambda scim, group, ids: patch_body(
        {"op": "remove", "path": f'members[value eq "{ids[0]}" or value eq "{ids[2]}"]'}
    ),
    "entra's capitals": lambda scim, group, ids: patch_body(
        {"op": "Remove", "path": "members", "value": [{"value": ids[0]}]}
    ),
    "replace by path": lambda scim, group, ids: patch_body(
        {"op": "replace", "path": "members", "value": [{"value": ids[1]}]}
    ),
    "replace without path": lambda scim, group, ids: patch_body(
        {"op": "replace", "value": {"members": [{"value": ids[1]}]}}
    ),
    "upper-case id": lambda scim, group, ids: patch_body(
        {"op": "remove", "path": "members", "value": [{"value": ids[0].upper()}]}
    ),
}


@pytest.mark.parametrize("form", REMOVALS)
def test_patch_in_every_form_of_removal_removes_that_member_only(
    scim: ScimClient, group: str, ids: list[str], form: str
) -> None:
    assert scim.patch(f"/Groups/{group}", REMOVALS[form](scim, group, ids)).status_code == 200
    assert members(scim, group) == {ids[1]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "members"},
        {"op": "replace", "path": "members", "value": []},
        {"op": "replace", "value": {"members": []}},
    ],
)
def test_patch_removes_all_members(scim: ScimClient, group: str, operation: dict[str, Any]) -> None:
    scim.patch(f"/Groups/{group}", patch_body(operation))
    assert members(scim, group) == set()


def test_patch_removing_a_user_who_is_no_member_changes_nothing(scim: ScimClient, group: str, ids: list[str]) -> None:
    before = scim.get(f"/Groups/{group}").json()
    body = patch_body({"op": "remove", "path": "members", "value": [{"value": ids[2]}, {"value": "nobody"}]})
    assert scim.patch(f"/Groups/{group}", body).json() == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "members", "value": [{"value": "{id}"}]},
        {"op": "Add", "path": "members", "value": [{"value": "{id}", "display": "P"}]},
        {"op": "add", "path": "members", "value": {"value": "{id}"}},
        {"op": "add", "value": {"members": [{"value": "{id}"}]}},
    ],
)
def test_patch_in_every_form_of_adding_adds_the_member(
    scim: ScimClient, group: str, ids: list[str], operation: dict[str, Any]
) -> None:
    import json

    body = json.loads(json.dumps(patch_body(operation)).replace("{id}", ids[2]))
    scim.patch(f"/Groups/{group}", body)
    assert members(scim, group) == set(ids)


def test_patch_adding_an_existing_member_changes_nothing_and_is_not_audited(
    scim: ScimClient, group: str, ids: list[str]
) -> None:
    before = scim.get(f"/Groups/{group}").json()
    events = AuditEvent.objects.count()
    assert (
        scim.patch(
            f"/Groups/{group}", patch_body({"op": "add", "path": "members", "value": [{"value": ids[0]}]})
        ).json()
        == before
    )
    assert AuditEvent.objects.count() == events


def test_patch_of_a_group_applies_operations_in_order(scim: ScimClient, group: str, ids: list[str]) -> None:
    body = patch_body(
        {"op": "add", "path": "members", "value": [{"value": ids[2]}]},
        {"op": "remove", "path": f'members[value eq "{ids[0]}"]'},
        {"op": "remove", "path": f'members[value eq "{ids[2]}"]'},
        {"op": "add", "path": "members", "value": [{"value": ids[0]}]},
    )
    scim.patch(f"/Groups/{group}", body)
    assert members(scim, group) == {ids[0], ids[1]}


def test_patch_of_a_group_changes_nothing_when_one_operation_is_refused(scim: ScimClient, group: str) -> None:
    before = scim.get(f"/Groups/{group}").json()
    body = patch_body(
        {"op": "replace", "value": {"displayName": "Changed"}},
        {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
    )
    assert_scim_error(scim.patch(f"/Groups/{group}", body), 400, "invalidValue")
    assert scim.get(f"/Groups/{group}").json() == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "value": {"displayName": "Platform"}},
        {"op": "replace", "value": {"id": "ignored", "displayName": "Platform"}},
        {"op": "Replace", "path": "displayName", "value": "Platform"},
        {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:displayName", "value": "Platform"},
    ],
)
def test_patch_in_every_form_of_renaming_renames_the_group(
    scim: ScimClient, group: str, ids: list[str], operation: dict[str, Any]
) -> None:
    assert scim.patch(f"/Groups/{group}", patch_body(operation)).json()["displayName"] == "Platform"
    assert members(scim, group) == {ids[0], ids[1]}


def test_patch_renaming_a_group_to_a_taken_name_returns_409(scim: ScimClient, group: str) -> None:
    scim.post("/Groups", group_body("Sales"))
    assert_scim_error(
        scim.patch(f"/Groups/{group}", patch_body({"op": "replace", "value": {"displayName": "SALES"}})),
        409,
        "uniqueness",
    )


def test_patch_renames_a_group_when_only_the_case_changes(scim: ScimClient, group: str) -> None:
    body = patch_body({"op": "replace", "value": {"displayName": "ENGINEERING"}})
    assert scim.patch(f"/Groups/{group}", body).json()["displayName"] == "ENGINEERING"


def test_put_of_a_group_removes_members_missing_from_the_list(scim: ScimClient, group: str, ids: list[str]) -> None:
    scim.put(f"/Groups/{group}", group_body("Renamed", members=[{"value": ids[2]}]))
    assert members(scim, group) == {ids[2]}
    assert Group.objects.get().name == "Renamed"


def test_put_of_a_group_without_members_keeps_them(scim: ScimClient, group: str, ids: list[str]) -> None:
    scim.put(f"/Groups/{group}", group_body("Renamed"))
    assert members(scim, group) == {ids[0], ids[1]}


def test_put_of_a_group_sets_and_clears_the_external_id(scim: ScimClient, group: str) -> None:
    assert scim.put(f"/Groups/{group}", group_body(externalId="g9")).json()["externalId"] == "g9"
    assert "externalId" not in scim.put(f"/Groups/{group}", group_body()).json()


def test_group_version_rises_with_a_change_only(scim: ScimClient, group: str) -> None:
    versions = [
        scim.patch(f"/Groups/{group}", patch_body({"op": "replace", "value": {"displayName": name}})).json()["meta"][
            "version"
        ]
        for name in ("A", "A", "B")
    ]
    assert versions == ['W/"2"', 'W/"2"', 'W/"3"']


def test_delete_group_returns_204_and_frees_the_name_and_keeps_the_users(
    scim: ScimClient, group: str, ids: list[str]
) -> None:
    assert scim.delete(f"/Groups/{group}").status_code == 204
    assert_scim_error(scim.get(f"/Groups/{group}"), 404)
    assert_scim_error(scim.delete(f"/Groups/{group}"), 404)
    assert scim.post("/Groups", group_body()).status_code == 201
    assert scim.get(f"/Users/{ids[0]}").status_code == 200


def test_delete_user_removes_the_user_from_groups(scim: ScimClient, group: str, ids: list[str]) -> None:
    scim.delete(f"/Users/{ids[0]}")
    assert members(scim, group) == {ids[1]}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('displayName eq "Engineering"', 1),
        ('displayname EQ "ENGINEERING"', 1),
        ('displayName eq "None"', 0),
        ('externalId eq "g1"', 1),
        ('displayName eq "Engineering" and externalId eq "g1"', 1),
        ('id eq "x"', 0),
        ('displayName co "gin"', 1),
        ('members eq "x"', 0),
        ('members.value eq "x"', 0),
        ("members pr", 0),
        ('displayName eq "a" or displayName eq "engineering"', 1),
        ('not (displayName eq "a")', 1),
        ('meta.resourceType eq "Group"', 1),
        ("", 1),
    ],
)
def test_list_groups_returns_only_groups_that_the_filter_selects(scim: ScimClient, text: str, count: int) -> None:
    from urllib.parse import quote

    scim.post("/Groups", group_body(externalId="g1"))
    assert scim.get(f"/Groups?filter={quote(text)}").json()["totalResults"] == count


@pytest.mark.parametrize(
    "text",
    [
        "displayName eq 5",
        'nosuch eq "x"',
        'members[display eq "x"]',
        'userName eq "x"',
    ],
)
def test_list_groups_with_an_unsupported_filter_returns_400(scim: ScimClient, text: str) -> None:
    from urllib.parse import quote

    assert_scim_error(scim.get(f"/Groups?filter={quote(text)}"), 400, "invalidFilter")


@pytest.mark.parametrize(
    "query", ["excludedAttributes=members", "excludedAttributes=MEMBERS,meta", "attributes=displayName"]
)
def test_get_and_list_groups_omit_members_when_excluded(
    scim: ScimClient, group: str, query: str, django_assert_max_num_queries: Any
) -> None:
    assert "members" not in scim.get(f"/Groups/{group}?{query}").json()
    assert "members" not in scim.get(f"/Groups?{query}").json()["Resources"][0]


def test_list_groups_takes_the_same_number_of_queries_for_two_as_for_ten(
    scim: ScimClient, ids: list[str], django_assert_max_num_queries: Any
) -> None:
    for place in range(10):
        scim.post("/Groups", group_body(f"G{place}", members=[{"value": ids[0]}]))
    with django_assert_max_num_queries(12):
        scim.get("/Groups?count=2")
    with django_assert_max_num_queries(12):
        assert len(scim.get("/Groups").json()["Resources"]) == 10


def test_patch_with_a_filter_on_an_unknown_attribute_returns_400_invalid_path(scim: ScimClient, group: str) -> None:
    assert_scim_error(
        scim.patch(f"/Groups/{group}", patch_body({"op": "remove", "path": 'owners[value eq "x"]'})), 400, "invalidPath"
    )


def test_list_groups_by_id_and_member_as_entra_asks_finds_the_group_of_the_member(scim: ScimClient) -> None:
    from urllib.parse import quote

    [inside, outside] = [scim.post("/Users", user_body(f"{name}@acme.example")).json()["id"] for name in ("in", "out")]
    group = scim.post("/Groups", group_body(members=[{"value": inside}])).json()["id"]
    for member, total in ((inside, 1), (outside, 0)):
        text = quote(f'id eq "{group}" and members eq "{member}"')
        assert scim.get(f"/Groups?filter={text}&excludedAttributes=members").json()["totalResults"] == total
