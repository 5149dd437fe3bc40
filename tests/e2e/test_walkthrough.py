"""From sign-in to an activated JumpCloud, as an org admin does it: the walkthrough A to I on real sockets."""

from typing import Any

import httpx
import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from orgs.groups.models import Group
from orgs.providers.jumpcloud.changes import deactivate_person, lifecycle
from orgs.providers.jumpcloud.connection import CONNECTION_TEST, CONNECTION_TEST_GROUPS, connection_context
from orgs.providers.jumpcloud.push import activate
from orgs.tenancy.models import Membership, Organization
from portal.setup import add_domain
from portal.simulator.plan import Plan
from scim.dialects.client import ScimServer, new_client, sender
from scim.dialects.walk import Send, walk
from scim.directories.queries import base_url, first_directory
from tests.e2e.conftest import assert_accessible, assert_fits
from tests.factories import ACTOR, PASSWORD, OrganizationFactory, TokenFactory

pytestmark = pytest.mark.django_db(transaction=True)
PLAN = Plan(test_email="probe@acme.example", groups=True)


@pytest.fixture
def acme(transactional_db: None) -> Organization:
    org = OrganizationFactory(name="Acme", slug="acme", owner_email="olga@acme.example")
    add_domain(org=org, name="acme.example", verified=True, actor=ACTOR)
    return org


def sign_in(page: Page, site: str, email: str) -> None:
    page.goto(site)
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def jump_cloud(base_url: str, token: str) -> Send:
    return sender(ScimServer(base_url, token), new_client())


def assert_passes(steps: Any, context: Any, send: Send) -> None:
    failed = [result for result in walk(steps, context, send) if not result.passed]
    assert not failed, f"{failed[0].step.label}: {failed[0].reason}"


def copied(page: Page, label: str) -> str:
    """Press Copy beside a value, see that the button says so, and return the clipboard."""
    page.get_by_role("button", name=f"Copy {label}").first.click()
    expect(page.locator("#sr-status")).to_have_text(f"{label} copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def look(page: Page) -> None:
    assert_accessible(page)
    assert_fits(page)


def open_settings(page: Page, site: str) -> str:
    """A to C: sign in, open the settings from the account menu, see that nothing is set up, copy the Base URL."""
    sign_in(page, site, "olga@acme.example")
    page.get_by_label("Account menu of").click()
    page.get_by_role("link", name="Organization settings").last.click()
    expect(page.get_by_role("heading", name="Authentication & SSO", level=1)).to_be_visible()
    expect(page.get_by_text("Not set up").first).to_be_visible()
    expect(page.get_by_text("Not connected")).to_be_visible()
    look(page)
    return copied(page, "Base URL")


def generate_token(page: Page) -> str:
    """D and E: the token is shown once, beside JumpCloud's own words in JumpCloud's order."""
    page.get_by_role("link", name="Generate token").first.click()
    page.get_by_label("Name").fill("JumpCloud production")
    look(page)
    page.get_by_role("button", name="Generate token").click()
    token = copied(page, "Bearer token")
    assert token.startswith("ghs_")
    look(page)
    steps = page.get_by_role("list").filter(has_text="Token Key").first.inner_text()
    words = [
        "Identity Management",
        "SCIM 2.0",
        "Base URL",
        "Token Key",
        "Test User Email",
        "Test Connection",
        "Activate",
    ]
    places = [steps.index(word) for word in words]
    assert places == sorted(places)
    page.get_by_role("button", name="I saved it").click()
    assert token not in page.content()
    return token


def see_first_request(page: Page, send: Send) -> None:
    """F: the pill turns green by itself and shows the first request."""
    expect(page.get_by_text("Waiting for the first request")).to_be_visible()
    assert_passes(CONNECTION_TEST[:1], connection_context(PLAN.test_email, "a1b2c3"), send)
    expect(page.get_by_text("Receiving requests")).to_be_visible()
    expect(page.get_by_role("link", name="List users").first).to_be_visible()


def run_connection_tests(page: Page, send: Send) -> None:
    """G: JumpCloud's test, twice with one address, groups off and on, leaves nothing but its log."""
    for run, test in enumerate([CONNECTION_TEST, CONNECTION_TEST_GROUPS] * 2):
        assert_passes(test, connection_context(PLAN.test_email, f"a1b2c{run}"), send)
    assert Membership.objects.count() == 1
    page.get_by_role("link", name="Provisioning log", exact=True).click()
    expect(page.get_by_text("Connection test, passed").first).to_be_visible()
    look(page)


def see_people_arrive(page: Page, send: Send) -> None:
    """H: forty people and five groups."""
    assert_passes(activate(PLAN.pushed_people(), PLAN.pushed_groups()), {}, send)
    for name, count in (("Members", 40), ("Groups", 5)):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("row").filter(has_text="SCIM")).to_have_count(count)
        look(page)


def see_people_change(page: Page, send: Send) -> None:
    """I: one is renamed, one leaves a group, a group is renamed, one is suspended, one comes back, one is deleted."""
    assert_passes(lifecycle(PLAN.pushed_people(), PLAN.pushed_groups()), {}, send)
    renamed, suspended = PLAN.pushed_people()[0], PLAN.pushed_people()[2]
    assert Membership.objects.filter(origins="scim").count() == 39
    page.reload()
    expect(page.get_by_text("and friends")).to_be_visible()
    page.get_by_role("link", name="Members", exact=True).click()
    page.get_by_label("Search by name or address").fill(suspended.user_name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text=suspended.user_name)).to_contain_text("Suspended")
    assert Membership.objects.get(email=renamed.user_name).display_name != f"{renamed.given_name} {renamed.family_name}"
    assert Group.objects.filter(name__endswith="and friends").count() == 1


def test_admin_connects_jumpcloud_and_sees_people_arrive_and_change(
    watched: Page, site: str, acme: Organization
) -> None:
    address = open_settings(watched, site)
    send = jump_cloud(address, generate_token(watched))
    see_first_request(watched, send)
    run_connection_tests(watched, send)
    see_people_arrive(watched, send)
    see_people_change(watched, send)


def test_an_inactive_persons_open_session_is_refused_at_its_next_request(
    watched: Page, site: str, acme: Organization
) -> None:
    directory = first_directory(acme)
    token = TokenFactory(directory=directory).plain
    assert token is not None
    people = PLAN.pushed_people()[:3]
    send = jump_cloud(base_url(directory), token)
    assert_passes(activate(people, ()), {}, send)
    account = Membership.objects.get(email=people[2].user_name).user
    assert account is not None
    account.set_password(PASSWORD)
    account.save()
    sign_in(watched, site, people[2].user_name)
    expect(watched.get_by_role("heading", name="Acme")).to_be_visible()
    assert_passes(deactivate_person(people[2]), {}, send)
    watched.reload()
    expect(watched.get_by_role("heading", name="Sign in")).to_be_visible()
    cookies = {cookie["name"]: cookie["value"] for cookie in watched.context.cookies()}
    assert httpx.get(f"{site}/api/v1/me", cookies=cookies).status_code == 401


def test_simulate_jumpcloud_passes_against_the_running_site(site: str, acme: Organization, capsys: Any) -> None:
    directory = first_directory(acme)
    token = TokenFactory(directory=directory).plain
    options = ["--base-url", base_url(directory), "--token", token, "--test-email", "probe@acme.example"]
    call_command("simulate_jumpcloud", *options, "--groups", "--twice")
    shown = capsys.readouterr().out
    assert "steps passed" in shown
    assert token not in shown
