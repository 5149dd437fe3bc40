"""Who sent a request and what it is for, as far as the request shows it."""

import pytest

from orgs.providers.habits import RequestFacts
from orgs.providers.jumpcloud import bodies
from orgs.providers.jumpcloud.connection import CONNECTION_TEST_GROUPS
from orgs.providers.people import MadeUpPerson, object_id
from scim.dialects.recognize import recognize

PERSON = MadeUpPerson("eve@acme.example", "Eve", "Adams", object_id("eve@acme.example"))


def operations(*entries: dict[str, object]) -> dict[str, object]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(entries)}


def step(method: str, path: str, query: str = "", body: dict[str, object] | None = None) -> str:
    return recognize(RequestFacts(method, path, query, body=body)).step


@pytest.mark.parametrize(
    ("method", "path", "query", "label"),
    [
        ("GET", "/Users", "", "List users"),
        ("GET", "//Users/", "count=1", "List users"),
        ("GET", "/Users", "filter=userName+eq+%22a%22", "Look up user"),
        ("GET", "/Users", "filter=userName%20sw%20%22a%22", "Search users"),
        ("POST", "/Users", "", "Create user"),
        ("POST", "/Users/.search", "", "Search users"),
        ("GET", "/Users/7", "", "Read user"),
        ("PUT", "/Users/7", "", "Update user"),
        ("DELETE", "/Users/7", "", "Delete user"),
        ("DELETE", "/Users", "", "Other request"),
        ("HEAD", "/Users/7", "", "Other request"),
        ("GET", "/Groups", "", "List groups"),
        ("GET", "/Groups", "filter=displayName%20eq%20%22a%22", "Look up group"),
        ("POST", "/Groups", "", "Create group"),
        ("GET", "/Groups/7", "", "Read group"),
        ("PUT", "/Groups/7", "", "Update group"),
        ("DELETE", "/Groups/7", "", "Delete group"),
        ("GET", "/ServiceProviderConfig", "", "Read service configuration"),
        ("GET", "/Schemas/urn:x", "", "Read schemas"),
        ("GET", "/ResourceTypes", "", "Read resource types"),
        ("GET", "/Me", "", "Read own account"),
        ("POST", "/Bulk", "", "Bulk change"),
        ("POST", "/.search", "", "Search"),
        ("GET", "/", "", "Open the base URL"),
        ("GET", "/favicon.ico", "", "Other request"),
    ],
)
def test_step_label_follows_from_method_path_and_query(method, path, query, label):
    assert step(method, path, query) == label


@pytest.mark.parametrize(
    ("operation", "label"),
    [
        ({"op": "replace", "path": "active", "value": False}, "Deactivate user"),
        ({"op": "Replace", "path": "active", "value": "False"}, "Deactivate user"),
        ({"op": "replace", "value": {"active": False}}, "Deactivate user"),
        ({"op": "replace", "value": {"active": True}}, "Reactivate user"),
        ({"op": "replace", "path": "active", "value": "maybe"}, "Update user"),
        ({"op": "replace", "path": "name.givenName", "value": "Eve"}, "Update user"),
        ({"op": "replace", "value": {"active": True, "title": "x"}}, "Update user"),
    ],
)
def test_user_patch_is_labeled_by_its_change_of_active(operation, label):
    assert step("PATCH", "/Users/7", body=operations(operation)) == label


@pytest.mark.parametrize(
    ("operation", "label"),
    [
        ({"op": "add", "path": "members", "value": [{"value": "7"}]}, "Add members"),
        ({"op": "Remove", "path": "members", "value": [{"value": "7"}]}, "Remove members"),
        ({"op": "remove", "path": 'members[value eq "7"]'}, "Remove members"),
        ({"op": "replace", "path": "members", "value": []}, "Replace members"),
        ({"op": "replace", "value": {"displayName": "x"}}, "Rename group"),
        ({"op": "replace", "value": {"id": "7", "displayName": "x"}}, "Rename group"),
        ({"op": "replace", "path": "externalId", "value": "x"}, "Update group"),
    ],
)
def test_group_patch_is_labeled_by_its_operation(operation, label):
    assert step("PATCH", "/Groups/7", body=operations(operation)) == label


def test_group_patch_with_add_and_remove_is_labeled_update_group():
    add, remove = ({"op": op, "path": "members", "value": [{"value": "7"}]} for op in ("add", "remove"))
    assert step("PATCH", "/Groups/7", body=operations(add, remove)) == "Update group"


