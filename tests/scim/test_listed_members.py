"""Members whom no directory has are shown to the identity provider while the directory lists them."""

from typing import Any

import pytest
from django.test import Client

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import MembershipOrigin, MembershipState, SuspensionSource
from portal.setup import NewOrganization, create_org
from scim.directories.queries import first_directory
from scim.directories.services import create_directory
from scim.directories.types import FIRST_SYNC, MemberListing
from scim.users.models import DirectoryUser, DirectoryUserValue
from scim.users.services import set_listing
from tests import held
from tests.conftest import ScimClient, SignIn
from tests.factories import ACTOR, TokenFactory
from tests.scim.bodies import group_body, patch_body, user_body
from tests.scim.test_endpoint import assert_scim_error

UMA = "uma@acme.example"


@pytest.fixture
def listing(scim: ScimClient, olga: Membership, uma: Membership) -> ScimClient:
    """Acme's identity provider, which sees Olga and Uma."""
    set_listing(directory=scim.directory, listing=MemberListing.UNTIL_SYNC, actor=ACTOR)
    return scim


def names(scim: ScimClient, query: str = "") -> list[str]:
    return [user["userName"] for user in scim.get(f"/Users{query}").json()["Resources"]]


def found(scim: ScimClient, address: str = UMA) -> dict[str, Any]:
    shown = scim.get(f'/Users?filter=userName eq "{address}"').json()
    assert shown["totalResults"] == 1
    return dict(shown["Resources"][0])


def row(address: str = UMA) -> DirectoryUser:
    return DirectoryUser.objects.get(user_name_key=address)


def test_new_organization_lists_its_members_until_the_first_sync(db: None) -> None:
    org, _ = create_org(order=NewOrganization("New", "new", "owner@new.example"), actor=ACTOR)
    directory = first_directory(org)
    assert directory.listing == MemberListing.UNTIL_SYNC
    assert [user.user_name for user in DirectoryUser.objects.filter(directory=directory)] == ["owner@new.example"]


def test_members_are_listed_with_name_address_and_state(listing: ScimClient) -> None:
    assert names(listing) == ["olga@acme.example", UMA]
    shown = found(listing)
    assert (shown["displayName"], shown["active"]) == ("Uma", True)
    assert shown["emails"] == [{"value": UMA, "type": "work", "primary": True}]
    assert listing.get(f"/Users/{shown['id']}").json() == shown


def test_members_of_other_organizations_are_not_listed(listing: ScimClient, globex: Organization) -> None:
    assert all(user.org_id == listing.directory.org_id for user in DirectoryUser.objects.all())


@pytest.mark.parametrize("query", ['emails.value eq "uma@acme.example"', 'displayName eq "uma"', "active eq true"])
def test_filters_find_listed_members(listing: ScimClient, query: str) -> None:
    assert UMA in names(listing, f"?filter={query}")


def test_pages_count_listed_members_with_the_others(listing: ScimClient) -> None:
    listing.post("/Users", user_body())
    shown = listing.get("/Users?startIndex=2&count=1").json()
    assert (shown["totalResults"], [user["userName"] for user in shown["Resources"]]) == (3, [UMA])


@pytest.mark.parametrize("form", ["put", "patch", "post", "post-by-address"])
def test_each_way_of_adoption_keeps_the_id_and_the_membership(listing: ScimClient, uma: Membership, form: str) -> None:
    before = found(listing)["id"]
    body, operation = user_body(UMA, externalId="u1"), {"op": "add", "path": "externalId", "value": "u1"}
    requests = {
        "put": lambda: listing.put(f"/Users/{before}", body),
        "patch": lambda: listing.patch(f"/Users/{before}", patch_body(operation)),
        "post": lambda: listing.post("/Users", body),
        "post-by-address": lambda: listing.post("/Users", body | {"userName": "uma"}),
    }
    response = requests[form]()
    assert response.status_code == (201 if form.startswith("post") else 200), response.content
    assert (response.json()["id"], response.json()["externalId"]) == (before, "u1")
    user = DirectoryUser.objects.get(public_id=before)
    assert (user.membership_id, user.is_listed, user.made_membership) == (uma.pk, False, False)
    assert MembershipOrigin.SCIM in Membership.objects.get(pk=uma.pk).origin_set
    assert AuditEvent.objects.filter(action="membership.adopted").count() == 1


def test_patch_of_a_listed_owner_cannot_suspend_the_last_one(listing: ScimClient) -> None:
    path = f"/Users/{found(listing, 'olga@acme.example')['id']}"
    assert_scim_error(listing.patch(path, patch_body({"op": "replace", "path": "active", "value": False})), 409)
    assert row("olga@acme.example").is_listed


def test_delete_of_a_listed_member_is_refused(listing: ScimClient, uma: Membership) -> None:
    response = listing.delete(f"/Users/{found(listing)['id']}")
    assert_scim_error(response, 403)
    assert "Update the user by PUT or PATCH first" in response.json()["detail"]
    uma.refresh_from_db()
    assert uma.state == MembershipState.ACTIVE


def test_listed_member_cannot_be_put_into_a_group_before_adoption(listing: ScimClient) -> None:
    body = group_body(members=[{"value": found(listing)["id"]}])
    assert_scim_error(listing.post("/Groups", body), 400, "invalidValue")
    listing.post("/Users", user_body(UMA))
    assert listing.post("/Groups", body).status_code == 201


def test_user_name_by_which_somebody_is_only_listed_is_free(listing: ScimClient) -> None:
    made = listing.post("/Users", user_body("new@acme.example", userName=UMA))
    assert made.status_code == 201
    assert found(listing)["id"] == made.json()["id"]


