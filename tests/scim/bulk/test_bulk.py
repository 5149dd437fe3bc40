"""`/Bulk` at the endpoint (RFC 7644 §3.7): each operation is its own transaction, and all are one log row."""

from typing import Any

import pytest

from orgs.groups.models import Group
from orgs.tenancy.models import Membership
from scim.bulk import services
from scim.directories.models import ScimToken
from scim.directories.services import revoke_token
from scim.protocol.bulk import MAX_OPERATIONS
from scim.requests.models import RequestLog
from scim.users.models import DirectoryUser
from tests.conftest import ScimClient
from tests.factories import ACTOR
from tests.scim.bodies import ENTERPRISE_SCHEMA, group_body, patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def send(scim: ScimClient, *operations: Any, **more: Any) -> list[dict[str, Any]]:
    response = scim.post("/Bulk", {"schemas": [REQUEST], "Operations": list(operations)} | more)
    assert response.status_code == 200, response.content
    return list(response.json()["Operations"])


def create(name: str, **changes: Any) -> dict[str, Any]:
    body = user_body(f"{name}@acme.example", **changes)
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": body}


def create_group(name: str, *members: str) -> dict[str, Any]:
    body = group_body(name, members=[{"value": f"bulkId:{one}"} for one in members])
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": body}


def change(method: str, path: str, data: Any = None, **more: Any) -> dict[str, Any]:
    return {"method": method, "path": path, "data": data} | more


def statuses(answers: list[dict[str, Any]]) -> list[str]:
    return [answer["status"] for answer in answers]


def test_group_is_made_with_members_that_the_same_request_makes(scim: ScimClient) -> None:
    group, nora, uma = send(scim, create_group("team", "nora", "uma"), create("nora"), create("uma"))
    assert statuses([group, nora, uma]) == ["201", "201", "201"]
    shown = scim.client.get(group["location"], headers={"Authorization": f"Bearer {scim.token}"}).json()
    assert {member["$ref"] for member in shown["members"]} == {nora["location"], uma["location"]}
    assert (group["bulkId"], group["version"]) == ("team", shown["meta"]["version"])


def test_every_kind_of_operation_is_performed(scim: ScimClient) -> None:
    renamed, member = patch_body({"op": "replace", "path": "title", "value": "Dr"}), [{"value": "bulkId:nora"}]
    answers = send(
        scim,
        create("nora"),
        create_group("team"),
        change("PATCH", "/Users/bulkId:nora", renamed),
        change("PUT", "/Users/bulkId:nora", user_body("nora@acme.example", nickName="N")),
        change("PATCH", "/Groups/bulkId:team", patch_body({"op": "add", "path": "members", "value": member})),
        change("PUT", "/Groups/bulkId:team", group_body("Team of two")),
        change("DELETE", "/Groups/bulkId:team"),
        change("DELETE", "/Users/bulkId:nora"),
    )
    assert statuses(answers) == ["201", "201", "200", "200", "200", "200", "204", "204"]
    assert not Membership.objects.filter(origins="scim").exists()
    assert not Group.objects.exists()


def test_operation_that_fails_undoes_nothing_of_the_others(scim: ScimClient) -> None:
    taken = create("nora2", userName="nora@acme.example")
    answers = send(scim, create("nora"), taken, change("GET", "/Users"), change("DELETE", "/Users/x"), create("uma"))
    assert statuses(answers) == ["201", "409", "400", "404", "201"]
    assert answers[1]["response"]["scimType"] == "uniqueness"
    assert answers[3]["location"].endswith("/Users/x")
    assert Membership.objects.filter(origins="scim").count() == 2


def test_nothing_is_tried_after_as_many_errors_as_the_request_accepts(scim: ScimClient) -> None:
    bad = create("bad", userName="")
    assert statuses(send(scim, create("nora"), bad, bad, create("uma"), failOnErrors=1)) == ["201", "400"]
    assert Membership.objects.filter(origins="scim").count() == 1


def test_circle_of_references_is_a_conflict_of_each(scim: ScimClient) -> None:
    one = create("a", **{ENTERPRISE_SCHEMA: {"manager": {"value": "bulkId:b"}}})
    two = create("b", **{ENTERPRISE_SCHEMA: {"manager": {"value": "bulkId:a"}}})
    assert statuses(send(scim, one, two, create("c"))) == ["409", "409", "201"]


@pytest.mark.parametrize("maker", [[], [create("z", userName="")]])
def test_reference_to_what_was_not_made_is_an_invalid_value(scim: ScimClient, maker: list[Any]) -> None:
    answers = send(scim, *maker, create("a", **{ENTERPRISE_SCHEMA: {"manager": "bulkId:z"}}))
    assert (answers[-1]["status"], answers[-1]["response"]["scimType"]) == ("400", "invalidValue")


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_operation_with_another_version_than_the_resources_is_not_performed(scim: ScimClient, kind: str) -> None:
    body = user_body() if kind == "Users" else group_body()
    path = f"/{kind}/{scim.post(f'/{kind}', body).json()['id']}"
    stale, current = (change("DELETE", path, version=version) for version in ('W/"7"', 'W/"1"'))
    assert statuses(send(scim, stale)) == ["412"]
    assert statuses(send(scim, current)) == ["204"]


def test_bulk_request_has_one_log_row(scim: ScimClient) -> None:
    send(scim, create("nora"), create("uma"), create("bad", userName=""))
    row = RequestLog.objects.get(path="/Bulk")
    assert (row.status, row.step, row.remarks) == (200, "Bulk change", "3 operations: 2 done, 1 refused.")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("[]", 400, "invalidSyntax"),
        ("{}", 400, "invalidSyntax"),
        ({"Operations": [create(str(one)) for one in range(MAX_OPERATIONS + 1)]}, 413, None),
    ],
)
def test_bulk_request_that_cannot_be_read_is_refused(
    scim: ScimClient, body: Any, status: int, kind: str | None
) -> None:
    assert_scim_error(scim.post("/Bulk", body), status, kind)


def test_bulk_request_without_a_token_is_401(scim: ScimClient) -> None:
    assert_scim_error(scim.post("/Bulk", {"Operations": [create("nora")]}, Authorization="Bearer x"), 401)
    assert not Membership.objects.filter(origins="scim").exists()


def test_bulk_takes_no_other_method(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Bulk"), 405)


def test_token_that_is_revoked_meanwhile_changes_nothing_more(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = services.ACTS["DELETE", "users"]

    def delete_and_revoke(*given: Any) -> Any:
        revoke_token(token=ScimToken.objects.get(), actor=ACTOR)
        return delete(*given)

    monkeypatch.setitem(services.ACTS, ("DELETE", "users"), delete_and_revoke)
    deletions = (change("DELETE", f"/Users/bulkId:{name}") for name in ("nora", "uma"))
    assert statuses(send(scim, create("nora"), create("uma"), *deletions)) == ["201", "201", "204", "401"]
    assert [user.user_name for user in DirectoryUser.objects.all()] == ["uma@acme.example"]
