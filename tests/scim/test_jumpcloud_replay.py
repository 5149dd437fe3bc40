"""JumpCloud's Test Connection, Activate and daily work, step by step, against the real endpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from orgs.events.models import OutboxEvent
from orgs.groups.models import Group
from orgs.people.types import INVITATION_MAIL
from orgs.providers import checks
from orgs.providers.jumpcloud.connection import CONNECTION_TEST, CONNECTION_TEST_GROUPS, connection_context
from orgs.providers.steps import ScimStep, StepResult
from orgs.tenancy.models import Membership, Organization
from portal.simulator.plan import Plan, simulate
from scim.activity import queries as activity
from scim.dialects.client import ScimServer, sender
from scim.dialects.walk import Send, walk
from scim.directories.models import Directory
from scim.directories.queries import base_url, first_directory
from scim.requests.models import RequestLog
from scim.requests.types import RequestFilter
from tests.conftest import ScimClient, undone
from tests.factories import OrganizationFactory, TokenFactory

ADDRESS = "probe@acme.example"
# admins paste a base URL with a trailing slash; Entra's flag is part of the tenant URL, before or after the path
SPELLINGS = {
    "plain": "/{resource}",
    "trailing-slash": "/{resource}/",
    "double-slash": "//{resource}",
    "double-and-trailing-slash": "//{resource}/",
    "flag-after-path": "/{resource}?aadOptscim062020",
    "flag-before-path": "?aadOptscim062020/{resource}",
    "flag-with-slash": "/?aadOptscim062020/{resource}",
}


@contextmanager
def connections_kept() -> Iterator[None]:
    """The site leaves the test's connection open, as it does under Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def sender_to(directory: Directory, token: str) -> Send:
    """Sends calls to the site in process, as a WSGI server does."""
    return sender(ScimServer(base_url(directory), token), httpx.Client(transport=httpx.WSGITransport(WSGIHandler())))


@pytest.fixture
def send(scim: ScimClient) -> Iterator[Send]:
    with connections_kept():
        yield sender_to(scim.directory, scim.token)


@pytest.fixture(scope="module")
def walked(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, dict[str, StepResult]]]:
    """Both connection tests walked once, and rolled back when the module ends; each step is a test of its own below."""
    with django_db_blocker.unblock(), connections_kept(), undone():
        directory = first_directory(OrganizationFactory(slug="replayed"))
        plain = TokenFactory(directory=directory).plain
        assert plain is not None
        send = sender_to(directory, plain)
        yield {
            name: {result.step.name: result for result in walk(steps, connection_context(ADDRESS, "a1b2c3"), send)}
            for name, steps in TESTS.items()
        }


TESTS = {"groups off": CONNECTION_TEST, "groups on": CONNECTION_TEST_GROUPS}
TABLE = [pytest.param(name, step.name, id=f"{name}: {step.name}") for name, steps in TESTS.items() for step in steps]


@pytest.mark.parametrize(("name", "step"), TABLE)
def test_jumpcloud_connection_test_step_passes_without_notes(
    walked: dict[str, dict[str, StepResult]], name: str, step: str
) -> None:
    result = walked[name][step]
    assert result.passed, result.reason
    assert not result.notes


@pytest.mark.parametrize("groups", [False, True], ids=["groups off", "groups on"])
def test_jumpcloud_connection_test_run_twice_leaves_only_log_rows(send: Send, scim: ScimClient, groups: bool) -> None:
    memberships = Membership.objects.count()
    for run in ("a1b2c3", "d4e5f6"):
        steps = CONNECTION_TEST_GROUPS if groups else CONNECTION_TEST
        assert all(result.passed for result in walk(steps, connection_context(ADDRESS, run), send))
    assert Membership.objects.count() == memberships
    assert not Group.objects.exists()
    assert not OutboxEvent.objects.filter(kind=INVITATION_MAIL, canceled_at=None).exists()
    assert RequestLog.objects.filter(is_connection_test=True).count() > 20


@pytest.mark.parametrize("steps", TESTS.values(), ids=TESTS)
def test_jumpcloud_connection_test_is_one_passed_entry_of_the_log_with_all_its_calls(
    send: Send, acme: Organization, steps: tuple[ScimStep, ...]
) -> None:
    assert all(result.passed for result in walk(steps, connection_context(ADDRESS, "a1b2c3"), send))
    rows = activity.list_entries(acme, RequestFilter()).order_by("-id")
    [entry] = activity.fold(acme, list(rows))
    assert entry.test is not None
    assert (len(entry.test.calls), entry.test.failed) == (RequestLog.objects.count(), None)


def test_jumpcloud_connection_test_run_twice_is_two_entries_of_the_log(send: Send, acme: Organization) -> None:
    for run in ("a1b2c3", "d4e5f6"):
        assert all(result.passed for result in walk(CONNECTION_TEST_GROUPS, connection_context(ADDRESS, run), send))
    entries = activity.fold(acme, list(activity.list_entries(acme, RequestFilter()).order_by("-id")))
    calls = [len(entry.test.calls) for entry in entries if entry.test is not None]
    assert (len(entries), sum(calls)) == (2, RequestLog.objects.count())


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("resource", ["Users", "Groups"])
def test_a_list_is_found_at_every_spelling_of_the_base_url(send: Send, resource: str, spelling: str) -> None:
    path = SPELLINGS[spelling].replace("{resource}", resource)
    [result] = walk([ScimStep(name="list", label="List", method="GET", path=path, checks=checks.LISTED)], {}, send)
    assert result.passed, result.reason


def test_jumpcloud_activation_and_lifecycle_pass_and_leave_39_users_and_5_groups(send: Send, scim: ScimClient) -> None:
    plan = Plan(test_email=ADDRESS, groups=True, activate=True, lifecycle=True)
    failed = [result for _, result in simulate(plan, send) if not result.passed]
    assert not failed, failed[0].reason
    pushed = Membership.objects.filter(origins="scim")
    assert (pushed.count(), Group.objects.count()) == (39, 5)
    assert pushed.filter(state="suspended").count() == 1