def test_rename_takes_the_user_name_by_which_somebody_is_only_listed(listing: ScimClient) -> None:
    made = listing.post("/Users", user_body("new@acme.example", userName="new")).json()
    response = listing.patch(f"/Users/{made['id']}", patch_body({"op": "replace", "path": "userName", "value": UMA}))
    assert response.status_code == 200
    assert found(listing)["id"] == made["id"]


def test_new_members_are_listed_at_once(listing: ScimClient, acme: Organization) -> None:
    people.create_membership(
        org=acme, profile=Profile("ivy@acme.example", "Ivy"), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    assert found(listing, "ivy@acme.example")["name"] == {"givenName": "Ivy"}


def test_listed_member_follows_each_change_of_the_membership(listing: ScimClient, uma: Membership) -> None:
    before = found(listing)["id"]
    people.update_profile(membership=uma, profile=Profile("uma.u@acme.example", "Uma"), actor=ACTOR)
    people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
    shown = found(listing, "uma.u@acme.example")
    assert (shown["id"], shown["active"], names(listing)) == (
        before,
        False,
        ["olga@acme.example", "uma.u@acme.example"],
    )


def test_removed_member_is_listed_no_more(listing: ScimClient, uma: Membership) -> None:
    held.remove(uma)
    assert names(listing) == ["olga@acme.example"]


def test_switching_off_lists_nobody_and_keeps_those_whom_the_directory_has(listing: ScimClient) -> None:
    listing.post("/Users", user_body(UMA))
    set_listing(directory=listing.directory, listing=MemberListing.OFF, actor=ACTOR)
    assert names(listing) == [UMA]
    assert DirectoryUserValue.objects.filter(attribute="emails").count() == 1


def test_switching_twice_is_audited_once(listing: ScimClient) -> None:
    set_listing(directory=listing.directory, listing=MemberListing.UNTIL_SYNC, actor=ACTOR)
    assert AuditEvent.objects.filter(action="directory.member_listing_changed").count() == 1


def test_directory_that_lists_nobody_is_not_told_of_changes(scim: ScimClient, uma: Membership) -> None:
    people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
    assert names(scim) == []


def make_older(client: ScimClient) -> None:
    users = DirectoryUser.objects.filter(directory=client.directory, is_listed=False)
    users.update(created_at=now() - FIRST_SYNC)


@pytest.mark.parametrize("form", ["post", "put"])
def test_listing_ends_a_day_after_the_first_sync_began(listing: ScimClient, form: str) -> None:
    listing.post("/Users", user_body())
    listing.post("/Users", user_body("nina@acme.example"))
    assert UMA in names(listing)
    make_older(listing)
    if form == "post":
        listing.post("/Users", user_body("ned@acme.example"))
    else:
        listing.put(f"/Users/{found(listing, 'olga@acme.example')['id']}", user_body("olga@acme.example"))
    assert UMA not in names(listing)
    assert first_directory(listing.directory.org).listing == MemberListing.OFF


def test_listing_that_an_admin_switched_on_does_not_end_by_itself(listing: ScimClient) -> None:
    set_listing(directory=listing.directory, listing=MemberListing.ON, actor=ACTOR)
    listing.post("/Users", user_body())
    make_older(listing)
    listing.post("/Users", user_body("ned@acme.example"))
    assert UMA in names(listing)


def test_connection_test_does_not_end_the_listing(listing: ScimClient) -> None:
    made = listing.post("/Users", user_body()).json()
    listing.delete(f"/Users/{made['id']}")
    assert names(listing) == ["olga@acme.example", UMA]


def test_member_whom_one_directory_has_is_listed_in_no_other(listing: ScimClient) -> None:
    other = create_directory(org=listing.directory.org, actor=ACTOR)
    set_listing(directory=other, listing=MemberListing.ON, actor=ACTOR)
    client = ScimClient(other, str(TokenFactory(directory=other).plain), Client())
    assert names(client) == ["olga@acme.example", UMA]
    listing.post("/Users", user_body(UMA))
    listing.put(f"/Users/{found(listing, 'olga@acme.example')['id']}", user_body("olga@acme.example"))
    assert names(client) == []


PAGE = "/orgs/acme/settings/authentication/"


def test_page_says_until_when_members_are_seen_and_turns_it_off(
    listing: ScimClient, adam: Membership, sign_in: SignIn
) -> None:
    browser = sign_in(adam)
    page = browser.get(PAGE).content.decode()
    assert "On until the first sync" in page
    response = browser.post(f"{PAGE}existing-members/", {"listing": "off"})
    assert response["Location"] == f"{PAGE}#existing-members"
    assert "Off: your identity provider reads only the people whom it manages" in browser.get(PAGE).content.decode()
    assert names(listing) == []


def test_page_turns_the_listing_on_for_good(scim: ScimClient, adam: Membership, sign_in: SignIn) -> None:
    sign_in(adam).post(f"{PAGE}existing-members/", {"listing": "on"})
    assert first_directory(scim.directory.org).listing == MemberListing.ON
    assert names(scim) == ["olga@acme.example", "adam@acme.example"]
    event = AuditEvent.objects.get(action="directory.member_listing_changed")
    assert (event.before, event.after) == ({"listing": "off"}, {"listing": "on"})


def test_member_whose_address_is_somebody_elses_user_name_is_not_listed(scim: ScimClient, uma: Membership) -> None:
    made = scim.post("/Users", user_body("new@acme.example", userName=UMA)).json()
    set_listing(directory=scim.directory, listing=MemberListing.ON, actor=ACTOR)
    assert (found(scim)["id"], names(scim)) == (made["id"], [UMA, "olga@acme.example"])
