"""What was seen in the field, at the endpoint: each a case of a kind, whose other cases the tests of scim.protocol hold."""

import json
from typing import Any

import pytest

from scim.protocol.schemas import GATEHOUSE_GROUP, GATEHOUSE_USER, MAX_LONG_TEXT
from scim.requests.models import RequestLog
from tests.conftest import ScimClient
from tests.scim.bodies import ENTERPRISE_SCHEMA, group_body, patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

LONG_ID = "é😀" * 512


def made(scim: ScimClient, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Return the path and the answer of a new user."""
    response = scim.post("/Users", user_body(**changes))
    assert response.status_code == 201, response.content
    return f"/Users/{response.json()['id']}", response.json()


def made_group(scim: ScimClient, name: str = "Engineering", **changes: Any) -> tuple[str, dict[str, Any]]:
    response = scim.post("/Groups", group_body(name, **changes))
    assert response.status_code == 201, response.content
    return f"/Groups/{response.json()['id']}", response.json()


@pytest.mark.parametrize(("one", "two"), [("Team 1", "Team ①"), ("Straße", "Strasse"), ("ﬁnance", "finance")])
def test_two_groups_whose_names_differ_in_compatibility_characters_are_two(
    scim: ScimClient, one: str, two: str
) -> None:
    ids = [made_group(scim, name)[1]["id"] for name in (one, two)]
    found = [scim.get(f'/Groups?filter=displayName eq "{name}"').json() for name in (one, two)]
    assert [[group["id"] for group in page["Resources"]] for page in found] == [[one_id] for one_id in ids]


@pytest.mark.parametrize(("path", "body"), [("/Users", user_body()), ("/Groups", group_body())])
def test_resource_with_a_long_external_id_is_found_by_all_of_it(scim: ScimClient, path: str, body: Any) -> None:
    first = scim.post(path, body | {"externalId": LONG_ID}).json()
    assert scim.get(f"{path}/{first['id']}").json()["externalId"] == LONG_ID
    other = body | {"userName": "other@acme.example", "emails": [], "displayName": "Other"}
    assert_scim_error(scim.post(path, other | {"externalId": LONG_ID}), 409, "uniqueness")
    assert scim.post(path, other | {"externalId": LONG_ID[:-1]}).status_code == 201


def test_external_id_that_is_too_long_is_refused(scim: ScimClient) -> None:
    assert_scim_error(scim.post("/Users", user_body(externalId="x" * 1025)), 400, "invalidValue")


def test_role_of_a_user_is_written_and_read_back(scim: ScimClient) -> None:
    path, user = made(scim, **{GATEHOUSE_USER: {"organizationRole": "admin"}})
    assert user[GATEHOUSE_USER] == {"organizationRole": "Admin"}
    changed = scim.patch(path, patch_body({"op": "replace", "path": "organizationRole", "value": "Guest"})).json()
    assert (changed[GATEHOUSE_USER], scim.get(path).json()) == ({"organizationRole": "Guest"}, changed)


def test_role_of_owner_is_refused_for_users_and_groups(scim: ScimClient) -> None:
    owner = {"organizationRole": "Owner"}
    assert_scim_error(scim.post("/Users", user_body(**{GATEHOUSE_USER: owner})), 400, "invalidValue")
    assert_scim_error(scim.post("/Groups", group_body(**{GATEHOUSE_GROUP: owner})), 400, "invalidValue")


def test_role_of_a_group_is_written_read_back_and_cleared(scim: ScimClient) -> None:
    path, group = made_group(scim, **{GATEHOUSE_GROUP: {"organizationRole": "admin"}})
    assert group[GATEHOUSE_GROUP] == {"organizationRole": "Admin"}
    changed = scim.patch(path, patch_body({"op": "replace", "path": "organizationRole", "value": "Guest"})).json()
    assert changed[GATEHOUSE_GROUP] == {"organizationRole": "Guest"}
    cleared = scim.patch(path, patch_body({"op": "remove", "path": "organizationRole"})).json()
    assert (GATEHOUSE_GROUP in cleared, cleared["meta"]["version"]) == (False, 'W/"3"')


def test_put_of_a_group_sets_and_clears_its_role(scim: ScimClient) -> None:
    path, _ = made_group(scim)
    body = group_body(**{GATEHOUSE_GROUP: {"organizationRole": "User"}})
    assert scim.put(path, body).json()[GATEHOUSE_GROUP] == {"organizationRole": "User"}
    assert GATEHOUSE_GROUP not in scim.put(path, group_body()).json()


def test_path_to_a_misspelt_attribute_of_a_group_is_an_invalid_path(scim: ScimClient) -> None:
    path, before = made_group(scim)
    answer = scim.patch(path, patch_body({"op": "add", "path": "memebers", "value": [{"value": "x"}]}))
    assert_scim_error(answer, 400, "invalidPath")
    assert scim.get(path).json() == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "displayName", "value": [{"$ref": None, "value": "Nora Nilsen"}]},
        {"op": "Replace", "path": "active", "value": "True"},
        {"op": "Replace", "path": "nickName", "value": ""},
        {"op": "Remove", "path": "manager"},
        {"op": "Add", "path": "shoeSize", "value": 44},
        {"op": "Replace", "value": {"active": True, "id": "x"}},
    ],
)
def test_patch_that_changes_nothing_bumps_no_version(scim: ScimClient, operation: dict[str, Any]) -> None:
    path, before = made(scim)
    assert scim.patch(path, patch_body(operation)).json()["meta"] == before["meta"]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("manager", [{"$ref": None, "value": "m7"}], {"manager": {"value": "m7"}}),
        ("department", "Legal", {"department": "Legal"}),
        ("employeeNumber", 7, {"employeeNumber": "7"}),
        (f"{ENTERPRISE_SCHEMA}.employeeNumber", "7", {"employeeNumber": "7"}),
    ],
)
def test_enterprise_attribute_is_understood_without_its_urn(
    scim: ScimClient, path: str, value: Any, expected: Any
) -> None:
    user, _ = made(scim)
    answer = scim.patch(user, patch_body({"op": "Replace", "path": path, "value": value}))
    assert answer.json()[ENTERPRISE_SCHEMA] == expected
    cleared = scim.patch(user, patch_body({"op": "Replace", "path": path, "value": ""}))
    assert ENTERPRISE_SCHEMA not in cleared.json()


def test_empty_text_for_name_addresses_and_active_unassigns_them(scim: ScimClient) -> None:
    path, user = made(scim, name="", addresses="", active="", displayName="")
    assert not {"name", "addresses", "displayName"} & user.keys()
    assert scim.put(path, user_body(active="")).json()["active"] is True


def test_photo_that_is_too_long_is_left_out_and_the_person_is_there(scim: ScimClient) -> None:
    photos = [{"value": "data:image/png;base64," + "A" * MAX_LONG_TEXT, "type": "photo"}]
    _, user = made(scim, photos=photos)
    assert "photos" not in user


def test_one_path_removes_fifty_members(scim: ScimClient) -> None:
    ids = [made(scim, address=f"n{number}@acme.example", externalId=str(number))[1]["id"] for number in range(3)]
    path, _ = made_group(scim, members=[{"value": one} for one in ids])
    named = [*ids[:2], *(f"00000000-0000-4000-8000-{number:012}" for number in range(48))]
    terms = " or ".join(f'value eq "{one}"' for one in named)
    left = scim.patch(path, patch_body({"op": "remove", "path": f"members[{terms}]"})).json()
    assert [member["value"] for member in left["members"]] == ids[2:]


def test_member_is_removed_by_value_and_type(scim: ScimClient) -> None:
    _, user = made(scim)
    path, _ = made_group(scim, members=[{"value": user["id"]}])
    selected = f'members[value eq "{user["id"]}" and type eq "User"]'
    assert scim.patch(path, patch_body({"op": "remove", "path": selected})).json().get("members", []) == []


@pytest.mark.parametrize(
    "media",
    ["", "text/plain", "text/plain; charset=utf-8", "text/json", "application/octet-stream", "application/json"],
)
def test_json_is_read_whatever_cautious_clients_call_it(scim: ScimClient, media: str) -> None:
    url = f"/scim/v2/{scim.directory.public_id}/Users"
    headers = {"Authorization": f"Bearer {scim.token}"}
    sent = scim.client.generic("POST", url, json.dumps(user_body()), content_type=media, headers=headers)
    assert sent.status_code == 201, sent.content


@pytest.mark.parametrize("path", ["", "/"])
def test_base_url_says_what_it_is_and_where_to_go(scim: ScimClient, path: str) -> None:
    answer = scim.get(path)
    assert answer.status_code == 200
    assert scim.client.get(answer.json()["endpoints"]["Users"], headers={"Authorization": f"Bearer {scim.token}"})


def test_base_url_without_a_token_is_401(scim: ScimClient) -> None:
    assert_scim_error(scim.get("", Authorization="Bearer x"), 401)


def test_base_url_takes_no_other_method(scim: ScimClient) -> None:
    answer = scim.post("", {})
    assert_scim_error(answer, 405)
    assert answer["Allow"] == "GET"


@pytest.mark.parametrize(
    ("client", "left"), [("authentik@2026.2.0", 0), ("Keycloak-SCIM/1.0", 0), ("Okta SCIM Client", 1), ("", 1)]
)
def test_put_of_a_group_without_members_empties_it_for_clients_that_replace(
    scim: ScimClient, client: str, left: int
) -> None:
    _, user = made(scim)
    path, _ = made_group(scim, members=[{"value": user["id"]}])
    answer = scim.put(path, group_body(), User_Agent=client)
    assert len(answer.json()["members"]) == left


def test_log_row_names_what_of_the_request_had_no_effect(scim: ScimClient) -> None:
    photo = {"value": "A" * (MAX_LONG_TEXT + 1)}
    path, _ = made(scim, photos=[photo], shoeSize=44)
    scim.patch(path, patch_body({"op": "Add", "path": "hatSize", "value": 7}))
    scim.put(path, user_body(name={"givenName": "Nora", "nick": "N"}))
    created, patched, replaced = RequestLog.objects.order_by("at").values_list("remarks", flat=True)
    assert "shoeSize" in created
    assert "too long: photos.value" in created
    assert ("hatSize" in patched, "name.nick" in replaced) == (True, True)


def test_log_row_of_a_group_names_what_had_no_effect(scim: ScimClient) -> None:
    made_group(scim, shoeSize=44)
    assert "shoeSize" in RequestLog.objects.get().remarks
