"""Signing up in a real browser, by the code that is mailed."""

from typing import Any

from playwright.sync_api import Browser, expect

from orgs.tenancy.queries import account_for_address
from tests.factories import PASSWORD
from tests.portal.verification.codes import code_in, last_mail

NORA = "nora@people.example"


def test_a_sign_up_by_code_needs_no_javascript(site: str, browser: Browser, db: Any) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.set_default_timeout(8000)
    page.goto(f"{site}/accounts/signup/?next=/accounts/email/")
    page.get_by_label("Email address").fill(NORA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Type the code from your mailbox")
    page.get_by_label("Code").fill("WRONG-CODE")
    page.get_by_role("button", name="Verify address").click()
    expect(page.get_by_role("main")).to_contain_text("This code is wrong")
    page.get_by_role("button", name="Send a new code").click()
    page.get_by_label("Code").fill(code_in(last_mail()).lower().replace("-", " "))
    page.get_by_role("button", name="Verify address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Email addresses")
    assert account_for_address(NORA) is not None
    context.close()
