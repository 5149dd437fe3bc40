"""The same pages by keyboard alone, without JavaScript, in forced colors, without motion, and in the theme one prefers."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Browser, Page, expect

from orgs.tenancy.models import Organization
from portal.setup import add_domain
from scim.directories.models import ScimToken
from tests.conftest import ScimClient
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OrganizationFactory

pytestmark = pytest.mark.django_db(transaction=True)
SETTINGS = "/orgs/acme/settings/"
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
# beyond a dialog's last control the browser offers its own, never one of the page below
IN_DIALOG = "() => document.activeElement === document.body || !!document.activeElement.closest('dialog[open]')"
# the outline of what has the focus, or nothing when the keyboard has left the page
OUTLINE = (
    """() => document.activeElement === document.body ? "" : getComputedStyle(document.activeElement).outlineStyle"""
)


@pytest.fixture
def acme(transactional_db: None) -> Organization:
    return OrganizationFactory(name="Acme", slug="acme", owner_email="olga@acme.example")


@pytest.fixture
def without_script(browser: Browser, site: str) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False, base_url=site)
    page = context.new_page()
    page.set_default_timeout(8000)
    yield page
    context.close()


def sign_in(page: Page, site: str) -> None:
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("Email address").fill("olga@acme.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Authentication & SSO")


def test_first_tab_stop_skips_the_side_bar(watched: Page, site: str, acme: Organization) -> None:
    sign_in(watched, site)
    watched.keyboard.press("Tab")
    expect(watched.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    watched.keyboard.press("Enter")
    expect(watched.locator("#main")).to_be_focused()


def test_account_menu_opens_by_enter_and_returns_focus_on_escape(watched: Page, site: str, acme: Organization) -> None:
    sign_in(watched, site)
    opener = watched.get_by_label("Account menu of")
    opener.focus()
    watched.keyboard.press("Enter")
    watched.keyboard.press("Tab")
    expect(watched.get_by_role("link", name="Organization settings").last).to_be_focused()
    watched.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(watched.get_by_role("button", name="Sign out")).to_be_hidden()


def test_dialog_keeps_focus_inside_and_returns_it_on_escape(watched: Page, site: str, acme: Organization) -> None:
    EmailAddress.objects.create(user=acme.memberships.get().user, email="second@acme.example")
    sign_in(watched, site)
    watched.goto(f"{site}/accounts/email/")
    opener = watched.get_by_role("button", name="Remove second@acme.example")
    opener.focus()
    watched.keyboard.press("Enter")
    for _ in range(6):
        assert watched.evaluate(IN_DIALOG)
        watched.keyboard.press("Tab")
    watched.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_the_side_bar_of_a_phone_opens_and_closes_by_keyboard(watched: Page, site: str, acme: Organization) -> None:
    sign_in(watched, site)
    watched.set_viewport_size({"width": 390, "height": 800})
    opener = watched.get_by_role("button", name="Menu", exact=True)
    opener.focus()
    watched.keyboard.press("Enter")
    expect(watched.get_by_role("link", name="Members")).to_be_visible()
    watched.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_a_domain_is_removed_by_any_spelling_that_the_form_accepts(
    watched: Page, site: str, acme: Organization
) -> None:
    domain = add_domain(org=acme, name="bücher.example", verified=True, actor=ACTOR)
    sign_in(watched, site)
    watched.goto(f"{site}{SETTINGS}domains/{domain.public_id}/remove/")
    button, field = watched.get_by_role("button", name="Remove domain"), watched.get_by_label("to confirm")
    for typed in ("", "bucher.example", "bücher.example.evil", "bücher.example/"):
        field.fill(typed)
        expect(button).to_be_disabled()
    for typed in ("xn--bcher-kva.example", " XN--bcher-KVA.example. ", "bücher.example", " BÜCHER.Example"):
        field.fill(typed)
        expect(button).to_be_enabled()
    button.click()
    expect(watched.get_by_text("is removed")).to_be_visible()


def test_tab_stops_have_a_visible_focus_outline(watched: Page, site: str, acme: Organization) -> None:
    sign_in(watched, site)
    watched.keyboard.press("Tab")
    stops = 0
    while outline := watched.evaluate(OUTLINE):
        assert outline != "none"
        expect(watched.locator(":focus")).to_be_in_viewport()
        watched.keyboard.press("Tab")
        stops += 1
    assert stops > 12


def test_a_token_is_generated_and_revoked_without_javascript(
    without_script: Page, site: str, acme: Organization
) -> None:
    page = without_script
    sign_in(page, site)
    page.get_by_role("link", name="Generate token").click()
    page.get_by_label("Name").fill("JumpCloud")
    page.get_by_role("button", name="Generate token").click()
    assert page.locator("#token").inner_text().startswith("ghs_")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("button", name="I saved it").click()
    page.get_by_role("link", name="Revoke JumpCloud").click()
    page.get_by_role("button", name="Revoke token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Authentication & SSO")
    assert ScimToken.objects.get().revoked_at is not None


def test_members_are_searched_and_paged_without_javascript(without_script: Page, site: str, acme: Organization) -> None:
    for _ in range(51):
        MembershipFactory(org=acme)
    page = without_script
    sign_in(page, site)
    page.goto(f"{site}{SETTINGS}members/")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("51–52 of 52")).to_be_visible()
    page.get_by_label("Search by name or address").fill("olga@")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("row")).to_have_count(2)


def test_provisioning_log_shows_the_details_of_a_call_without_javascript(
    without_script: Page, site: str, acme: Organization, scim: ScimClient
) -> None:
    scim.get("/Users/nobody")
    sign_in(without_script, site)
    without_script.goto(f"{site}{SETTINGS}provisioning-log/")
    without_script.get_by_text("Read user").first.click()
    expect(without_script.get_by_text("isn’t here, or not any more")).to_be_visible()


@pytest.mark.parametrize("preference", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}])
def test_states_are_shown_in_words_with_forced_colors_and_reduced_motion(
    watched: Page, site: str, acme: Organization, preference: dict[str, Any]
) -> None:
    watched.emulate_media(**preference)
    sign_in(watched, site)
    strip = watched.get_by_label("Health")
    expect(strip.get_by_text("Not connected")).to_be_visible()
    expect(watched.locator(".nav-link[aria-current=page]")).to_have_text("Authentication & SSO")
    assert watched.evaluate("document.getAnimations().length") == 0


def test_current_page_in_the_side_bar_has_a_border_in_forced_colors(
    watched: Page, site: str, acme: Organization
) -> None:
    watched.emulate_media(forced_colors="active")
    sign_in(watched, site)
    expect(watched.locator(".nav-link[aria-current=page]")).to_have_css("border-top-style", "solid")


def test_the_theme_follows_the_system_until_one_is_chosen(watched: Page, site: str, acme: Organization) -> None:
    watched.emulate_media(color_scheme="light")
    sign_in(watched, site)
    light = watched.evaluate(BACKGROUND)
    watched.emulate_media(color_scheme="dark")
    dark = watched.evaluate(BACKGROUND)
    assert dark != light
    watched.get_by_role("button", name="Switch between light and dark theme").click()
    watched.goto(f"{site}{SETTINGS}members/")
    assert watched.evaluate(BACKGROUND) == light


def test_chosen_theme_is_set_before_the_first_paint(watched: Page, site: str, acme: Organization) -> None:
    sign_in(watched, site)
    watched.get_by_role("button", name="Switch between light and dark theme").click()
    watched.add_init_script(
        "new MutationObserver(() => { window.themeAtBody ??= document.body && document.documentElement.dataset.theme })"
        ".observe(document, {childList: true, subtree: true})"
    )
    watched.reload()
    assert watched.evaluate("window.themeAtBody") == "dark"


def test_a_double_click_sends_a_form_once(watched: Page, site: str, acme: Organization) -> None:
    sign_in(watched, site)
    watched.goto(f"{site}{SETTINGS}authentication/connections/new/")
    watched.get_by_label("Connection name").fill("Twice")
    # both before the answer to the first has come
    passed_on = watched.locator("main form").evaluate(
        """form => [1, 2].map(() => {
          const event = new SubmitEvent("submit", {bubbles: true, cancelable: true});
          return form.dispatchEvent(event);
        })"""
    )
    assert passed_on == [True, False]
