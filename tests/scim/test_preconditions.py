"""Versions as entity tags (RFC 7644 §3.14), and bodies that aren't read."""

import json
from typing import Any

import pytest

from tests.conftest import ScimClient
from tests.scim.bodies import group_body, patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

RENAME = patch_body({"op": "replace", "path": "displayName", "value": "New name"})


@pytest.fixture(params=["/Users", "/Groups"])
def resource(request: pytest.FixtureRequest, scim: ScimClient) -> dict[str, Any]:
    body = user_body(displayName="Old") if request.param == "/Users" else group_body("Old")
    made: dict[str, Any] = scim.post(request.param, body).json()
    return made | {"path": f"{request.param}/{made['id']}", "body": body}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_change_with_if_match_of_another_version_returns_412_and_changes_nothing(
    scim: ScimClient, resource: dict[str, Any], method: str
) -> None:
    body = {"PUT": resource["body"] | {"displayName": "New"}, "PATCH": RENAME, "DELETE": None}[method]
    assert_scim_error(scim(method, resource["path"], body, If_Match='W/"7"'), 412)
    assert scim.get(resource["path"]).json()["displayName"] == "Old"


@pytest.mark.parametrize("header", ['W/"1"', '"1"', "*", 'W/"9", W/"1"'])
def test_change_with_if_match_of_the_present_version_is_done(
    scim: ScimClient, resource: dict[str, Any], header: str
) -> None:
    assert scim.patch(resource["path"], RENAME, If_Match=header).json()["displayName"] == "New name"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP, identity"])
def test_create_user_with_a_compressed_body_returns_415(scim: ScimClient, encoding: str) -> None:
    assert_scim_error(scim.post("/Users", user_body(), Content_Encoding=encoding), 415)


def test_create_user_with_content_encoding_identity_is_done(scim: ScimClient) -> None:
    assert scim.post("/Users", json.dumps(user_body()), Content_Encoding="identity").status_code == 201
