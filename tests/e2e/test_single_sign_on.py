"""From Set up SSO to people who sign in: the walkthrough A to K, with the IdP in a process and on a site of its own.

The portal is on localhost and the IdP on 127.0.0.1, so that SameSite and form-action are what they are in life.
"""

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from orgs.domains.models import Domain
from orgs.providers.jumpcloud.connection import CONNECTION_TEST_GROUPS, connection_context
from orgs.providers.jumpcloud.push import activate
from orgs.tenancy.models import Membership, Organization
from portal.setup import NewConnection, add_domain, create_connection
from portal.simulator.plan import Plan
from sandbox.processes import Family
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.metadata import build_metadata
from sandbox.test_idp.state import save_app, save_people
from sandbox.test_idp.types import App, IdpPerson
from sso.attempts.models import LoginAttempt
from sso.connections.models import Connection
from sso.connections.queries import addresses
from sso.connections.types import SignInRules
from tests.e2e.test_walkthrough import assert_passes, copied, jump_cloud, look, sign_in
from tests.factories import ACTOR, OrganizationFactory

pytestmark = pytest.mark.django_db(transaction=True)
OLGA = "olga@acme.example"
PUSHED = Plan(test_email="probe@acme.example", groups=True).pushed_people()
PERSON = PUSHED[0]
LABELS = ("IdP Entity ID", "SP Entity ID", "ACS URL", "Subject Name", "Name ID format", "Login URL")


@pytest.fixture(scope="module")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    # a color that is still fading has neither theme's contrast
    return {**browser_context_args, "reduced_motion": "reduce"}


@pytest.fixture
def acme(transactional_db: None) -> Organization:
    return OrganizationFactory(name="Acme", slug="acme", owner_email=OLGA)


@pytest.fixture
def idp(tmp_path: Path, settings: Any) -> Iterator[str]:
    """The test IdP's address; its DNS page is the DNS that the portal asks."""
    settings.TXT_LOOKUP, settings.TEST_IDP_FOLDER = "sandbox.dns.lookup_txt", tmp_path
    people = [IdpPerson(one.user_name, one.given_name, one.family_name) for one in PUSHED[:3]]
    save_people(tmp_path, [IdpPerson(OLGA, "Olga", "Owner"), *people])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sandbox.test_idp", "--port", str(port), "--folder", str(tmp_path)]
    with Family() as family:
        root = Path(__file__).resolve().parents[2]
        child = family.start("idp", command, log=tmp_path / "log", cwd=root)
        url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                httpx.get(url, trust_env=False)
                break
            except httpx.TransportError:
                assert not child.has_ended, child.last_words()
        yield url


@pytest.fixture
def visitor(browser: Browser, browser_context_args: dict[str, Any], watched: Page) -> Iterator[Page]:
    """Another person's browser."""
    context = browser.new_context(**browser_context_args)
    page = context.new_page()
    page.set_default_timeout(8000)
    yield page
    context.close()


def begin(page: Page, site: str) -> None:
    """A and B: Set up SSO, a name, the tile of JumpCloud."""
    sign_in(page, site, OLGA)
    expect(page.get_by_role("heading", name="Authentication & SSO", level=1)).to_be_visible()
    page.get_by_role("link", name="Set up SSO").click()
    look(page)
    page.get_by_label("Connection name").fill("JumpCloud")
    page.get_by_role("button", name="Add new connection").click()
    look(page)
    page.get_by_text("Microsoft Entra ID").click()
    page.get_by_role("radio", name="JumpCloud").check()
    page.get_by_role("button", name="Continue").click()


def copy_values(page: Page) -> dict[str, str]:
    """C: every value is copied whole, in the order of JumpCloud's form."""
    expect(page.get_by_role("heading", name="Copy these into JumpCloud")).to_be_visible()
    look(page)
    form = page.get_by_role("region", name="Copy the values into its form")
    shown = form.locator(".copybtn").evaluate_all("all => all.map(one => one.dataset.label)")
    assert shown[: len(LABELS)] == list(LABELS)
    values = {label: copied(page, label) for label in LABELS}
    assert values["Subject Name"] == "email"
    for label, value in values.items():
        assert form.locator(".copied-value").nth(LABELS.index(label)).inner_text() == value
    return values


def make_app(page: Page, idp: str, values: dict[str, str]) -> str:
    """In the IdP's console: an app like JumpCloud's, with the values pasted in. Returns its metadata URL."""
    page.goto(f"{idp}/apps/new")
    page.get_by_label("Display Label").fill("Acme Gatehouse")
    for label in ("IdP Entity ID", "SP Entity ID", "ACS URL", "Login URL"):
        page.get_by_label(label, exact=True).fill(values[label])
    page.get_by_role("button", name="Add app").click()
    return page.locator("dd.value").first.inner_text()


