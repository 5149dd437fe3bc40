"""A link that is only opened signs nobody out, whoever it was sent to."""

import re
from html import unescape

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.test import Client
from django.urls import reverse

from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.types import Origin
from tests.factories import ACTOR

PASSWORD = "a-long-test-password"


@pytest.fixture
def confirm_link(stranger) -> str:
    """The link by which the stranger confirms an address."""
    address = EmailAddress.objects.create(user=stranger, email="more@nowhere.example", verified=False, primary=False)
    return reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key])


@pytest.fixture
def reset_link(stranger, mailoutbox) -> str:
    """The link by which the stranger sets a new password."""
    stranger.set_password(PASSWORD)
    stranger.save()
    Client().post(reverse("account_reset_password"), {"email": stranger.email})
    found = re.search(r"http://[^/]+(/accounts/password/reset/key/\S+)", mailoutbox[-1].body)
    assert found
    return found[1]


@pytest.fixture
def invitation_link(acme, olga) -> str:
    profile = Profile("ivy@elsewhere.example")
    seat = people.create_seat(org=acme, profile=profile, origin=Origin.INVITE, actor=ACTOR)
    prepared = invitations.prepare_invitation(org=acme, membership_public_id=str(seat.public_id))
    assert prepared is not None
    return reverse("people:invitation", args=[prepared[1]])


@pytest.fixture
def logout_link() -> str:
    return reverse("account_logout")


LINKS = ["confirm_link", "reset_link", "invitation_link", "logout_link"]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("link", LINKS)
def test_opening_the_link_of_another_account_leaves_the_session_as_it_is(request, olga, sign_in, link, method):
    url, client = request.getfixturevalue(link), sign_in(olga)
    getattr(client, method)(url, follow=True)
    assert client.get("/api/v1/me").json()["email"] == olga.email


@pytest.mark.parametrize("link", ["confirm_link", "reset_link"])
def test_the_page_says_whose_session_it_is_and_that_nothing_has_changed(request, olga, sign_in, link):
    page = sign_in(olga).get(request.getfixturevalue(link), follow=True)
    text = page.content.decode()
    assert page.status_code == 409
    assert "This link is for another account" in text
    assert f"You are signed in as {olga.email}" in text
    assert "You are signed out" not in text


def test_a_reset_link_opens_again_after_signing_out(olga, sign_in, reset_link):
    client = sign_in(olga)
    page = client.get(reset_link, follow=True).content.decode()
    found = re.search(r'name="next" value="([^"]+)"', page)
    assert found
    opened = client.post(reverse("account_logout"), {"next": unescape(found[1])}, follow=True)
    assert "Choose a new password" in opened.content.decode()
    assert client.get("/api/v1/me").status_code == 401


def test_a_confirmation_link_is_offered_again_as_it_was(olga, sign_in, confirm_link):
    page = sign_in(olga).get(confirm_link).content.decode()
    assert f'name="next" value="{confirm_link}"' in page


def test_signing_out_by_the_form_says_so(olga, sign_in):
    page = sign_in(olga).post(reverse("account_logout"), follow=True).content.decode()
    assert "You are signed out" in page
