"""How often a password may be tried, and how much mail an address gets; nobody is locked out by somebody else."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs.base.counters import Limit
from orgs.base.models import CacheEntry
from portal.site import proxies, sign_in_limits
from portal.site.sign_in_limits import COOKIE
from tests.factories import PASSWORD, UserFactory

WRONG = "not-the-password"
OFFICE, ELSEWHERE = "192.0.2.1", "198.51.100."


def attempt(email: str, password: str, address: str = OFFICE, client: Client | None = None) -> Any:
    """Post the sign-in form from a network address. Returns the response."""
    browser = client or Client()
    return browser.post(reverse("account_login"), {"login": email, "password": password}, REMOTE_ADDR=address)


def is_let_in(response: Any) -> bool:
    return bool(response.status_code == 302)


def attack_from_everywhere(email: str, amount: int = 50) -> None:
    """Try wrong passwords from as many network addresses as are needed to stay below each one's limit."""
    for number in range(amount):
        attempt(email, WRONG, f"{ELSEWHERE}{number}")


def ask_for_reset(email: str, address: str = OFFICE) -> Any:
    return Client().post(reverse("account_reset_password"), {"email": email}, REMOTE_ADDR=address)


def test_fourteen_wrong_passwords_for_one_account_do_not_block_another_at_the_same_ip_address(stranger):
    colleague = UserFactory(email="colleague@nowhere.example")
    for _ in range(14):
        attempt(stranger.email, WRONG)
    assert is_let_in(attempt(colleague.email, PASSWORD))


def test_hundred_wrong_passwords_for_one_account_do_not_block_another_at_the_same_ip_address(stranger):
    colleague = UserFactory(email="colleague@nowhere.example")
    for _ in range(100):
        attempt(stranger.email, WRONG)
    assert is_let_in(attempt(colleague.email, PASSWORD))


def test_wrong_passwords_for_many_accounts_block_only_the_ip_address_they_came_from(stranger):
    for number in range(60):
        attempt(f"nobody{number}@nowhere.example", WRONG)
    refused = attempt(stranger.email, PASSWORD)
    assert b"Too many failed sign-ins from your network" in refused.content
    assert is_let_in(attempt(stranger.email, PASSWORD, "203.0.113.9"))


def test_wrong_passwords_from_one_ip_address_do_not_block_sign_in_at_another(stranger):
    for _ in range(20):
        attempt(stranger.email, WRONG)
    assert is_let_in(attempt(stranger.email, PASSWORD, "203.0.113.9"))


def test_sign_in_over_the_attempts_per_minute_of_an_ip_address_returns_429(stranger, monkeypatch):
    monkeypatch.setattr(sign_in_limits, "ATTEMPTS", Limit("attempts", 2, timedelta(minutes=1), is_sliding=True))
    statuses = [attempt(f"nobody{number}@nowhere.example", WRONG).status_code for number in range(3)]
    assert statuses == [200, 200, 429]
    assert attempt(stranger.email, WRONG, "203.0.113.9").status_code == 200


def test_sign_in_attempt_takes_one_query_for_each_limit(stranger):
    with CaptureQueriesContext(connection) as wrong:
        attempt(stranger.email, WRONG)
    with CaptureQueriesContext(connection) as right:
        attempt(stranger.email, PASSWORD)
    counted = [sum("orgs_cacheentry" in query["sql"] for query in each) for each in (wrong, right)]
    # three of the four are given back when the password is right
    assert counted == [4, 7]


def test_right_passwords_do_not_count_toward_the_limits(stranger):
    assert all(is_let_in(attempt(stranger.email, PASSWORD)) for _ in range(70))


def test_wrong_passwords_from_many_ip_addresses_block_the_account(stranger):
    attack_from_everywhere(stranger.email)
    refused = attempt(stranger.email, PASSWORD, "203.0.113.9")
    assert b"Too many failed sign-ins to this account" in refused.content


