"""An account that has lost its only address signs in by a passkey, and adds an address before anything opens."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.internal import auth
from django.test import Client
from django.urls import reverse

from orgs.tenancy import queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, User
from orgs.tenancy.queries import account_for_address, verified_keys_of
from tests.factories import PASSWORD
from tests.portal.verification.codes import code_in, is_in, last_mail, type_code

NEW = "olga@private.example"


@pytest.fixture
def passkey(olga: Membership, monkeypatch: pytest.MonkeyPatch) -> Authenticator:
    """Olga's passkey, whose answer counts as right in every browser that was given a challenge."""
    key = Authenticator.objects.create(user=olga.user, type=Authenticator.Type.WEBAUTHN, data={})
    monkeypatch.setattr(auth, "parse_authentication_response", lambda response: response)
    monkeypatch.setattr(auth, "extract_user_from_response", lambda response: olga.user)
    monkeypatch.setattr(auth, "complete_authentication", lambda user, response: key)
    return key


@pytest.fixture
def lost(olga: Membership) -> User:
    """Olga's account, after it has lost its only address."""
    assert olga.user is not None
    tenancy.remove_account_address(user=olga.user, address=olga.email)
    return olga.user


def sign_in_by_passkey() -> tuple[Client, Any]:
    client = Client()
    client.get(reverse("mfa_login_webauthn"), headers={"X-Requested-With": "XMLHttpRequest"})
    return client, client.post(reverse("mfa_login_webauthn"), {"credential": '{"rawId": "AA", "response": {}}'})


def add(client: Client, address: str = NEW) -> Any:
    return client.post(reverse("account_add_address"), {"email": address})


def test_passkey_sign_in_without_an_address_redirects_to_adding_one(passkey: Authenticator, lost: User) -> None:
    client, answer = sign_in_by_passkey()
    assert answer.headers["Location"] == reverse("account_add_address")
    assert "Add an email address" in client.get(answer.headers["Location"]).content.decode()
    assert not is_in(client)


def test_passkey_sign_in_with_an_address_signs_in(passkey: Authenticator) -> None:
    assert is_in(sign_in_by_passkey()[0])


def test_code_for_the_added_address_signs_the_owner_in(passkey: Authenticator, lost: User, olga: Membership) -> None:
    client, _ = sign_in_by_passkey()
    assert add(client).headers["Location"] == reverse("account_email_verification_sent")
    assert last_mail().to == [NEW]
    assert "A Gatehouse account that has lost its address asked" in last_mail().body
    assert type_code(client, code_in(last_mail())).headers["Location"] == reverse("home")
    assert is_in(client)
    assert client.get(f"/orgs/{olga.org.slug}/", follow=True).status_code == 200
    assert (account_for_address(NEW), set(verified_keys_of(lost))) == (lost, {NEW})
    assert queries.owners_who_can_sign_in(olga.org).get() == olga


@pytest.mark.parametrize("step", ["before the address", "before the code"])
def test_all_pages_redirect_to_account_pages_until_the_added_address_is_verified(
    passkey: Authenticator, lost: User, step: str
) -> None:
    client, _ = sign_in_by_passkey()
    if step == "before the code":
        add(client)
    assert client.get("/api/v1/me").status_code == 401
    pages = [
        "/",
        "/orgs/acme/",
        *map(reverse, ("account_email", "mfa_index", "usersessions_list", "account_set_password")),
    ]
    answers = {page: client.get(page).headers.get("Location", "") for page in pages}
    assert not [page for page, location in answers.items() if not location.startswith("/accounts/")]
    assert not is_in(client)
    assert verified_keys_of(lost) == frozenset()


def test_added_address_can_be_corrected_before_its_verification(passkey: Authenticator, lost: User) -> None:
    client, _ = sign_in_by_passkey()
    add(client, "olag@private.example")
    add(client)
    type_code(client, code_in(last_mail()))
    assert set(verified_keys_of(lost)) == {NEW}


def test_three_wrong_codes_for_the_added_address_end_the_sign_in(passkey: Authenticator, lost: User) -> None:
    client, _ = sign_in_by_passkey()
    add(client)
    for _ in range(3):
        type_code(client, "WRNG-WRNG")
    assert add(client).headers["Location"] == reverse("account_login")
    assert not is_in(client)


@pytest.mark.parametrize("address", ["", "olga", "olga@ａcme.example"])
def test_add_address_page_refuses_text_that_is_no_address(passkey: Authenticator, lost: User, address: str) -> None:
    client, _ = sign_in_by_passkey()
    page = add(client, address)
    assert page.status_code == 200
    assert page.context["form"].errors


def test_add_address_page_refuses_the_code_for_another_accounts_address(
    passkey: Authenticator, lost: User, stranger: User
) -> None:
    """The page answers as for a free address; the code, which only its reader has, is refused."""
    client, _ = sign_in_by_passkey()
    assert add(client, stranger.email).headers["Location"] == reverse("account_email_verification_sent")
    type_code(client, code_in(last_mail()))
    assert not is_in(client)
    assert account_for_address(stranger.email) == stranger


def test_add_address_page_redirects_to_sign_in_without_a_pending_sign_in(
    passkey: Authenticator, olga: Membership, stranger: User
) -> None:
    client = Client()
    assert client.get(reverse("account_add_address")).headers["Location"] == reverse("account_login")
    client.force_login(stranger)
    assert client.get(reverse("account_add_address")).headers["Location"] == reverse("account_login")


def test_add_address_page_redirects_to_sign_in_for_a_closed_account(passkey: Authenticator, lost: User) -> None:
    User.objects.filter(pk=lost.pk).update(is_active=False)
    passkey.user.is_active = False
    client, _ = sign_in_by_passkey()
    assert not is_in(client)
    assert add(client).headers["Location"] == reverse("account_login")


def test_password_sign_in_without_an_address_redirects_to_adding_one(
    lost: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page leads there by a password: it is found by an address."""
    client = Client()
    monkeypatch.setattr("orgs.tenancy.queries.accounts_behind", lambda address: [lost])
    answer = client.post(reverse("account_login"), {"login": "olga@acme.example", "password": PASSWORD})
    assert answer.headers["Location"] == reverse("account_add_address")


def test_sign_in_is_refused_when_the_account_loses_its_address_meanwhile(
    passkey: Authenticator, olga: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address goes after allauth has looked at it, as while the page of the second factor is open."""

    def lose(stage: Any) -> tuple[None, bool]:
        tenancy.remove_account_address(user=stage.login.user, address="olga@acme.example")
        return None, True

    monkeypatch.setattr(AuthenticateStage, "handle", lose)
    client, answer = sign_in_by_passkey()
    assert (answer.headers["Location"], is_in(client)) == (reverse("account_login"), False)
    assert "Sign in again to add one" in client.get(reverse("account_login")).content.decode()
