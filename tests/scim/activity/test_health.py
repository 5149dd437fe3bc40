"""The health card says what the calls with a live token show; what strangers send changes no state."""

from datetime import timedelta

import pytest
from django.test import Client

from orgs.base.clock import now
from scim.activity import queries
from scim.activity.types import Health
from scim.directories.services import revoke_token
from scim.requests import services
from scim.requests.types import LoggedRequest, LoggedResponse
from tests.factories import ACTOR, TokenFactory
from tests.scim.requests.rows import move

LOG = "/orgs/acme/settings/provisioning-log/"


@pytest.fixture
def token(acme_directory):
    return TokenFactory(directory=acme_directory).token


@pytest.fixture
def admin(sign_in, olga):
    return sign_in(olga)


@pytest.fixture
def call(acme_directory, token):
    """Log a call of so long ago."""

    def write(ago=timedelta(0), method="GET", status=200, user_agent="", **answer):
        row = services.record(
            org_id=acme_directory.org_id,
            directory_id=acme_directory.pk,
            token_id=token.pk,
            call=LoggedRequest(method=method, path="/Users", user_agent=user_agent),
            answer=LoggedResponse(status=status, **answer),
        )
        if ago:
            move(row, row.at - ago)
        return row

    return write


def stranger(directory):
    Client().get(f"/scim/v2/{directory.public_id}/Users", headers={"Authorization": "Bearer ghs_wrong"})


def test_directory_without_a_live_token_is_not_connected(acme_directory, token, call):
    call()
    revoke_token(token=token, actor=ACTOR)
    assert queries.health(acme_directory).health == Health.NO_TOKEN


def test_directory_with_a_token_and_no_call_was_never_called(acme_directory, token):
    assert queries.health(acme_directory).health == Health.NEVER_CALLED


@pytest.mark.parametrize("calls", [0, 1])
def test_calls_with_a_wrong_token_are_counted_and_change_no_state(acme_directory, token, call, calls):
    for _ in range(calls):
        call(timedelta(minutes=5))
    before = queries.health(acme_directory).health
    for _ in range(3):
        stranger(acme_directory)
    after = queries.health(acme_directory)
    assert (after.health, after.refused.count) == (before, 3)


def test_failing_newest_call_is_named_with_its_place_among_the_calls_of_that_work(acme_directory, call):
    call(timedelta(hours=2))
    for seconds in (90, 60, 30):
        call(timedelta(seconds=seconds))
    failed = call(method="PATCH", status=400)
    found = queries.health(acme_directory)
    assert (found.health, found.failed, found.step) == (Health.FAILED, failed, 4)


@pytest.mark.parametrize(("method", "status"), [("GET", 404), ("DELETE", 404), ("PATCH", 204)])
def test_newest_call_that_found_nothing_is_no_failure(acme_directory, call, method, status):
    call(method=method, status=status)
    assert queries.health(acme_directory).health == Health.HEALTHY


@pytest.mark.parametrize(("method", "status"), [("PATCH", 404), ("POST", 409), ("GET", 500), ("GET", 400)])
def test_newest_call_that_was_refused_is_a_failure(acme_directory, call, method, status):
    call(method=method, status=status)
    assert queries.health(acme_directory).health == Health.FAILED


def test_directory_is_healthy_since_the_first_call_after_the_last_failure(acme_directory, call):
    call(timedelta(hours=3))
    call(timedelta(hours=2), method="POST", status=409)
    first = call(timedelta(hours=1))
    call()
    assert queries.health(acme_directory).since == first.at


def test_directory_that_never_failed_is_healthy_since_its_first_call(acme_directory, call):
    first = call(timedelta(hours=3))
    call(method="GET", status=404)
    assert queries.health(acme_directory).since == first.at


HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("agent", "ago", "state"),
    [
        ("", [23 * HOURS], Health.HEALTHY),
        ("", [25 * HOURS], Health.SILENT),
        # it has paused for three days before
        ("", [200 * HOURS, 128 * HOURS, 100 * HOURS], Health.HEALTHY),
        ("", [300 * HOURS, 228 * HOURS, 150 * HOURS], Health.HEALTHY),
        ("", [400 * HOURS, 328 * HOURS, 157 * HOURS], Health.HEALTHY),
        ("", [160 * HOURS, 150 * HOURS], Health.SILENT),
        # it calls every 40 minutes
        ("azure", [1.9 * HOURS], Health.HEALTHY),
        ("azure", [2.1 * HOURS], Health.SILENT),
    ],
)
def test_directory_is_silent_after_more_than_the_usual_pause_of_its_provider(acme_directory, call, agent, ago, state):
    latest = [call(each, user_agent=agent) for each in ago][-1]
    found = queries.health(acme_directory)
    assert (found.health, found.latest) == (state, latest)


def test_health_takes_no_more_statements_for_many_calls(acme_directory, call, django_assert_max_num_queries):
    for minutes in range(60, 0, -1):
        call(timedelta(minutes=minutes))
    with django_assert_max_num_queries(5):
        queries.health(acme_directory)


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ([], "Never called"),
        ([(timedelta(0), {})], "Healthy since"),
        ([(timedelta(days=3), {})], "Silent since"),
        ([(timedelta(0), {"method": "POST", "status": 409})], "Failed at step 1"),
    ],
)
def test_log_page_says_how_provisioning_is_doing(admin, call, calls, words):
    for ago, answer in calls:
        call(ago, **answer)
    assert words in admin.get(LOG).content.decode()


def test_log_page_without_a_token_leads_to_where_one_is_made(admin, acme_directory):
    page = admin.get(LOG).content.decode()
    assert "Not connected" in page
    assert "/tokens/new/" in page


def test_log_page_counts_calls_with_a_wrong_token_and_does_not_list_them(admin, acme_directory, token):
    stranger(acme_directory)
    stranger(acme_directory)
    page = admin.get(LOG)
    assert "Wrong token: 2 refused calls" in page.content.decode()
    assert list(page.context["entries"]) == []


@pytest.mark.parametrize("count", [0, 3])
def test_days_count_changes_and_failures_of_fourteen_days(acme_directory, acme, call, count):
    for _ in range(count):
        call(method="POST", status=201)
        call(method="PATCH", status=400)
        call(status=404)
        call()
    call(timedelta(days=2), method="DELETE", status=204)
    call(timedelta(days=20), method="DELETE", status=204)
    days = queries.count_days(acme)
    assert [(one.changes, one.failures) for one in days[-3:]] == [(1, 0), (0, 0), (count, 2 * count)]
    assert (len(days), days[-1].day, sum(one.changes for one in days)) == (14, now().date(), count + 1)


def test_days_are_counted_in_one_statement_up_to_a_bound(acme, call, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(queries, "COUNTED_A_DAY", 2)
    for _ in range(5):
        call(method="POST", status=201)
    with django_assert_num_queries(1):
        assert queries.count_days(acme)[-1].changes == 2


def test_bars_of_days_are_as_high_as_their_counts_in_proportion(acme, call):
    for _ in range(4):
        call(method="POST", status=201)
    call(method="POST", status=409)
    [*_, today] = queries.count_days(acme)
    assert (today.change_height, today.failure_height, today.change_top) == (48, 12, 2)


def test_days_do_not_count_another_organizations_calls(globex, call):
    call(method="POST", status=201)
    assert sum(one.changes for one in queries.count_days(globex)) == 0