def test_another_spelling_of_the_email_gives_no_further_attempts(stranger):
    for spelling in (stranger.email, stranger.email.upper(), stranger.email.title()):
        for _ in range(2):
            attempt(spelling, WRONG)
    assert not is_let_in(attempt(stranger.email, PASSWORD))


def test_another_host_header_gives_no_further_attempts(stranger):
    for host in ("testserver", "localhost", "127.0.0.1"):
        for _ in range(2):
            attempt(stranger.email, WRONG, client=Client(headers={"host": host}))
    assert not is_let_in(attempt(stranger.email, PASSWORD))


def test_known_browser_can_sign_in_while_the_account_is_blocked_for_others(stranger):
    browser = Client()
    attempt(stranger.email, PASSWORD, client=browser)
    browser.post(reverse("account_logout"))
    attack_from_everywhere(stranger.email)
    for _ in range(10):
        attempt(stranger.email, WRONG)
    assert is_let_in(attempt(stranger.email, PASSWORD, client=browser))


def test_known_browser_has_a_limit_of_its_own(stranger):
    browser = Client()
    attempt(stranger.email, PASSWORD, client=browser)
    browser.post(reverse("account_logout"))
    for _ in range(5):
        attempt(stranger.email, WRONG, client=browser)
    assert not is_let_in(attempt(stranger.email, PASSWORD, client=browser))


@pytest.mark.parametrize("spoil", [lambda text: "", lambda text: text[:-2], lambda text: "nonsense"])
def test_altered_known_browser_cookie_is_ignored(stranger, spoil):
    browser = Client()
    attempt(stranger.email, PASSWORD, client=browser)
    browser.cookies[COOKIE] = spoil(browser.cookies[COOKIE].value)
    del browser.cookies["sessionid"]
    attack_from_everywhere(stranger.email)
    assert not is_let_in(attempt(stranger.email, PASSWORD, client=browser))


def test_known_browser_cookie_of_one_account_is_ignored_for_another(stranger):
    UserFactory(email="colleague@nowhere.example")
    browser = Client()
    attempt("colleague@nowhere.example", PASSWORD, client=browser)
    del browser.cookies["sessionid"]
    attack_from_everywhere(stranger.email)
    assert not is_let_in(attempt(stranger.email, PASSWORD, client=browser))


def test_known_browser_cookie_has_no_address_and_is_http_only(stranger):
    browser = Client()
    attempt(stranger.email, PASSWORD, client=browser)
    cookie = browser.cookies[COOKIE]
    assert "stranger" not in cookie.value
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_password_reset_lets_the_owner_sign_in_while_the_account_is_blocked_for_others(stranger, mailoutbox):
    attack_from_everywhere(stranger.email)
    for _ in range(10):
        attempt(stranger.email, WRONG)
    browser = Client(REMOTE_ADDR=OFFICE)
    browser.post(reverse("account_reset_password"), {"email": stranger.email})
    link = next(word for word in mailoutbox[0].body.split() if "/reset/key/" in word)
    form = browser.get(link.removeprefix("http://testserver"), follow=True)
    browser.post(
        form.request["PATH_INFO"], {"password1": "another-long-password", "password2": "another-long-password"}
    )
    assert is_let_in(attempt(stranger.email, "another-long-password"))


def test_full_counter_remains_after_320_other_cache_entries(stranger):
    for _ in range(5):
        attempt(stranger.email, WRONG)
    for number in range(320):
        cache.set(f"other.{number}", number, 600)
    assert not is_let_in(attempt(stranger.email, PASSWORD))


def test_sign_in_counters_store_no_email_and_no_ip_address(stranger):
    attempt(stranger.email, WRONG)
    stored = " ".join(f"{entry.key} {entry.value}" for entry in CacheEntry.objects.all())
    assert stored
    assert "stranger" not in stored
    assert OFFICE not in stored


# what the documentation and the page of 429 say

