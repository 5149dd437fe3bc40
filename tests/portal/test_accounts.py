"""The account's own pages: sign-up, sign-in, password, addresses, second factors and sessions."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse

from orgs.base.text import text_key
from orgs.tenancy import access
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, SessionGrant, User
from orgs.tenancy.types import MembershipState, SignInMethod
from tests.factories import PASSWORD, MembershipFactory, UserFactory

NEW_PASSWORD = "another-long-password"
LINK = re.compile(r"http://testserver(/\S+)")
PERSONAL = [
    "account_email",
    "account_change_password",
    "account_logout",
    "account_inactive",
    "account_reauthenticate",
    "account_reset_password",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "usersessions_list",
]
PROTECTED = [
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_list_webauthn",
]
PUBLIC = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_inactive",
]


def enter(email: str, password: str = PASSWORD, **more: str) -> tuple[Client, Any]:
    """Post the sign-in form in a browser of its own."""
    client = Client()
    return client, client.post(reverse("account_login"), {"login": email, "password": password, **more})


def sign_up(email: str) -> tuple[Client, Any]:
    client = Client()
    form = {"email": email, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    return client, client.post(reverse("account_signup"), form, follow=True)


def link_in(mail: Any) -> str:
    found = LINK.search(mail.body)
    assert found is not None
    return found[1]


def code_now(secret: str) -> str:
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def confirm_identity(client: Client) -> None:
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def faults_in(html: str) -> list[str]:
    """Name what the content security policy or the components would have swallowed."""
    inline = r'<script(?![^>]*\bsrc=)(?![^>]*type="application/json")'
    patterns = {"component": "<c-", "style": r"<[^>]*\sstyle=", "script": inline, "handler": r"<[^>]*\son[a-z]+="}
    return [name for name, pattern in patterns.items() if re.search(pattern, html)]


def without_marks(response: Any, address: str) -> str:
    """The page as a stranger reads it: without tokens, and without the address that was typed."""
    text = re.sub(r'"[A-Za-z0-9]{64}"', "", response.content.decode())
    return re.sub(r"[0-9a-f]{32}", "", text).replace(address, "")


@pytest.fixture
def stranger_in(stranger: User) -> Client:
    client, _ = enter(stranger.email)
    confirm_identity(client)
    return client


@pytest.fixture
def guarded(stranger: User) -> User:
    """The stranger, with an authenticator app and recovery codes."""
    totp.TOTP.activate(stranger, totp.generate_totp_secret())
    RecoveryCodes.activate(stranger)
    return stranger


@pytest.fixture
def guarded_in(guarded: User, stranger_in: Client) -> Client:
    code = guarded.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()[0]
    stranger_in.post(reverse("mfa_authenticate"), {"code": code})
    confirm_identity(stranger_in)
    return stranger_in


def test_sign_in_redirects_to_the_requested_page(stranger):
    _, response = enter(stranger.email, next=reverse("usersessions_list"))
    assert response.headers["Location"] == reverse("usersessions_list")


def test_sign_in_ignores_a_next_to_another_site(stranger):
    _, response = enter(stranger.email, next="https://elsewhere.example/")
    assert response.headers["Location"] == reverse("home")


def test_sign_in_with_a_wrong_password_shows_a_message_at_the_field_and_keeps_the_address(stranger):
    _, response = enter(stranger.email, "not-the-password")
    html = response.content.decode()
    assert f'value="{stranger.email}"' in html
    assert 'aria-describedby="id_password_problem' in html
    assert "don&#x27;t belong together" in html


def test_sign_in_after_five_wrong_passwords_says_to_wait(stranger):
    for _ in range(5):
        enter(stranger.email, "not-the-password")
    _, response = enter(stranger.email, PASSWORD)
    html = response.content.decode()
    assert "Too many failed sign-ins" in html
    assert f'value="{stranger.email}"' in html


def test_reset_link_sets_a_new_password(stranger, mailoutbox):
    client = Client()
    client.post(reverse("account_reset_password"), {"email": stranger.email})
    form = client.get(link_in(mailoutbox[0]), follow=True)
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post(form.request["PATH_INFO"], passwords)
    stranger.refresh_from_db()
    assert stranger.check_password(NEW_PASSWORD)


def test_a_reset_link_works_once(stranger, mailoutbox):
    client = Client()
    client.post(reverse("account_reset_password"), {"email": stranger.email})
    form = client.get(link_in(mailoutbox[0]), follow=True)
    client.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    again = Client().get(link_in(mailoutbox[0]), follow=True)
    assert "This link doesn’t work any more" in again.content.decode()


def test_password_reset_answers_the_same_for_known_and_unknown_addresses(stranger):
    known, unknown = (
        Client().post(reverse("account_reset_password"), {"email": address}, follow=True)
        for address in (stranger.email, "nobody@nowhere.example")
    )
    assert without_marks(known, stranger.email) == without_marks(unknown, "nobody@nowhere.example")


def test_sign_up_refuses_a_look_alike_address_the_same_whether_an_account_exists_or_not(stranger):
    _, known = sign_up("stranger@ｎowhere.example")
    _, unknown = sign_up("nobody@ｎowhere.example")
    assert "without look-alikes" in known.content.decode()
    assert "without look-alikes" in unknown.content.decode()


def test_mail_links_have_the_public_base_url_whatever_the_host_header_is(stranger, mailoutbox):
    Client().post(reverse("account_reset_password"), {"email": stranger.email}, headers={"host": "localhost"})
    assert "http://testserver/accounts/password/reset/key/" in mailoutbox[0].body
    assert "localhost" not in mailoutbox[0].body


def test_authenticator_app_is_activated_by_its_code(stranger_in, stranger):
    page = stranger_in.get(reverse("mfa_activate_totp"))
    code = code_now(page.context["form"].secret)
    response = stranger_in.post(reverse("mfa_activate_totp"), {"code": code})
    assert response.headers["Location"] == reverse("mfa_view_recovery_codes")
    assert stranger.authenticator_set.filter(type="totp").exists()


def test_authenticator_setup_page_shows_the_key_as_image_and_text(stranger_in):
    page = stranger_in.get(reverse("mfa_activate_totp"))
    html = page.content.decode()
    assert 'src="data:image/svg+xml;base64,' in html
    assert page.context["form"].secret in html


def test_authenticator_secret_is_stored_sealed(stranger):
    secret = totp.generate_totp_secret()
    stored = totp.TOTP.activate(stranger, secret).instance.data["secret"]
    assert secret not in stored


def test_sign_in_asks_for_the_second_factor_after_the_password(guarded):
    client, response = enter(guarded.email)
    assert response.headers["Location"] == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session


def test_authenticator_code_completes_the_sign_in(stranger):
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(stranger, secret)
    client, _ = enter(stranger.email)
    client.post(reverse("mfa_authenticate"), {"code": code_now(secret)})
    assert client.session["_auth_user_id"] == str(stranger.pk)


def test_a_recovery_code_completes_one_sign_in_only(guarded):
    code = guarded.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()[0]
    browsers = [enter(guarded.email)[0] for _ in range(2)]
    for client in browsers:
        client.post(reverse("mfa_authenticate"), {"code": code})
    assert ["_auth_user_id" in client.session for client in browsers] == [True, False]


def test_recovery_codes_are_listed_and_downloaded(guarded_in, guarded):
    codes = guarded.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()
    listed = guarded_in.get(reverse("mfa_view_recovery_codes")).content.decode()
    download = guarded_in.get(reverse("mfa_download_recovery_codes")).content.decode().split()
    assert all(code in listed for code in codes)
    assert download == codes


def test_generating_recovery_codes_replaces_the_old_ones(guarded_in, guarded):
    before = guarded.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()
    guarded_in.post(reverse("mfa_generate_recovery_codes"))
    after = guarded.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()
    assert not set(before) & set(after)


def test_authenticator_setup_redirects_to_reauthentication_first(stranger):
    client, _ = enter(stranger.email)
    response = client.get(reverse("mfa_activate_totp"))
    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))


def test_sessions_page_ends_all_other_sessions(stranger):
    here, there = enter(stranger.email)[0], enter(stranger.email)[0]
    here.post(reverse("usersessions_list"))
    assert here.get(reverse("usersessions_list")).status_code == 200
    assert there.get(reverse("usersessions_list")).headers["Location"].startswith(reverse("account_login"))


def test_email_key_changes_with_the_primary_address(stranger_in, stranger):
    tenancy.mark_address_verified(user=stranger, address="second@nowhere.example")
    stranger_in.post(reverse("account_email"), {"email": "second@nowhere.example", "action_primary": ""})
    stranger.refresh_from_db()
    primary = EmailAddress.objects.get(user=stranger, primary=True)
    assert (stranger.email, stranger.email_key) == (primary.email, text_key(primary.email))


def test_removed_address_does_not_sign_in(stranger_in, stranger):
    tenancy.mark_address_verified(user=stranger, address="second@nowhere.example")
    stranger_in.post(reverse("account_email"), {"email": "second@nowhere.example", "action_remove": ""})
    client, _ = enter("second@nowhere.example")
    assert "_auth_user_id" not in client.session


def test_sign_in_creates_a_session_grant_for_every_active_membership(olga: Membership, globex):
    assert olga.user is not None
    second = MembershipFactory(org=globex, email="olga@globex.example")
    Membership.objects.filter(pk=second.pk).update(user=olga.user)
    client, _ = enter(olga.email)
    grants = SessionGrant.objects.filter(session=client.session[access.SESSION_GRANT_ID], method=SignInMethod.PASSWORD)
    assert {grant.membership_id for grant in grants} == {olga.pk, second.pk}


def test_sign_in_creates_no_session_grant_for_a_suspended_membership(uma: Membership):
    Membership.objects.filter(pk=uma.pk).update(state=MembershipState.SUSPENDED)
    client, _ = enter(uma.email)
    assert not SessionGrant.objects.filter(session=client.session[access.SESSION_GRANT_ID]).exists()


@pytest.mark.parametrize("name", [*PERSONAL[:2], *PERSONAL[5:], "account_reauthenticate", "account_set_password"])
def test_saml_session_gets_403_on_account_pages(uma, sign_in, name):
    client = sign_in(uma)
    session = client.session
    session[access.SIGN_IN_METHOD] = SignInMethod.SAML
    session.save()
    assert client.get(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", PERSONAL)
def test_account_pages_open_and_obey_the_content_policy(stranger_in, name):
    response = stranger_in.get(reverse(name))
    assert response.status_code == 200
    assert faults_in(response.content.decode()) == []


@pytest.mark.parametrize("name", PROTECTED)
def test_pages_of_a_guarded_account_open_and_obey_the_content_policy(guarded_in, name):
    response = guarded_in.get(reverse(name))
    assert response.status_code == 200
    assert faults_in(response.content.decode()) == []


@pytest.mark.parametrize("name", ["mfa_edit_webauthn", "mfa_remove_webauthn"])
def test_pages_of_a_passkey_open_and_obey_the_content_policy(stranger_in, stranger, name):
    passkey = Authenticator.objects.create(user=stranger, type="webauthn", data={"name": "Laptop", "credential": {}})
    response = stranger_in.get(reverse(name, args=[passkey.pk]))
    assert response.status_code == 200
    assert faults_in(response.content.decode()) == []


@pytest.mark.parametrize("name", PUBLIC)
def test_public_account_pages_open_and_obey_the_content_policy(client, db, name):
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert faults_in(response.content.decode()) == []


@pytest.mark.parametrize("path", ["/accounts/confirm-email/none/", "/accounts/password/reset/key/1-none-none/"])
def test_expired_links_show_a_message_and_obey_the_content_policy(client, db, path):
    html = client.get(path, follow=True).content.decode()
    assert "This link doesn’t work any more" in html
    assert faults_in(html) == []


def test_an_account_without_password_is_asked_to_set_one(db):
    user = UserFactory(email="keys@people.example")
    user.set_unusable_password()
    user.save()
    client = Client()
    client.force_login(user)
    response = client.get(reverse("account_change_password"), follow=True)
    assert "Set a password" in response.content.decode()
    assert faults_in(response.content.decode()) == []


def test_sign_up_refuses_a_compatibility_spelling_of_an_international_domain(client, db):
    answer = client.post(
        "/accounts/signup/",
        {"email": "a@münchen.de", "password1": "a-long-password-1", "password2": "a-long-password-1"},
    )
    assert answer.status_code == 200
    assert not User.objects.filter(email__startswith="a@").exists()