def add_attributes(page: Page) -> None:
    """D: the exact names, each with the field that it fills."""
    page.get_by_role("button", name="Continue to attributes").click()
    look(page)
    rows = page.get_by_role("row").filter(has=page.get_by_role("rowheader")).all_inner_texts()
    assert [row.split()[0] for row in rows] == ["Email", "First", "Last"]
    assert copied(page, "firstname") == "firstname"
    page.get_by_role("button", name="Continue to metadata").click()


def bring_metadata(page: Page, url: str, values: dict[str, str]) -> None:
    """E: what is no metadata is refused at the field; what was read is shown before it is used."""
    page.get_by_label("Metadata URL").fill(url.replace("/metadata", "/nothing"))
    page.get_by_role("button", name="Read metadata").click()
    expect(page.get_by_label("Metadata URL")).to_have_attribute("aria-invalid", "true")
    look(page)
    page.get_by_label("Metadata URL").fill(url)
    page.get_by_role("button", name="Read metadata").click()
    expect(page.get_by_role("heading", name="Is this the right identity provider?")).to_be_visible()
    for text in (values["IdP Entity ID"], "HTTP-Redirect", "HTTP-POST", "SHA-256", "Ends on"):
        expect(page.get_by_text(text).first).to_be_visible()
    look(page)
    page.get_by_role("button", name="Use this metadata").click()


def prove_domain(page: Page, console: Page, idp: str) -> None:
    """F: the TXT record; a look at DNS before it is there, and one behind it."""
    page.get_by_role("textbox", name="Domain").fill("acme.example")
    page.get_by_role("button", name="Add domain").click()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Pending").first).to_be_visible()
    look(page)
    values = page.locator(".copied-value").all_inner_texts()
    console.goto(f"{idp}/dns")
    console.get_by_label("Name").fill(values[0])
    console.get_by_label("Value").fill(values[1])
    console.get_by_role("button", name="Publish record").click()
    # a person takes longer than this browser to get there
    Domain.objects.update(last_checked_at=None)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Verified").first).to_be_visible()
    look(page)
    page.get_by_role("button", name="Continue to review").click()


def create(page: Page) -> None:
    """G: what will hold, on one page; then the connection exists, and its switch is locked."""
    expect(page.get_by_role("main").get_by_text("acme.example", exact=True)).to_be_visible()
    look(page)
    page.get_by_role("button", name="Create connection").click()
    expect(page.get_by_role("button", name="Turn on")).to_be_disabled()
    expect(page.get_by_text("Locked until a test")).to_be_visible()
    look(page)


def answer(page: Page, who: str, fault: str = "none") -> None:
    """At the IdP: sign in as this person, and answer with this fault."""
    page.get_by_label("Sign in as").select_option(who)
    page.get_by_label("What is wrong with the response").select_option(fault)
    page.get_by_role("button", name="Sign in", exact=True).click()


def run_test(page: Page, fault: str = "none") -> Page:
    """H: in a new tab; the admin's own tab shows the status by itself. Returns the new tab."""
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Test sign-in").or_(page.get_by_role("button", name="Test again")).click()
    tab = opened.value
    tab.set_default_timeout(8000)
    answer(tab, OLGA, fault)
    expect(tab.get_by_role("heading", name="Test sign-in of “JumpCloud”")).to_be_visible()
    return tab


def try_it(page: Page) -> None:
    """H and I: a test that fails says what to change; one that passes unlocks the switch; then it is on."""
    tab = run_test(page, "wrong-audience")
    expect(tab.get_by_text("What to change in JumpCloud")).to_be_visible()
    look(tab)
    tab.close()
    page.reload()
    expect(page.get_by_role("button", name="Turn on")).to_be_disabled()
    tab = run_test(page)
    expect(tab.get_by_text("This person would be signed in")).to_be_visible()
    expect(tab.get_by_text("from firstname")).to_be_visible()
    look(tab)
    tab.close()
    page.reload()
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("is on. People can sign in")).to_be_visible()
    look(page)


def connect_directory(page: Page) -> None:
    """J: Base URL and token from the connection's page; JumpCloud's test and activation pass."""
    base_url = copied(page, "SCIM Base URL")
    page.get_by_role("link", name="Generate bearer token").click()
    page.get_by_label("Name", exact=True).fill("JumpCloud")
    page.get_by_role("button", name="Generate token").click()
    send = jump_cloud(base_url, copied(page, "Bearer token"))
    context = connection_context("probe@acme.example", "a1b2c3")
    assert_passes(CONNECTION_TEST_GROUPS, context, send)
    assert_passes(activate(PUSHED[:3], ()), {}, send)


def expect_signed_in(page: Page, site: str) -> None:
    expect(page.get_by_role("heading", name="Acme")).to_be_visible()
    expect(page.get_by_label(f"Account menu of {PERSON.user_name}")).to_be_visible()
    page.context.clear_cookies(domain="localhost")
    page.goto(site)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def come_in_by_address(page: Page, site: str) -> None:
    """K: by e-mail on our page."""
    page.goto(site)
    page.get_by_role("link", name="Continue with single sign-on").click()
    look(page)
    page.get_by_label("Work email address").fill(PERSON.user_name)
    page.get_by_role("button", name="Continue").click()
    answer(page, PERSON.user_name)
    expect_signed_in(page, site)


