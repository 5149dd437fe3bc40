"""The address of a membership is chosen of what the identity provider sends (decision 20)."""

from typing import Any

import pytest

from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import MembershipState
from portal.setup import add_domain
from scim.users.models import DirectoryUser
from tests.conftest import ScimClient
from tests.factories import ACTOR
from tests.scim.bodies import patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

WORK = "x.y@acme.test"
HEX = "0f8fad5bd9cb469fa16570867728950e"
UPN = "x@corp.onmicrosoft.example"


@pytest.fixture(autouse=True)
def verified(acme: Organization) -> None:
    add_domain(org=acme, name="acme.test", verified=True, actor=ACTOR)


def email(address: str, kind: str = "work", *, primary: bool = False) -> dict[str, Any]:
    return {"value": address, "type": kind, "primary": primary}


def made(scim: ScimClient, **body: Any) -> DirectoryUser:
    response = scim.post("/Users", user_body() | {"displayName": None} | body)
    assert response.status_code == 201, response.content
    return DirectoryUser.objects.select_related("membership__user").get(public_id=response.json()["id"])


def now_of(user: DirectoryUser) -> tuple[str, str, str | None]:
    """The address and the state of the membership, and the address of its account."""
    membership = Membership.objects.select_related("user").get(pk=user.membership_id)
    return membership.email, membership.state, membership.user.email if membership.user else None


@pytest.mark.parametrize(
    "name",
    [
        UPN,
        "guest_private.test#EXT#@corp.onmicrosoft.example",
        "zoë.k@acme.test",
        "CORP\\k@acme.test",
        "a..b@acme.test",
        "k@acme",
        "k",
        f"k{'x' * 65}@acme.test",
    ],
)
def test_post_gives_the_work_address_to_the_membership_whatever_the_user_name_is(scim: ScimClient, name: str) -> None:
    user = made(scim, userName=name, emails=[email(WORK, primary=True)])
    assert user.user_name == name
    assert now_of(user) == (WORK, MembershipState.ACTIVE, WORK)


def test_post_prefers_a_work_address_in_a_verified_domain_to_a_primary_one_elsewhere(scim: ScimClient) -> None:
    emails = [email("nora@private.test", "home", primary=True), email(WORK)]
    assert now_of(made(scim, userName="nora@private.test", emails=emails)) == (WORK, MembershipState.ACTIVE, WORK)


def test_post_takes_the_primary_address_when_no_domain_is_verified(scim: ScimClient) -> None:
    emails = [email("nora@other.test"), email("nora@private.test", "home", primary=True)]
    assert now_of(made(scim, emails=emails)) == ("nora@private.test", MembershipState.INVITED, None)


def test_post_takes_the_user_name_when_no_email_is_an_address(scim: ScimClient) -> None:
    user = made(scim, userName=WORK, emails=[email("a..b@acme.test", primary=True)])
    assert now_of(user) == (WORK, MembershipState.ACTIVE, WORK)


@pytest.mark.parametrize("emails", [None, [], [email("a..b@acme.test")], [{"type": "work"}]])
def test_post_without_any_usable_address_returns_400_that_says_what_to_map(scim: ScimClient, emails: Any) -> None:
    response = scim.post("/Users", user_body("CORP\\k", emails=emails))
    assert_scim_error(response, 400, "invalidValue")
    assert "Map emails to the person's work address" in response.json()["detail"]
    assert not DirectoryUser.objects.exists()


def test_put_with_another_work_address_renames_the_membership_and_keeps_the_former_one(scim: ScimClient) -> None:
    user = made(scim, userName="nora", emails=[email(WORK)])
    response = scim.put(f"/Users/{user.scim_id}", user_body(userName="nora", emails=[email("n.new@acme.test")]))
    assert response.status_code == 200
    assert now_of(user)[0] == "n.new@acme.test"
    assert user.membership.addresses.get(address=WORK).kind == "former"


def test_put_of_a_new_user_name_keeps_the_address_that_the_emails_say(scim: ScimClient) -> None:
    user = made(scim, userName="nora@acme.test", emails=[email(WORK)])
    scim.put(f"/Users/{user.scim_id}", user_body(userName="nina@acme.test", emails=[email(WORK)]))
    assert now_of(user)[0] == WORK


def test_put_without_emails_keeps_the_address_though_the_user_name_is_another(scim: ScimClient) -> None:
    user = made(scim, userName=UPN, emails=[email(WORK)])
    scim.put(f"/Users/{user.scim_id}", user_body(userName=UPN, emails=None))
    assert now_of(user)[0] == WORK


def test_patch_of_another_attribute_keeps_the_address_that_was_chosen_before(scim: ScimClient, acme: Any) -> None:
    emails = [email("nora@late.test"), email("nora@private.test", "home", primary=True)]
    user = made(scim, emails=emails)
    add_domain(org=acme, name="late.test", verified=True, actor=ACTOR)
    scim.patch(f"/Users/{user.scim_id}", patch_body({"op": "replace", "path": "title", "value": "x"}))
    assert now_of(user)[0] == "nora@private.test"


def change(path: str, value: str) -> dict[str, Any]:
    return {"op": "Replace", "path": path, "value": value}


RENAME, OFF = change("userName", HEX + WORK), change("active", "False")
SOFT_DELETES = {
    "at-once": [[RENAME, OFF]],
    "at-once-inactive-first": [[OFF, RENAME]],
    "renamed-first": [[RENAME], [OFF]],
    "inactive-first": [[OFF], [RENAME]],
}


@pytest.fixture(params=[[email(WORK)], None], ids=["emails", "no-emails"])
def user(request: pytest.FixtureRequest, scim: ScimClient) -> DirectoryUser:
    return made(scim, userName=WORK, emails=request.param, name=None)


@pytest.mark.parametrize("requests", SOFT_DELETES.values(), ids=SOFT_DELETES)
def test_entras_soft_delete_keeps_the_address_the_name_and_the_account(
    scim: ScimClient, user: DirectoryUser, requests: list[list[dict[str, Any]]]
) -> None:
    for operations in requests:
        assert scim.patch(f"/Users/{user.scim_id}", patch_body(*operations)).status_code == 200
    assert now_of(user) == (WORK, MembershipState.SUSPENDED, WORK)
    assert scim.get(f"/Users/{user.scim_id}").json()["userName"] == HEX + WORK
    assert Membership.objects.get(pk=user.membership_id).display_name == user.membership.display_name


@pytest.mark.parametrize("at_once", [True, False])
def test_entras_restore_brings_the_user_name_and_the_membership_back(
    scim: ScimClient, user: DirectoryUser, at_once: bool
) -> None:
    scim.patch(f"/Users/{user.scim_id}", patch_body(RENAME, OFF))
    back = [change("userName", WORK), change("active", "True")]
    for operations in [back] if at_once else [[one] for one in back]:
        scim.patch(f"/Users/{user.scim_id}", patch_body(*operations))
    assert now_of(user) == (WORK, MembershipState.ACTIVE, WORK)
    assert scim.get(f"/Users/{user.scim_id}").json()["userName"] == WORK
    assert Membership.objects.get(pk=user.membership_id).addresses.count() == 1
