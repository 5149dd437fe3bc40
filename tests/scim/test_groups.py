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


def test_a_created_group_is_echoed_with_its_members(scim: ScimClient, ids: list[str]) -> None:
    response = scim.post("/Groups", group_body(externalId="g1", members=[{"value": ids[0], "display": "x"}]))
    made = response.json()
    assert response.status_code == 201
    assert response["Location"] == made["meta"]["location"]
    [member] = made["members"]
    assert (member["value"], member["type"]) == (ids[0], "User")
    assert member["$ref"].endswith(f"/Users/{ids[0]}")


@pytest.mark.parametrize("given", [{}, {"members": []}, {"members": None}])
def test_a_group_may_be_empty(scim: ScimClient, given: dict[str, Any]) -> None:
    assert scim.post("/Groups", group_body(**given)).json()["members"] == []


@pytest.mark.parametrize("name", ["Engineering", "ENGINEERING", "engineering"])
def test_a_second_group_of_the_same_name_is_409(scim: ScimClient, group: str, name: str) -> None:
    assert_scim_error(scim.post("/Groups", group_body(name)), 409, "uniqueness")


def test_a_second_group_of_the_same_external_id_is_409(scim: ScimClient) -> None:
    scim.post("/Groups", group_body(externalId="g1"))
    assert_scim_error(scim.post("/Groups", group_body("Other", externalId="g1")), 409, "uniqueness")
    assert Group.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"displayName": ""},
        {"displayName": None},
        {"displayName": 5},
        {"displayName": "x" * 300},
        {"members": "x"},
        {"members": [5]},
        {"members": [{"value": 5}]},
        {"members": [{"value": "x", "type": "Group"}]},
        {"externalId": 5},
    ],
)
def test_wrong_values_are_400_and_leave_nothing(scim: ScimClient, changes: dict[str, Any]) -> None:
    assert_scim_error(scim.post("/Groups", group_body(**changes)), 400, "invalidValue")
    assert not Group.objects.exists()