UNITS = {"m": "minute", "h": "hour"}


def said_of(limit: Limit) -> str:
    minutes = int(limit.window / timedelta(minutes=1))
    return f"{limit.amount} {({1: 'a minute', 60: 'an hour'}).get(minutes) or f'in {minutes} minutes'}"


def said_of_rates(rates: str) -> dict[str, str]:
    """Return what is said of the rate of a key, and of a network address."""
    parts = [rate.split("/") for rate in rates.split(",")]
    return {per: f"{amount} {'an' if unit == 'h' else 'a'} {UNITS[unit]}" for amount, unit, per in parts}


def documented_limits() -> dict[str, str]:
    text = (settings.BASE_DIR / "docs" / "architecture.md").read_text().partition("## Limits")[2]
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")]
    return {cells[1].strip(): cells[2].strip() for cells in rows}


def test_documented_limits_equal_the_settings():
    rates, found = settings.ACCOUNT_RATE_LIMITS, documented_limits()
    resets, codes = said_of_rates(rates["reset_password"]), said_of_rates(rates["confirm_email"])
    expected = {
        "failed passwords, in one browser or from one network address, for one account": said_of(
            sign_in_limits.ONE_BROWSER
        ),
        "failed passwords for one account, in browsers in which nobody has signed in to it": said_of(
            sign_in_limits.ONE_ACCOUNT
        ),
        "failed passwords from one network address": said_of(sign_in_limits.ONE_ADDRESS),
        "sign-ins with a password, right or wrong, from one network address": said_of(sign_in_limits.ATTEMPTS),
        "sign-ins with a passkey from one network address": said_of_rates(settings.MFA_RATE_LIMITS["webauthn_login"])[
            "ip"
        ],
        "sign-ups from one network address": said_of_rates(rates["signup"])["ip"],
        "mail for resets, to one address": resets["key"],
        "mail for resets, asked for from one network address": resets["ip"],
        "codes that verify an address, to one address": codes["key"],
        "codes that verify an address, asked for from one network address": codes["ip"],
    }
    assert {what: found.get(what) for what in expected} == expected


def test_page_429_names_the_mail_limits_of_the_settings():
    page = (settings.BASE_DIR / "templates" / "429.html").read_text()
    assert "five mails for a new password and twenty codes an hour" in page
    rates = settings.ACCOUNT_RATE_LIMITS
    assert ("5/h/key" in rates["reset_password"], "20/h/key" in rates["confirm_email"]) == (True, True)


def test_warning_of_a_missing_proxy_count_names_the_limit_of_the_settings():
    said = (
        f"{sign_in_limits.ONE_ADDRESS.amount} wrong passwords {said_of(sign_in_limits.ONE_ADDRESS).partition(' ')[2]}"
    )
    assert said in proxies.BEHIND_PROXY
    assert said in (settings.BASE_DIR / ".env.example").read_text()


# mail


def test_reset_mails_to_an_address_are_limited_to_five_an_hour_from_all_ip_addresses(stranger, mailoutbox):
    statuses = [ask_for_reset(stranger.email, f"{ELSEWHERE}{number}").status_code for number in range(8)]
    assert statuses == [302] * 5 + [429] * 3
    assert len(mailoutbox) == 5


def test_reset_mail_limit_of_one_address_does_not_limit_another(stranger, mailoutbox):
    for _ in range(40):
        ask_for_reset(stranger.email)
    assert ask_for_reset("olga@nowhere.example").status_code == 302


def test_sign_up_mails_to_an_address_with_an_account_are_limited_to_ten_a_minute(stranger, mailoutbox):
    form = {"email": stranger.email, "password1": "another-long-password", "password2": "another-long-password"}
    answers = [Client().post(reverse("account_signup"), form) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429] * 2
    assert len({answer.headers["Location"] for answer in answers[:10]}) == 1
    assert len(mailoutbox) == 10
