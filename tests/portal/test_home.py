"""Where a signed-in person lands."""

import pytest

from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.types import MembershipOrigin
from tests.factories import ACTOR, OrganizationFactory


@pytest.mark.parametrize("path", ["/", "/orgs/acme/", "/orgs/acme/settings/"])
def test_page_redirects_to_sign_in_with_next_when_nobody_is_signed_in(client, acme, path):
    assert client.get(path)["Location"] == f"/accounts/login/?next={path}"


def test_home_redirects_to_the_only_organization(sign_in, uma):
    assert sign_in(uma).get("/")["Location"] == "/orgs/acme/"


def test_home_lists_two_organizations_to_choose_from(sign_in, olga):
    OrganizationFactory(slug="second", name="Second", owner_email=olga.email)
    response = sign_in(olga).get("/")
    assert [org.slug for org in response.context["reachable_orgs"]] == ["acme", "second"]


@pytest.mark.parametrize("path", ["/orgs/acme/", "/orgs/acme/settings/"])
def test_organization_page_redirects_an_admin_to_the_settings(sign_in, adam, path):
    assert sign_in(adam).get(path)["Location"] == "/orgs/acme/settings/authentication/"


def test_organization_page_has_no_settings_for_a_plain_member(sign_in, uma):
    browser = sign_in(uma)
    assert "org_settings_url" not in browser.get("/orgs/acme/").context
    assert browser.get("/orgs/acme/settings/").status_code == 403


def test_side_bar_marks_the_open_settings_page(sign_in, adam):
    entries = sign_in(adam).get("/orgs/acme/settings/members/").context["settings_nav"]
    assert [entry.label for entry in entries if entry.is_current] == ["Members"]


def test_account_page_links_to_the_settings_of_the_only_organization(sign_in, adam):
    context = sign_in(adam).get("/accounts/2fa/").context
    assert context["org_settings_url"] == "/orgs/acme/settings/authentication/"


def test_home_offers_an_invited_membership_of_a_verified_address(sign_in, stranger, acme):
    membership = people.create_membership(
        org=acme, profile=Profile(stranger.email), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    # without a fresh proof of the address it takes the mailed link
    assert sign_in(stranger).get("/").context["waiting"] == [(membership, False)]


def test_home_does_not_offer_an_invited_membership_of_an_unverified_address(sign_in, stranger, acme):
    people.create_membership(org=acme, profile=Profile(stranger.email), origin=MembershipOrigin.INVITE, actor=ACTOR)
    stranger.emailaddress_set.update(verified=False)
    assert sign_in(stranger).get("/").context["waiting"] == []


def test_an_open_session_of_an_account_that_has_lost_its_only_address_is_told_so(sign_in, stranger):
    browser = sign_in(stranger)
    tenancy.remove_account_address(user=stranger, address=stranger.email)
    assert "your account has no address any more" in browser.get("/", follow=True).content.decode()


def test_password_reset_over_the_limit_shows_the_429_page(client, acme):
    for _ in range(5):
        client.post("/accounts/password/reset/", {"email": "olga@acme.example"})
    refused = client.post("/accounts/password/reset/", {"email": "olga@acme.example"})
    assert refused.status_code == 429
    assert b"Too many attempts" in refused.content
    assert b"Wait five minutes" in refused.content
