"""Somebody whom the directory had set inactive comes back by POST (decision 16)."""

from typing import Any

import pytest

from orgs.audit.models import AuditEvent
from orgs.people import services as people
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import MembershipState, SuspensionSource
from portal.setup import add_domain
from scim.users.models import DirectoryUser
from tests.conftest import ScimClient
from tests.factories import ACTOR
from tests.scim.bodies import patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

NORA, NINA = "nora@acme.example", "nina@acme.example"
OKTA = {"user_agent": "Okta SCIM Client 1.0.0"}


@pytest.fixture(autouse=True)
def verified(acme: Organization) -> None:
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)


def inactive(scim: ScimClient, **changes: Any) -> DirectoryUser:
    made = scim.post("/Users", user_body(NORA, **changes)).json()
    scim.patch(f"/Users/{made['id']}", patch_body({"op": "replace", "path": "active", "value": False}))
    return DirectoryUser.objects.get(public_id=made["id"])


def member(user: DirectoryUser) -> tuple[str, str]:
    membership = Membership.objects.get(pk=user.membership_id)
    return membership.email, membership.state


@pytest.mark.parametrize("name", [NORA, NINA, "nora.nilsen"])
def test_post_with_the_external_id_of_an_inactive_user_brings_them_back_under_any_user_name(
    scim: ScimClient, name: str
) -> None:
    user = inactive(scim, externalId="n1")
    response = scim.post("/Users", user_body(NINA, userName=name, externalId="n1", title="Engineer"))
    assert response.status_code == 201, response.content
    shown = response.json()
    assert (shown["id"], shown["userName"], shown["title"], shown["active"]) == (user.scim_id, name, "Engineer", True)
    assert member(user) == (NINA, MembershipState.ACTIVE)
    assert not AuditEvent.objects.filter(action="membership.created", target_label=NINA).exists()


def test_post_of_a_returning_user_is_answered_with_the_location_of_the_same_user(scim: ScimClient) -> None:
    user = inactive(scim, externalId="n1")
    assert scim.post("/Users", user_body(NINA, externalId="n1"))["Location"].endswith(f"/Users/{user.scim_id}")


def test_post_with_active_false_leaves_a_returning_user_inactive(scim: ScimClient) -> None:
    user = inactive(scim, externalId="n1")
    assert scim.post("/Users", user_body(NINA, externalId="n1", active=False)).json()["active"] is False
    assert member(user) == (NINA, MembershipState.SUSPENDED)


def test_post_keeps_the_suspension_that_an_admin_has_put_on_a_returning_user(scim: ScimClient) -> None:
    user = inactive(scim, externalId="n1")
    people.suspend_membership(membership=user.membership, source=SuspensionSource.ADMIN, actor=ACTOR)
    assert scim.post("/Users", user_body(NORA, externalId="n1")).status_code == 201
    assert member(user)[1] == MembershipState.SUSPENDED


def test_post_with_the_external_id_of_an_active_user_returns_409(scim: ScimClient) -> None:
    scim.post("/Users", user_body(NORA, externalId="n1"))
    assert_scim_error(scim.post("/Users", user_body(NINA, externalId="n1")), 409, "uniqueness")


def test_post_of_a_returning_user_with_somebody_elses_address_returns_409_and_changes_nothing(
    scim: ScimClient, adam: Membership
) -> None:
    user = inactive(scim, externalId="n1")
    assert_scim_error(scim.post("/Users", user_body("adam@acme.example", externalId="n1")), 409, "uniqueness")
    assert member(user) == (NORA, MembershipState.SUSPENDED)


def test_post_of_a_returning_user_with_another_users_user_name_returns_409(scim: ScimClient) -> None:
    inactive(scim, externalId="n1")
    scim.post("/Users", user_body(NINA, externalId="n2"))
    assert_scim_error(scim.post("/Users", user_body(NINA, externalId="n1")), 409, "uniqueness")


@pytest.mark.parametrize("external_id", [None, "n1"])
def test_post_with_the_user_name_of_an_inactive_user_returns_409_that_says_the_way_out(
    scim: ScimClient, external_id: str | None
) -> None:
    user = inactive(scim, externalId=external_id)
    response = scim.post("/Users", user_body(NORA, externalId="n2"))
    assert_scim_error(response, 409, "uniqueness")
    assert f"set active to true by PATCH or PUT of /Users/{user.scim_id}" in response.json()["detail"]
    assert member(user) == (NORA, MembershipState.SUSPENDED)


def test_post_with_the_address_of_an_inactive_user_returns_409_that_names_the_user_to_delete(scim: ScimClient) -> None:
    user = inactive(scim, userName="nora")
    response = scim.post("/Users", user_body(NORA, userName="another"))
    assert_scim_error(response, 409, "uniqueness")
    assert f"Delete /Users/{user.scim_id}" in response.json()["detail"]


@pytest.mark.parametrize(("before", "after"), [(None, None), ("n1", None), (None, "n1")])
def test_okta_brings_an_inactive_user_back_by_the_user_name(scim: ScimClient, before: Any, after: Any) -> None:
    user = inactive(scim, externalId=before)
    response = scim.post("/Users", user_body(NORA, externalId=after), **OKTA)
    assert (response.status_code, response.json()["id"]) == (201, user.scim_id)
    assert member(user) == (NORA, MembershipState.ACTIVE)


def test_okta_does_not_bring_an_inactive_user_back_who_has_another_external_id(scim: ScimClient) -> None:
    user = inactive(scim, externalId="n1")
    assert_scim_error(scim.post("/Users", user_body(NORA, externalId="n2"), **OKTA), 409, "uniqueness")
    assert member(user)[1] == MembershipState.SUSPENDED
