"""What a reset link does to the account and to the browser that opens it."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client
from django.urls import reverse

from orgs.base.clock import now
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AccountUnknown, AddressTaken, AddressUnverified
from orgs.tenancy.models import SessionGrant, User
from orgs.tenancy.queries import verified_at, verified_keys_of
from portal.site.verification.forms import AddressTokens
from tests.factories import PASSWORD
from tests.portal.test_accounts import NEW_PASSWORD, enter, link_in, sign_up
from tests.portal.verification.codes import NEWHIRE, SECOND, is_in, last_mail

# links


def test_confirmation_link_returns_410_and_keeps_the_session(stranger_in):
    response = stranger_in.get("/accounts/confirm-email/MQ:1x-y_z/")
    assert response.status_code == 410
    assert "Opening this link changed nothing" in response.content.decode()
    assert is_in(stranger_in)
    assert stranger_in.post("/accounts/confirm-email/MQ:1x-y_z/").status_code == 405


def reset_link(address: str) -> str:
    Client().post(reverse("account_reset_password"), {"email": address})
    return link_in(last_mail())


def set_password(client: Client, link: str, password: str = NEW_PASSWORD) -> Any:
    form = client.get(link, follow=True)
    return client.post(form.request["PATH_INFO"], {"password1": password, "password2": password}, follow=True)


def test_reset_link_of_another_account_keeps_the_session_when_opened(stranger_in, uma):
    link = reset_link(uma.email)
    page = stranger_in.get(link, follow=True).content.decode()
    assert is_in(stranger_in)
    assert "Saving the password signs you out here" in page
    assert uma.email in page


def test_reset_of_another_accounts_password_ends_the_session(stranger_in, uma):
    set_password(stranger_in, reset_link(uma.email))
    uma.user.refresh_from_db()
    assert uma.user.check_password(NEW_PASSWORD)
    assert not is_in(stranger_in)


def test_reset_of_a_verified_account_keeps_factors_and_verifications(stranger):
    RecoveryCodes.activate(stranger)
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    before = verified_at(stranger, SECOND)
    set_password(Client(), reset_link(SECOND))
    stranger.refresh_from_db()
    assert stranger.check_password(NEW_PASSWORD)
    assert stranger.authenticator_set.exists()
    assert verified_at(stranger, SECOND) == before


def test_reset_of_an_unverified_account_removes_factors_addresses_and_sessions_and_verifies_it(uma):
    """An account of a member whose address nobody has verified: its domain was given up, say."""
    user, other = uma.user, "strangers@nowhere.example"
    squatter, _ = enter(uma.email)
    totp.TOTP.activate(user, totp.generate_totp_secret())
    RecoveryCodes.activate(user)
    Authenticator.objects.create(user=user, type="webauthn", data={})
    EmailAddress.objects.create(user=user, email=other, verified=False)
    EmailAddress.objects.update(verified=False)
    assert SessionGrant.objects.filter(membership=uma).exists()
    set_password(Client(), reset_link(uma.email))
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)
    assert not Authenticator.objects.filter(user=user).exists()
    assert not UserSession.objects.filter(user=user).exists()
    assert not SessionGrant.objects.filter(membership=uma).exists()
    assert verified_keys_of(user) == {uma.email}
    assert not EmailAddress.objects.filter(email=other).exists()
    assert squatter.get(reverse("account_email")).headers["Location"].startswith(reverse("account_login"))
    assert now() - verified_at(user, uma.email) < timedelta(minutes=1)


def test_reset_of_an_unverified_account_replaces_its_password(db):
    sign_up(NEWHIRE)
    set_password(Client(), reset_link(NEWHIRE), "the-real-persons-password")
    assert is_in(enter(NEWHIRE, "the-real-persons-password")[0])
    assert not is_in(enter(NEWHIRE, NEW_PASSWORD)[0])


def test_reset_mail_and_page_say_that_nobody_has_verified_the_account(db):
    sign_up(NEWHIRE)
    link = reset_link(NEWHIRE)
    assert "a stranger may have created the account" in last_mail().body
    assert "From: 127.0.0.1" in last_mail().body
    page = Client().get(link, follow=True).content.decode()
    assert "nobody has verified the address" in page
    assert NEWHIRE in page


def test_reset_sends_one_mail_for_several_unverified_accounts_of_an_address(db):
    for _ in range(3):
        tenancy.sign_up(email=NEWHIRE, password=PASSWORD)
    reset_link(NEWHIRE)
    assert len(mail.outbox) == 1


def test_reset_sends_no_link_for_an_inactive_account(stranger):
    User.objects.update(is_active=False)
    Client().post(reverse("account_reset_password"), {"email": stranger.email})
    assert "There is none with this address" in last_mail().body


def test_reset_link_ends_when_the_account_loses_the_address_it_was_mailed_to(stranger):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    link = reset_link(SECOND)
    tenancy.remove_account_address(user=stranger, address=SECOND)
    assert "This link doesn’t work any more" in Client().get(link, follow=True).content.decode()


def test_reset_by_an_unverified_address_sends_no_link_for_an_account_with_a_verified_one(stranger):
    EmailAddress.objects.create(user=stranger, email=SECOND, verified=False)
    Client().post(reverse("account_reset_password"), {"email": SECOND})
    assert "There is none with this address" in last_mail().body


def test_reset_page_refuses_the_link_when_another_account_verified_the_address_meanwhile(db):
    sign_up(NEWHIRE)
    link = reset_link(NEWHIRE)
    client = Client()
    form = client.get(link, follow=True)
    tenancy.create_account(email=NEWHIRE, verified=True)
    page = client.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}, follow=True)
    assert "This link doesn’t work any more" in page.content.decode()


@pytest.mark.parametrize("moment", ["clean", "save"])
def test_reset_page_shows_a_message_when_saving_fails(stranger, monkeypatch, moment):
    from portal.site.verification import forms

    client = Client()
    form = client.get(reset_link(stranger.email), follow=True)
    if moment == "clean":
        monkeypatch.setattr(forms, "address_of", lambda user, token: None)
    else:

        def fail(**fields: Any) -> None:
            raise AddressTaken

        monkeypatch.setattr(tenancy, "reset_password", fail)
    page = client.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert page.status_code == 200
    assert page.context["form"].non_field_errors()
    stranger.refresh_from_db()
    assert stranger.check_password(PASSWORD)


# the service behind the reset, where the page can't lead


def test_reset_password_raises_address_taken_for_an_address_that_the_account_does_not_have(stranger):
    with pytest.raises(AddressTaken):
        tenancy.reset_password(user=stranger, address=SECOND, password=NEW_PASSWORD, mailed_at=now())


@pytest.mark.parametrize("trait", ["verified elsewhere", "staff"])
def test_reset_password_raises_address_unverified_for_staff_and_accounts_with_a_verified_address(stranger, trait):
    address = SECOND
    EmailAddress.objects.create(user=stranger, email=SECOND, verified=False)
    if trait == "staff":
        User.objects.update(is_staff=True)
        EmailAddress.objects.update(verified=False)
        address = stranger.email
    with pytest.raises(AddressUnverified):
        tenancy.reset_password(user=stranger, address=address, password=NEW_PASSWORD, mailed_at=now())


def test_reset_password_raises_account_unknown_for_a_deleted_account(stranger):
    User.objects.all().delete()
    with pytest.raises(AccountUnknown):
        tenancy.reset_password(user=stranger, address=stranger.email, password=NEW_PASSWORD, mailed_at=now())


def test_address_token_is_valid_for_its_address_only(stranger):
    token = AddressTokens(stranger.email).make_token(stranger)
    assert AddressTokens(stranger.email).check_token(stranger, token)
    assert not AddressTokens(SECOND).check_token(stranger, token)
