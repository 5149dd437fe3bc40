"""A link that is only opened signs nobody out, whoever it was sent to."""

import re

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.test import Client
from django.urls import reverse

from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.types import MembershipOrigin
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
    membership = people.create_membership(org=acme, profile=profile, origin=MembershipOrigin.INVITE, actor=ACTOR)
    prepared = invitations.prepare_invitation(org=acme, membership_public_id=str(membership.public_id))
    assert prepared is not None
    return reverse("people:invitation", args=[prepared[1]])


@pytest.fixture
def logout_link() -> str:
    return reverse("account_logout")


LINKS = ["confirm_link", "reset_link", "invitation_link", "logout_link"]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("link", LINKS)
def test_opening_another_accounts_link_keeps_the_session(request, olga, sign_in, link, method):
    url, client = request.getfixturevalue(link), sign_in(olga)
    getattr(client, method)(url, follow=True)
    assert client.get("/api/v1/me").json()["email"] == olga.email


def test_reset_link_of_another_account_names_the_signed_in_account(olga, sign_in, reset_link):
    page = sign_in(olga).get(reset_link, follow=True).content.decode()
    assert f'You are signed in as <b class="wrap-anywhere">{olga.email}</b>' in page


def test_sign_out_form_says_that_the_person_is_signed_out(olga, sign_in):
    page = sign_in(olga).post(reverse("account_logout"), follow=True).content.decode()
    assert "You are signed out" in page
