"""Two organizations cannot reach each other through any id, filter, member value or token."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from orgs.tenancy.models import Organization
from scim.directories.queries import first_directory
from scim.protocol.schemas import SEARCH_REQUEST
from tests.architecture.tenant_walk import assert_rows_stay_in_their_organization
from tests.conftest import ScimClient
from tests.factories import TokenFactory
from tests.scim.bodies import group_body, patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error


@pytest.fixture
def other(globex: Organization) -> ScimClient:
    """Globex' identity provider."""
    directory = first_directory(globex)
    plain = TokenFactory(directory=directory).plain
    assert plain is not None
    return ScimClient(directory, plain, Client())


@pytest.fixture
def theirs(other: ScimClient) -> dict[str, Any]:
    """A user of globex, with a name that acme's users may have as well."""
    return dict(other.post("/Users", user_body("shared@shared.example", externalId="same")).json())


@pytest.fixture
def their_group(other: ScimClient, theirs: dict[str, Any]) -> str:
    return str(other.post("/Groups", group_body(members=[{"value": theirs["id"]}])).json()["id"])


BODIES = {
    "GET": None,
    "PUT": user_body(),
    "PATCH": patch_body({"op": "replace", "path": "active", "value": False}),
    "DELETE": None,
}


@pytest.mark.parametrize("method", BODIES)
def test_request_for_another_organizations_user_returns_404_and_changes_nothing(
    scim: ScimClient, other: ScimClient, theirs: dict[str, Any], method: str
) -> None:
    assert_scim_error(scim(method, f"/Users/{theirs['id']}", BODIES[method]), 404)
    assert other.get(f"/Users/{theirs['id']}").json() == theirs


@pytest.mark.parametrize("method", BODIES)
def test_request_for_another_organizations_group_returns_404_and_changes_nothing(
    scim: ScimClient, other: ScimClient, their_group: str, method: str
) -> None:
    before = other.get(f"/Groups/{their_group}").json()
    body = {"PUT": group_body("Taken"), "PATCH": patch_body({"op": "remove", "path": "members"})}.get(method)
    assert_scim_error(scim(method, f"/Groups/{their_group}", body), 404)
    assert other.get(f"/Groups/{their_group}").json() == before


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "shared@shared.example"',
        'externalId eq "same"',
        'emails.value eq "shared@shared.example"',
        'displayName eq "Nora Nilsen"',
        "active eq true",
        'id eq "{id}"',
    ],
)
def test_list_users_with_a_filter_never_finds_another_organizations_user(
    scim: ScimClient, theirs: dict[str, Any], text: str
) -> None:
    assert scim.get(f"/Users?filter={quote(text.format(id=theirs['id']))}").json()["totalResults"] == 0


@pytest.mark.parametrize("text", ['displayName eq "Engineering"', 'id eq "{id}"'])
def test_list_groups_with_a_filter_never_finds_another_organizations_group(
    scim: ScimClient, their_group: str, text: str
) -> None:
    assert scim.get(f"/Groups?filter={quote(text.format(id=their_group))}").json()["totalResults"] == 0


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "x" or userName eq "shared@shared.example"',
        'not (userName eq "x")',
        'userName ne "x"',
        "userName pr or emails pr",
        'emails.value eq "shared@shared.example" or emails[value ew "example"]',
    ],
)
def test_list_users_by_any_filter_never_contains_another_organizations_user(
    scim: ScimClient, theirs: dict[str, Any], text: str
) -> None:
    assert scim.get(f"/Users?filter={quote(text)}").json()["totalResults"] == 0


def test_list_users_and_groups_never_contain_another_organizations_rows(scim: ScimClient, their_group: str) -> None:
    assert scim.get("/Users").json()["totalResults"] == scim.get("/Groups").json()["totalResults"] == 0


def test_group_with_another_organizations_user_as_member_returns_400(scim: ScimClient, theirs: dict[str, Any]) -> None:
    body = group_body(members=[{"value": theirs["id"]}])
    assert_scim_error(scim.post("/Groups", body), 400, "invalidValue")
    own = scim.post("/Groups", group_body()).json()["id"]
    for operation in ("add", "replace"):
        attempt = patch_body({"op": operation, "path": "members", "value": [{"value": theirs["id"]}]})
        assert_scim_error(scim.patch(f"/Groups/{own}", attempt), 400, "invalidValue")


def test_same_user_and_group_names_may_exist_in_two_organizations(
    scim: ScimClient, theirs: dict[str, Any], their_group: str
) -> None:
    own = scim.post("/Users", user_body("shared@shared.example", externalId="same"))
    assert own.status_code == 201
    assert own.json()["id"] != theirs["id"]
    assert scim.post("/Groups", group_body()).status_code == 201
    assert_rows_stay_in_their_organization()


def test_get_user_by_an_external_id_returns_404(scim: ScimClient, theirs: dict[str, Any]) -> None:
    for external_id in ("1", "0", "admin", theirs["id"]):
        scim.post("/Users", user_body(f"x{external_id}@acme.example", externalId=external_id))
        assert_scim_error(scim.get(f"/Users/{external_id}"), 404)


def test_path_with_dots_to_another_directory_returns_404(scim: ScimClient, other: ScimClient) -> None:
    path = f"/scim/v2/{scim.directory.public_id}/../{other.directory.public_id}/Users"
    assert_scim_error(scim.client.get(path, headers={"Authorization": f"Bearer {scim.token}"}), 404)


def test_root_search_finds_nothing_of_another_organization(scim: ScimClient, their_group: str) -> None:
    body = scim.post("/.search", {"schemas": [SEARCH_REQUEST], "sortBy": "displayName"}).json()
    assert (body["totalResults"], body["Resources"]) == (0, [])