def test_members_that_do_not_exist_are_named_and_nothing_is_kept(scim: ScimClient, ids: list[str]) -> None:
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
def test_every_form_of_removal_removes_that_member_only(
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
def test_a_group_can_be_emptied(scim: ScimClient, group: str, operation: dict[str, Any]) -> None:
    scim.patch(f"/Groups/{group}", patch_body(operation))
    assert members(scim, group) == set()


def test_removing_who_is_no_member_changes_nothing(scim: ScimClient, group: str, ids: list[str]) -> None:
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
def test_every_form_of_adding_adds(scim: ScimClient, group: str, ids: list[str], operation: dict[str, Any]) -> None:
    import json

    body = json.loads(json.dumps(patch_body(operation)).replace("{id}", ids[2]))
    scim.patch(f"/Groups/{group}", body)
    assert members(scim, group) == set(ids)


def test_adding_a_member_twice_is_no_change(scim: ScimClient, group: str, ids: list[str]) -> None:
    before = scim.get(f"/Groups/{group}").json()
    events = AuditEvent.objects.count()
    assert (
        scim.patch(
            f"/Groups/{group}", patch_body({"op": "add", "path": "members", "value": [{"value": ids[0]}]})
        ).json()
        == before
    )
    assert AuditEvent.objects.count() == events


def test_operations_are_applied_in_order(scim: ScimClient, group: str, ids: list[str]) -> None:
    body = patch_body(
        {"op": "add", "path": "members", "value": [{"value": ids[2]}]},
        {"op": "remove", "path": f'members[value eq "{ids[0]}"]'},
        {"op": "remove", "path": f'members[value eq "{ids[2]}"]'},
        {"op": "add", "path": "members", "value": [{"value": ids[0]}]},
    )
    scim.patch(f"/Groups/{group}", body)
    assert members(scim, group) == {ids[0], ids[1]}


def test_a_patch_of_a_group_is_all_or_nothing(scim: ScimClient, group: str) -> None:
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
def test_every_form_of_renaming_renames(
    scim: ScimClient, group: str, ids: list[str], operation: dict[str, Any]
) -> None:
    assert scim.patch(f"/Groups/{group}", patch_body(operation)).json()["displayName"] == "Platform"
    assert members(scim, group) == {ids[0], ids[1]}


def test_a_rename_to_a_taken_name_is_409(scim: ScimClient, group: str) -> None:
    scim.post("/Groups", group_body("Sales"))
    assert_scim_error(
        scim.patch(f"/Groups/{group}", patch_body({"op": "replace", "value": {"displayName": "SALES"}})),
        409,
        "uniqueness",
    )


def test_a_change_of_case_alone_is_a_rename(scim: ScimClient, group: str) -> None:
    body = patch_body({"op": "replace", "value": {"displayName": "ENGINEERING"}})
    assert scim.patch(f"/Groups/{group}", body).json()["displayName"] == "ENGINEERING"


def test_put_with_the_full_list_removes_who_is_missing(scim: ScimClient, group: str, ids: list[str]) -> None:
    scim.put(f"/Groups/{group}", group_body("Renamed", members=[{"value": ids[2]}]))
    assert members(scim, group) == {ids[2]}
    assert Group.objects.get().name == "Renamed"


def test_put_without_members_leaves_them(scim: ScimClient, group: str, ids: list[str]) -> None:
    scim.put(f"/Groups/{group}", group_body("Renamed"))
    assert members(scim, group) == {ids[0], ids[1]}


def test_put_sets_and_clears_the_external_id(scim: ScimClient, group: str) -> None:
    assert scim.put(f"/Groups/{group}", group_body(externalId="g9")).json()["externalId"] == "g9"
    assert "externalId" not in scim.put(f"/Groups/{group}", group_body()).json()


def test_a_change_raises_the_version_and_no_change_does_not(scim: ScimClient, group: str) -> None:
    versions = [
        scim.patch(f"/Groups/{group}", patch_body({"op": "replace", "value": {"displayName": name}})).json()["meta"][
            "version"
        ]
        for name in ("A", "A", "B")
    ]
    assert versions == ['W/"2"', 'W/"2"', 'W/"3"']


def test_a_deleted_group_is_gone_and_its_name_free(scim: ScimClient, group: str, ids: list[str]) -> None:
    assert scim.delete(f"/Groups/{group}").status_code == 204
    assert_scim_error(scim.get(f"/Groups/{group}"), 404)
    assert_scim_error(scim.delete(f"/Groups/{group}"), 404)
    assert scim.post("/Groups", group_body()).status_code == 201
    assert scim.get(f"/Users/{ids[0]}").status_code == 200


def test_a_deleted_user_leaves_its_groups(scim: ScimClient, group: str, ids: list[str]) -> None:
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
    ],
)
def test_filters_find_the_groups_they_name(scim: ScimClient, text: str, count: int) -> None:
    from urllib.parse import quote

    scim.post("/Groups", group_body(externalId="g1"))
    assert scim.get(f"/Groups?filter={quote(text)}").json()["totalResults"] == count


@pytest.mark.parametrize(
    "text",
    [
        'displayName co "x"',
        'members eq "x"',
        'members.value eq "x"',
        "displayName eq 5",
        'nosuch eq "x"',
        'displayName eq "a" or displayName eq "b"',
    ],
)
def test_other_filters_on_groups_are_refused(scim: ScimClient, text: str) -> None:
    from urllib.parse import quote

    assert_scim_error(scim.get(f"/Groups?filter={quote(text)}"), 400, "invalidFilter")


@pytest.mark.parametrize(
    "query", ["excludedAttributes=members", "excludedAttributes=MEMBERS,meta", "attributes=displayName"]
)
def test_excluded_members_are_neither_shown_nor_read(
    scim: ScimClient, group: str, query: str, django_assert_max_num_queries: Any
) -> None:
    assert "members" not in scim.get(f"/Groups/{group}?{query}").json()
    assert "members" not in scim.get(f"/Groups?{query}").json()["Resources"][0]


def test_a_list_of_groups_takes_the_same_queries_for_two_as_for_ten(
    scim: ScimClient, ids: list[str], django_assert_max_num_queries: Any
) -> None:
    for place in range(10):
        scim.post("/Groups", group_body(f"G{place}", members=[{"value": ids[0]}]))
    with django_assert_max_num_queries(12):
        scim.get("/Groups?count=2")
    with django_assert_max_num_queries(12):
        assert len(scim.get("/Groups").json()["Resources"]) == 10


def test_a_filter_in_a_path_of_another_attribute_is_refused(scim: ScimClient, group: str) -> None:
    assert_scim_error(
        scim.patch(f"/Groups/{group}", patch_body({"op": "remove", "path": 'owners[value eq "x"]'})), 400, "invalidPath"
    )