@pytest.mark.parametrize(
    ("is_active", "label"), [(False, "Deactivate user"), (True, "Update user")], ids=["inactive", "active"]
)
def test_user_put_is_labeled_deactivate_when_active_is_false(is_active, label):
    body = dict(bodies.whole_user(PERSON, "7", is_active=is_active))
    assert step("PUT", "/Users/7", body=body) == label


def test_group_put_with_members_is_labeled_replace_members():
    assert step("PUT", "/Groups/7", body={"displayName": "x", "members": []}) == "Replace members"


@pytest.mark.parametrize(
    "body",
    [
        {"Operations": "x"},
        {"Operations": [1, None, {"op": 5}, {"op": [], "path": "a"}]},
        {"Operations": [{"path": 3}]},
        {},
    ],
)
@pytest.mark.parametrize("path", ["/Users/7", "/Groups/7"])
def test_malformed_patch_is_labeled_as_an_update(body, path):
    assert step("PATCH", path, body=body).startswith("Update ")


@pytest.mark.parametrize("one", CONNECTION_TEST_GROUPS, ids=lambda one: one.name)
def test_every_step_of_the_connection_test_has_a_specific_label(one):
    assert step(one.method, one.path, "filter=a eq b" if one.filter else "", one.body) != "Other request"


@pytest.mark.parametrize(
    ("user_agent", "dialect"),
    [
        ("JumpCloud", "jumpcloud"),
        ("Okta SCIM Client 1.0.0", "okta"),
        ("OneLogin SCIM", "onelogin"),
        ("Azure AD Provisioning", "entra"),
        ("PingOne/1", "pingone"),
        ("Rippling", "rippling"),
        ("Google-Cloud-Identity", "google"),
        ("curl/8", None),
        ("", None),
    ],
)
def test_dialect_is_recognized_by_the_user_agent(user_agent, dialect):
    assert recognize(RequestFacts("GET", "/Users", user_agent=user_agent)).dialect == dialect


GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("facts", "dialect"),
    [
        (RequestFacts("GET", "/Users", "aadOptscim062020"), "entra"),
        (RequestFacts("GET", "/Users", f"filter=userName+eq+%22{GUID}%22"), "entra"),
        (RequestFacts("GET", "/Groups", "excludedAttributes=members&filter=displayName+eq+%22x%22"), "entra"),
        (RequestFacts("GET", "/Groups", "filter=id+eq+%22g%22+and+members+eq+%22u%22"), "entra"),
        (RequestFacts("GET", "/Users", "filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22x%22"), "entra"),
        (RequestFacts("GET", "/Users", "filter=userName+eq+%22x%22&"), "onelogin"),
        (RequestFacts("PUT", "/Users/7", body={"schemas": ["urn:scim:schemas:core:2.0"]}), "onelogin"),
        (RequestFacts("GET", "/Users", "startIndex=1&count=2"), "okta"),
        (RequestFacts("GET", "/Users", "filter=userName+eq+%22x%22&startIndex=1&count=100"), "okta"),
        (RequestFacts("GET", "/Users", content_type="application/scim+json", accept_charset="utf-8"), "okta"),
        (RequestFacts("GET", "/Users", "filter=userName+eq+%22x%40acme.example%22"), None),
        (RequestFacts("GET", "/Users", "startIndex=1&count=100"), None),
        (RequestFacts("POST", "/Users", body={"externalId": 7, "schemas": "x"}), None),
    ],
)
def test_dialect_is_recognized_by_the_shape_of_the_request(facts, dialect):
    assert recognize(facts).dialect == dialect


@pytest.mark.parametrize(
    ("operation", "dialect"),
    [
        ({"op": "Add", "path": "title", "value": "x"}, "entra"),
        ({"op": "replace", "path": "active", "value": "False"}, "entra"),
        ({"op": "replace", "value": {"id": "7", "displayName": "x"}}, "okta"),
        ({"op": "replace", "value": {"active": False}}, None),
    ],
)
def test_dialect_is_recognized_by_the_form_of_a_patch_operation(operation, dialect):
    assert recognize(RequestFacts("PATCH", "/Users/7", body=operations(operation))).dialect == dialect


def test_jumpcloud_is_recognized_by_the_object_id_in_a_new_user():
    assert recognize(RequestFacts("POST", "/Users", body=dict(bodies.new_user(PERSON)))).dialect == "jumpcloud"
