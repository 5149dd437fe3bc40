"""Addresses that a signed-in person adds to their account, and the page that lists them."""

from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from orgs.tenancy import services as tenancy
from orgs.tenancy.models import AddressVerification, User
from orgs.tenancy.queries import account_for_address, verified_keys_of
from tests.portal.test_accounts import NEW_PASSWORD, enter
from tests.portal.verification.codes import SECOND, code_in, is_in, last_mail, type_code


def add(client: Client, address: str = SECOND) -> Any:
    return client.post(reverse("account_email"), {"email": address, "action_add": ""})


def test_an_added_address_is_verified_by_its_code(stranger_in, stranger):
    assert add(stranger_in).headers["Location"] == reverse("account_email_verification_sent")
    assert verified_keys_of(stranger) == {stranger.email}
    page = stranger_in.get(reverse("account_email_verification_sent")).content.decode()
    assert f'href="{reverse("account_email")}"' in page
    type_code(stranger_in, code_in(last_mail()))
    assert verified_keys_of(stranger) == {stranger.email, SECOND}
    stranger.refresh_from_db()
    assert stranger.email == "stranger@nowhere.example"


def test_mail_for_an_added_address_names_the_account_that_asked(stranger_in, stranger):
    add(stranger_in)
    message = last_mail()
    assert message.to == [SECOND]
    assert f"The Gatehouse account {stranger.email} asked to add {SECOND}" in message.body
    assert "If it wasn't you" in message.body


def test_added_address_is_refused_after_its_code_when_another_account_verified_it(stranger_in, uma):
    add(stranger_in, uma.email)
    page = type_code(stranger_in, code_in(last_mail())).content.decode()
    assert "Another account has verified this address already" in page
    assert account_for_address(uma.email) == uma.user


def test_three_wrong_codes_for_an_added_address_redirect_to_the_address_list(stranger_in):
    add(stranger_in)
    answers = [type_code(stranger_in, "WRNG-WRNG") for _ in range(3)]
    assert answers[-1].headers["Location"] == reverse("account_email")
    assert is_in(stranger_in)


def test_added_address_replaces_an_unverified_account_and_can_be_made_primary(stranger_in, stranger):
    claim = tenancy.sign_up(email=SECOND, password="a-squatters-password")
    add(stranger_in)
    type_code(stranger_in, code_in(last_mail()))
    stranger_in.post(reverse("account_email"), {"email": SECOND, "action_primary": ""})
    stored = User.objects.get(pk=stranger.pk)
    assert (stored.email, stored.email_key) == (SECOND, SECOND)
    assert not User.objects.filter(pk=claim.pk).exists()
    assert last_mail().to == ["stranger@nowhere.example"]


def test_address_list_refuses_to_make_an_unverified_address_primary(stranger_in, stranger):
    EmailAddress.objects.create(user=stranger, email=SECOND, verified=False)
    stranger_in.post(reverse("account_email"), {"email": SECOND, "action_primary": ""})
    assert "hasn&#x27;t verified" in stranger_in.get(reverse("account_email")).content.decode()
    assert User.objects.get(pk=stranger.pk).email == "stranger@nowhere.example"


def test_address_list_sets_a_first_primary_address_without_a_mail(stranger_in, stranger):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    EmailAddress.objects.update(primary=False)
    User.objects.filter(pk=stranger.pk).update(email="", email_key=None)
    mail.outbox.clear()
    stranger_in.post(reverse("account_email"), {"email": SECOND, "action_primary": ""})
    assert User.objects.get(pk=stranger.pk).email == SECOND
    assert mail.outbox == []


def test_address_list_sends_a_code_to_an_unverified_address(stranger_in, stranger):
    EmailAddress.objects.create(user=stranger, email=SECOND, verified=False)
    response = stranger_in.post(reverse("account_email"), {"email": SECOND, "action_send": ""})
    assert response.headers["Location"] == reverse("account_email_verification_sent")
    type_code(stranger_in, code_in(last_mail()))
    assert SECOND in verified_keys_of(stranger)


def test_address_list_removes_an_address_with_its_verification(stranger_in, stranger):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    stranger_in.post(reverse("account_email"), {"email": SECOND, "action_remove": ""})
    assert not AddressVerification.objects.filter(address_key=SECOND).exists()
    assert verified_keys_of(stranger) == {stranger.email}
    assert "was removed" in last_mail().body


def test_address_list_refuses_to_remove_the_primary_address(stranger_in, stranger):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    stranger_in.post(reverse("account_email"), {"email": stranger.email, "action_remove": ""})
    assert "is your primary address" in stranger_in.get(reverse("account_email")).content.decode()
    assert stranger.email in verified_keys_of(stranger)


@pytest.mark.parametrize("action", ["action_primary", "action_remove", "action_send"])
def test_address_list_does_not_change_another_accounts_address(stranger_in, uma, action):
    response = stranger_in.post(reverse("account_email"), {"email": uma.email, action: ""})
    assert response.headers["Location"] == reverse("account_email")
    assert account_for_address(uma.email) == uma.user


@pytest.mark.parametrize("action", ["action_primary", "action_remove"])
def test_address_list_redirects_to_reauthentication_before_a_change(stranger, action):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    client, _ = enter(stranger.email)
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    response = client.post(reverse("account_email"), {"email": SECOND, action: ""})
    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert verified_keys_of(stranger) == {stranger.email, SECOND}
    assert User.objects.get(pk=stranger.pk).email == stranger.email


def test_set_password_does_not_restore_an_address_removed_meanwhile(stranger):
    stale = User.objects.get(pk=stranger.pk)
    tenancy.remove_account_address(user=stranger, address=stranger.email)
    get_adapter().set_password(stale, NEW_PASSWORD)
    stored = User.objects.get(pk=stranger.pk)
    assert (stored.email, stored.email_key, stored.check_password(NEW_PASSWORD)) == ("", None, True)