def come_in_by_login_url(page: Page, site: str) -> None:
    """K: by the Login URL."""
    page.goto(f"{site}/saml/{Connection.objects.get().public_id}/login")
    answer(page, PERSON.user_name)
    expect_signed_in(page, site)


def come_in_by_tile(page: Page, site: str, idp: str, admin: Page) -> None:
    """K: by the IdP's tile; off, a fresh sign-in of ours begins; on, it goes directly."""
    page.goto(idp)
    page.get_by_role("link", name="Open Acme Gatehouse").click()
    answer(page, PERSON.user_name)
    # the discarded answer has brought them back to the IdP, asked by us this time
    answer(page, PERSON.user_name)
    expect_signed_in(page, site)
    admin.goto(f"{site}/orgs/acme/settings/authentication/connections/{Connection.objects.get().public_id}/")
    admin.get_by_label("Let the identity provider begin sign-ins").check()
    admin.get_by_role("button", name="Save rules").click()
    page.goto(idp)
    page.get_by_role("link", name="Open Acme Gatehouse").click()
    answer(page, PERSON.user_name)
    expect_signed_in(page, site)


def see_the_log(page: Page, visitor: Page, site: str) -> None:
    """Somebody is refused: they see a code, and the admin finds by it what was wrong."""
    visitor.goto(f"{site}/saml/{Connection.objects.get().public_id}/login")
    answer(visitor, PERSON.user_name, "wrong-recipient")
    expect(visitor.get_by_role("heading", name="Single sign-on didn’t work")).to_be_visible()
    look(visitor)
    code = visitor.locator("#attempt-code").inner_text()
    page.get_by_role("link", name="Sign-in log").first.click()
    look(page)
    page.get_by_label("Search by email, code or request ID").fill(code)
    page.keyboard.press("Enter")
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_text("What to change in JumpCloud")).to_be_visible()
    expect(page.get_by_text("https://other-app.example/saml").first).to_be_visible()
    look(page)


def test_an_admin_connects_jumpcloud_and_people_sign_in(
    watched: Page, visitor: Page, site: str, idp: str, acme: Organization
) -> None:
    begin(watched, site)
    values = copy_values(watched)
    url = make_app(visitor, idp, values)
    add_attributes(watched)
    bring_metadata(watched, url, values)
    prove_domain(watched, visitor, idp)
    create(watched)
    try_it(watched)
    connect_directory(watched)
    come_in_by_address(visitor, site)
    come_in_by_login_url(visitor, site)
    come_in_by_tile(visitor, site, idp, watched)
    see_the_log(watched, visitor, site)
    assert Membership.objects.get(email=PERSON.user_name).last_sign_in_at is not None
    assert LoginAttempt.objects.filter(outcome="signed_in").count() == 4


def come_back(page: Page, site: str, idp: str, form: str) -> None:
    """Back on the IdP's page, which a browser shows again from its cache, the form is sent again: once signed in, once not."""
    page.route(f"{idp}/kept", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto(f"{idp}/kept")
    page.get_by_role("button", name="Continue to Acme").click()
    page.wait_for_url(f"{site}/orgs/acme/**")
    page.context.clear_cookies(domain="localhost")
    page.goto(f"{idp}/kept")
    page.get_by_role("button", name="Continue to Acme").click()
    expect(page.get_by_text("This sign-in was used already")).to_be_visible()
    assert LoginAttempt.objects.filter(error="assertion_replayed").count() == 2


@pytest.mark.parametrize("has_script", [True, False], ids=["with a script", "without"])
def test_sign_in_by_post_binding_goes_through_the_continue_page_with_and_without_javascript(
    browser: Browser, watched: Page, site: str, idp: str, acme: Organization, tmp_path: Path, has_script: bool
) -> None:
    """The one page whose form leaves the site; without a script its button does what the script does."""
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    app = App("acme", "Acme", "urn:acme", "", "", declares_redirect=False)
    document = build_metadata(app, f"{idp}/apps/acme/sso", ensure_keys(tmp_path).signing.certificate)
    order = NewConnection("JumpCloud", "jumpcloud", SignInRules(), document, turn_on=True)
    ours = addresses(create_connection(org=acme, order=order, actor=ACTOR))
    save_app(tmp_path, replace(app, sp_entity_id=ours.sp_entity_id, acs_url=ours.acs_url))
    page = browser.new_context(java_script_enabled=has_script).new_page()
    page.goto(ours.login_url)
    if not has_script:
        page.get_by_role("button", name="Continue to JumpCloud").click()
    answer(page, OLGA)
    if not has_script:
        form = page.content()
        page.get_by_role("button", name="Continue to Acme").click()
    page.wait_for_url(f"{site}/orgs/acme/**")
    if not has_script:
        come_back(page, site, idp, form)
    page.context.close()
