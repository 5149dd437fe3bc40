"""Passkeys in a real browser, with an authenticator that the browser simulates."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from orgs.tenancy import queries
from orgs.tenancy.models import Membership
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def complaints(page: Any) -> list[str]:
    """What the browser's console says, such as a breach of the content security policy."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


@pytest.fixture
def distrust(page: Any) -> Callable[[], None]:
    """The browser has an authenticator that knows its owner; calling this, it no longer does."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return lambda: session.send("WebAuthn.setUserVerified", device | {"isUserVerified": False})


@pytest.fixture
def site(page: Any, live_server: Any, settings: Any, distrust: Any, complaints: list[str]) -> Any:
    """The browser on the running site, under the name for which its passkeys are made."""
    settings.PUBLIC_BASE_URL = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    page.set_default_timeout(8000)
    page.goto(live_server.url + reverse("account_login"))
    return page


def add_passkey(site: Any, live_server: Any, olga: Membership) -> None:
    site.fill("#id_login", olga.email)
    site.fill("#id_password", PASSWORD)
    site.press("#id_password", "Enter")
    site.wait_for_url("**/settings/authentication/")
    site.goto(live_server.url + reverse("mfa_add_webauthn"))
    site.fill("#id_password", PASSWORD)
    site.press("#id_password", "Enter")
    site.click("text=Add passkey")
    site.wait_for_url("**" + reverse("mfa_view_recovery_codes"))


def test_a_passkey_signs_in_without_a_password(site, live_server, olga, complaints):
    add_passkey(site, live_server, olga)
    site.context.clear_cookies()
    site.goto(live_server.url + reverse("account_login") + "?next=" + reverse("usersessions_list"))
    site.click("text=Sign in with a passkey")
    site.wait_for_url(live_server.url + reverse("usersessions_list"))
    assert {grant.method for grant in queries.personal_sessions_of(olga.user)} == {"password", "passkey"}
    assert complaints == []


def test_passkey_is_accepted_as_a_second_factor(site, live_server, olga, complaints):
    add_passkey(site, live_server, olga)
    site.context.clear_cookies()
    site.goto(live_server.url + reverse("account_login"))
    site.fill("#id_login", olga.email)
    site.fill("#id_password", PASSWORD)
    site.press("#id_password", "Enter")
    site.click("text=Use a passkey or security key")
    site.wait_for_url("**/settings/authentication/")
    assert complaints == []


def test_refused_passkey_shows_a_message_on_the_page(site, live_server, olga, distrust):
    add_passkey(site, live_server, olga)
    site.context.clear_cookies()
    site.goto(live_server.url + reverse("account_login"))
    distrust()
    site.click("text=Sign in with a passkey")
    site.wait_for_selector("#passkey-problem:visible")
