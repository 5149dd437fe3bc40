"""What each identity provider is known to send, as tables of named steps, against the real endpoint.

JumpCloud's, Okta's, Entra's and authentik's sequences of orgs/providers are walked in tests/portal/test_provider_folders.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from orgs.providers import checks
from orgs.providers.checks import says
from orgs.providers.steps import ScimStep
from scim.dialects.walk import walk
from tests.conftest import ScimClient
from tests.scim.bodies import ENTERPRISE_SCHEMA, GROUP_SCHEMA, PATCH_SCHEMA, USER_SCHEMA
from tests.scim.test_jumpcloud_replay import connections_kept, sender_to

ME = "nora@acme.example"
USER = {
    "schemas": [USER_SCHEMA],
    "userName": ME,
    "externalId": "ext-1",
    "name": {"givenName": "Nora", "familyName": "Nilsen"},
    "displayName": "Nora Nilsen",
    "emails": [{"value": ME, "type": "work", "primary": True}],
    "active": True,
}
GROUP = {"schemas": [GROUP_SCHEMA], "displayName": "Team"}
SAVE_USER, SAVE_GROUP = {"user": "/id"}, {"group": "/id"}


def step(
    name: str,
    method: Any,
    path: str,
    status: int,
    body: Any = None,
    facts: Mapping[str, Any] | None = None,
    saves: Mapping[str, str] | None = None,
) -> ScimStep:
    target = path.replace(" ", "%20").replace('"', "%22").replace("[", "%5B").replace("]", "%5D")
    claims = tuple(says(pointer, value) for pointer, value in (facts or {}).items())
    found = (checks.ERROR_ENVELOPE,) if status >= 400 else claims
    return ScimStep(
        name=name,
        label=name,
        method=method,
        path=target,
        body=body,
        expected=frozenset({status}),
        checks=found,
        saves=saves or {},
    )


def patch(*operations: Any) -> dict[str, Any]:
    return {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}


def op(verb: str, path: str | None, *value: Any) -> dict[str, Any]:
    return {"op": verb} | ({"path": path} if path else {}) | ({"value": value[0]} if value else {})


def total(number: int) -> dict[str, int]:
    return {"/totalResults": number}


OKTA = (
    step("create first user", "POST", "/Users", 201, USER, {"/active": True}, SAVE_USER),
    step("list one", "GET", "/Users?count=1&startIndex=1", 200, None, {"/startIndex": 1, "/itemsPerPage": 1}),
    step("read it", "GET", "/Users/{user}", 200, None, {"/name/givenName": "Nora", "/emails/0/value": ME}),
    step("unknown name", "GET", '/Users?filter=userName eq "nobody@acme.example"', 200, None, total(0)),
    step("unknown id", "GET", "/Users/00919288221112222", 404),
    step("same user again", "POST", "/Users", 409, USER),
    step("name in capitals", "GET", f'/Users?filter=userName eq "{ME.upper()}"', 200, None, total(1)),
    step("import page", "GET", "/Users?startIndex=1&count=100", 200, None, {**total(1), "/Resources/0/userName": ME}),
    step("import next page", "GET", "/Users?startIndex=101&count=100", 200, None, total(1)),
    step("update by PUT", "PUT", "/Users/{user}", 200, USER | {"title": "Dr", "groups": []}, {"/title": "Dr"}),
    step(
        "deactivate", "PATCH", "/Users/{user}", 200, patch(op("replace", None, {"active": False})), {"/active": False}
    ),
    step("reactivate", "PUT", "/Users/{user}", 200, USER, {"/active": True}),
    step(
        "set password", "PATCH", "/Users/{user}", 200, patch(op("replace", None, {"password": "x"})), {"/active": True}
    ),
    step(
        "push group",
        "POST",
        "/Groups",
        201,
        GROUP | {"members": [{"value": "{user}", "display": ME}]},
        {"/members/0/value": "{user}"},
        SAVE_GROUP,
    ),
    step(
        "rename with id inside",
        "PATCH",
        "/Groups/{group}",
        200,
        patch(op("replace", None, {"id": "{group}", "displayName": "Crew"})),
        {"/displayName": "Crew"},
    ),
    step("remove member", "PATCH", "/Groups/{group}", 200, patch(op("remove", 'members[value eq "{user}"]'))),
    step(
        "replace members",
        "PATCH",
        "/Groups/{group}",
        200,
        patch(op("replace", "members", [{"value": "{user}", "display": ME}])),
        {"/members/0/value": "{user}"},
    ),
    step("list groups", "GET", "/Groups?startIndex=1&count=100", 200, None, total(1)),
    step("delete group", "DELETE", "/Groups/{group}", 204),
)
DELETED_NAME = "0f8fad5bd9cb469fa165708677289" + "50e" + ME


def entra(verb: str, *, optimized: bool) -> tuple[ScimStep, ...]:
    """Return the validator's steps and the life of a person, in the default form or in that of the tenant URL's flag."""
    false, true = (False, True) if optimized else ("False", "True")
    flag = "?aadOptscim062020" if optimized else ""
    member = [{"value": "{user}"}]
    gone = op(verb, 'members[value eq "{user}"]') if optimized else op(verb, "members", member)
    add, replace = ("add", "replace") if optimized else ("Add", "Replace")
    work = 'emails[type eq "work"].value'
    named = {"name.givenName": "Nova", f"{ENTERPRISE_SCHEMA}:department": "Law", "displayName": "Nova"}
    changed = (
        patch(op(replace, None, named))
        if optimized
        else patch(*(op(replace, path, value) for path, value in named.items()), op(add, "manager", "m-1"))
    )
    new = USER | {"schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA], "emails": [], "meta": {"resourceType": "User"}}
    user, group = f"/Users/{{user}}{flag}", f"/Groups/{{group}}{flag}"
    by_name = f'filter=userName eq "{ME}"'
    return (
        step(
            "connection test",
            "GET",
            '/Users?filter=userName eq "0f8fad5b-d9cb-469f-a165-70867728950e"',
            200,
            None,
            total(0),
        ),
        step("create", "POST", f"/Users{flag}", 201, new, {"/userName": ME, "/meta/resourceType": "User"}, SAVE_USER),
        step("duplicate", "POST", f"/Users{flag}", 409, new),
        step("match by externalId", "GET", '/Users?filter=externalId eq "ext-1"', 200, None, total(1)),
        step("match in another case", "GET", f'/Users?filter=userName eq "{ME.upper()}"', 200, None, total(1)),
        step("make an e-mail", "PATCH", user, 200, patch(op(add, work, ME)), {"/emails/0/value": ME}),
        step("match by e-mail", "GET", f'/Users?filter=emails[type eq "work"].value eq "{ME}"', 200, None, total(1)),
        step(
            "change attributes", "PATCH", user, 200, changed, {"/name/givenName": "Nova", "/name/familyName": "Nilsen"}
        ),
        step(
            "misspelt attribute", "PATCH", user, 200, patch(op(replace, "dispalyName", "X")), {"/displayName": "Nova"}
        ),
        step("create group", "POST", f"/Groups{flag}", 201, GROUP | {"externalId": "g-1"}, {}, SAVE_GROUP),
        step(
            "find group", "GET", '/Groups?excludedAttributes=members&filter=displayName eq "TEAM"', 200, None, total(1)
        ),
        step("add member", "PATCH", group, 200, patch(op(add, "members", member)), {"/members/0/value": "{user}"}),
        step("remove member", "PATCH", group, 200, patch(gone)),
        step("rename group", "PATCH", group, 200, patch(op(replace, "displayName", "Crew")), {"/displayName": "Crew"}),
        step("delete group", "DELETE", "/Groups/{group}", 204),
        step("disable", "PATCH", user, 200, patch(op(replace, "active", false)), {"/active": False}),
        step("disabled in a list", "GET", f"/Users?{by_name}", 200, None, {"/Resources/0/active": False}),
        step(
            "soft delete renames", "PATCH", user, 200, patch(op(replace, "userName", DELETED_NAME)), {"/active": False}
        ),
        step(
            "restore",
            "PATCH",
            user,
            200,
            patch(op(replace, "userName", ME), op(replace, "active", true)),
            {"/active": True},
        ),
        step("delete", "DELETE", "/Users/{user}", 204),
        step("delete again", "DELETE", "/Users/{user}", 404),
        step("read deleted", "GET", "/Users/{user}", 404),
    )


EARLY = {"schemas": ["urn:scim:schemas:core:2.0"]}
ONELOGIN = (
    step("look up with a stray &", "GET", f'/Users?filter=userName+eq+"{ME}"&', 200, None, total(0)),
    step("create with one e-mail", "POST", "/Users", 201, USER | EARLY | {"emails": {"value": ME}}, {}, SAVE_USER),
    step("update by PUT", "PUT", "/Users/{user}", 200, USER | EARLY | {"title": "Dr"}, {"/title": "Dr"}),
    step("suspend", "PUT", "/Users/{user}", 200, USER | EARLY | {"active": False}, {"/active": False}),
    step("create group", "POST", "/Groups", 201, GROUP | EARLY, {}, SAVE_GROUP),
    step(
        "add member",
        "PATCH",
        "/Groups/{group}",
        200,
        patch(op("add", "members", [{"value": "{user}"}])),
        {"/members/0/value": "{user}"},
    ),
    step("delete user", "DELETE", "/Users/{user}", 204),
)
KEYCLOAK = (
    step("create user", "POST", "/Users", 201, USER | {"roles": []}, {"/userName": ME}, SAVE_USER),
    step("create group", "POST", "/Groups", 201, GROUP | {"members": [{"value": "{user}"}]}, {}, SAVE_GROUP),
    step("update group by PUT", "PUT", "/Groups/{group}", 200, GROUP | {"members": []}, {"/displayName": "Team"}),
    step("read without members", "GET", "/Groups/{group}", 200, None, {"/displayName": "Team"}),
    step("update user by PUT", "PUT", "/Users/{user}", 200, USER | {"id": "{user}", "title": "Dr"}, {"/title": "Dr"}),
    step("delete group", "DELETE", "/Groups/{group}", 204),
    step("delete user", "DELETE", "/Users/{user}", 204),
)
PINGONE = (
    step("look up", "GET", f'/Users?filter=userName eq "{ME}"', 200, None, total(0)),
    step("create", "POST", "/Users", 201, USER | {"phoneNumbers": [{"type": "work", "value": "1"}]}, {}, SAVE_USER),
    step("update", "PUT", "/Users/{user}", 200, USER | {"nickName": ""}, {"/displayName": "Nora Nilsen"}),
    step("create group", "POST", "/Groups", 201, GROUP, {}, SAVE_GROUP),
    step(
        "overwrite membership",
        "PATCH",
        "/Groups/{group}",
        200,
        patch(op("replace", "members", [{"value": "{user}"}])),
        {"/members/0/value": "{user}"},
    ),
    step("disable", "PUT", "/Users/{user}", 200, USER | {"active": False}, {"/active": False}),
)
GOOGLE_AND_RIPPLING = (
    step("Google's probe", "GET", "/Users?count=1", 200, None, total(0)),
    step("Rippling's probe", "GET", "/ServiceProviderConfig", 200, None, {"/patch/supported": True}),
    step("create", "POST", "/Users", 201, USER, {}, SAVE_USER),
    step("the POST again", "POST", "/Users", 409, USER),
    step("suspend", "PATCH", "/Users/{user}", 200, patch(op("replace", "active", "false")), {"/active": False}),
)
TABLES = {
    "okta": OKTA,
    "entra": entra("Remove", optimized=False),
    "entra-with-the-flag": entra("remove", optimized=True),
    "onelogin": ONELOGIN,
    "keycloak": KEYCLOAK,
    "pingone": PINGONE,
    "google-and-rippling": GOOGLE_AND_RIPPLING,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_step_of_a_provider_passes(scim: ScimClient, name: str) -> None:
    with connections_kept():
        results = list(walk(TABLES[name], {}, sender_to(scim.directory, scim.token)))
    failed = [
        (result.step.name, result.outcome, result.reason) for result in results if result.sent is None or result.reason
    ]
    assert failed == []
