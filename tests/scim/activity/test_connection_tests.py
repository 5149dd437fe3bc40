"""A provider's connection test is one entry of the provisioning log, with its calls inside."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.base.clock import now
from scim.activity import queries, services
from scim.activity.models import ConnectionTest
from scim.requests.forms import RequestFilterForm
from scim.requests.models import RequestLog
from tests.factories import TokenFactory
from tests.scim.bodies import group_body, patch_body, user_body
from tests.scim.requests.rows import move

LOG = "/orgs/acme/settings/provisioning-log/"
TESTER = "tester@acme.example"
CALLS = 7


@pytest.fixture
def admin(sign_in, olga):
    return sign_in(olga)


def run_test(scim, address=TESTER):
    """Make the calls of a connection test: look, make, look, change, delete, look, look."""
    scim.get("/ServiceProviderConfig")
    scim.get(f'/Users?filter=userName eq "{address}"')
    made = scim.post("/Users", user_body(address)).json()["id"]
    scim.patch(f"/Users/{made}", patch_body({"op": "replace", "path": "title", "value": "x"}))
    scim.delete(f"/Users/{made}")
    scim.get(f"/Users/{made}")
    scim.delete(f"/Users/{made}")


def shift(by):
    """Let everything in the log be longer ago."""
    for row in RequestLog.objects.all():
        move(row, row.at - by)
    for test in ConnectionTest.objects.all():
        ConnectionTest.objects.filter(pk=test.pk).update(began_at=test.began_at - by, ended_at=test.ended_at - by)


def entries(org, **asked):
    rows = queries.list_entries(org, RequestFilterForm(asked).shown()).order_by("-id")
    return queries.fold(org, list(rows))


def steps(org, **asked):
    return [one.row.step if one.test is None else f"test of {len(one.test.calls)}" for one in entries(org, **asked)]


def test_connection_test_is_one_entry_with_its_calls_in_their_order(scim, acme):
    run_test(scim)
    [entry] = entries(acme)
    assert [call.method for call in entry.test.calls] == ["GET", "GET", "POST", "PATCH", "DELETE", "GET", "DELETE"]
    assert entry.test.failed is None


def test_calls_about_real_people_stay_beside_a_connection_test(scim, acme):
    run_test(scim)
    scim.post("/Users", user_body("nora@acme.example"))
    scim.post("/Users", user_body("nora@acme.example"))
    assert steps(acme) == ["Create user", "Create user", f"test of {CALLS}"]


def test_reads_long_before_and_after_a_connection_test_stay_beside_it(scim, acme):
    scim.get("/Users")
    shift(timedelta(minutes=2))
    run_test(scim)
    shift(timedelta(minutes=2))
    scim.get("/Groups")
    assert steps(acme) == ["List groups", f"test of {CALLS}", "List users"]


def test_calls_of_another_token_stay_beside_a_connection_test(scim, acme):
    run_test(scim)
    RequestLog.objects.filter(method="PATCH").update(token=TokenFactory(directory=scim.directory).token)
    RequestLog.objects.filter(step="Look up user").update(token=None)
    assert sorted(steps(acme)) == ["Look up user", "Update user", f"test of {CALLS - 2}"]


def test_test_with_a_user_and_a_group_is_one_entry(scim, acme):
    user = scim.post("/Users", user_body(TESTER)).json()["id"]
    group = scim.post("/Groups", group_body("Test group")).json()["id"]
    scim.delete(f"/Groups/{group}")
    scim.delete(f"/Users/{user}")
    assert steps(acme) == ["test of 4"]


def test_two_tests_with_one_address_are_two_entries(scim, acme):
    run_test(scim)
    shift(timedelta(seconds=40))
    run_test(scim)
    assert steps(acme) == [f"test of {CALLS}"] * 2


def test_two_tests_long_after_each_other_are_two_entries(scim, acme):
    run_test(scim)
    shift(timedelta(minutes=5))
    run_test(scim, "other@acme.example")
    assert steps(acme) == [f"test of {CALLS}"] * 2


def test_failed_call_of_a_test_is_named_by_its_entry(scim, acme):
    made = scim.post("/Users", user_body(TESTER)).json()["id"]
    scim.put(f"/Users/{made}", {"userName": ""})
    scim.delete(f"/Users/{made}")
    [entry] = entries(acme)
    assert (entry.test.failed.step, entry.test.failed.status) == ("Update user", 400)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "ESTER@acme"}, [f"test of {CALLS}"]),
        ({"q": "nobody"}, []),
        ({"status": "failed"}, []),
        ({"status": "404"}, ["Delete user", "Read user"]),
        ({"changes": "on"}, [f"test of {CALLS}"]),
        ({"method": "POST"}, []),
    ],
)
def test_filters_find_a_connection_test_as_one_entry(scim, acme, asked, found):
    run_test(scim)
    assert steps(acme, **asked) == found


def test_failures_of_a_test_are_found_by_the_filter_of_failures(scim, acme):
    made = scim.post("/Users", user_body(TESTER)).json()["id"]
    scim.put(f"/Users/{made}", {"userName": ""})
    scim.delete(f"/Users/{made}")
    assert steps(acme, status="failed") == ["Update user"]


def test_call_within_a_test_is_found_by_the_id_of_what_it_was_about(scim, acme):
    run_test(scim)
    resource = RequestLog.objects.get(method="PATCH").resource_id
    assert steps(acme, q=str(resource)).count("Update user") == 1


def test_test_of_another_organization_folds_nothing_here(scim, globex, acme):
    run_test(scim)
    assert entries(globex) == []


def test_old_tests_of_a_directory_are_deleted_with_the_next(scim):
    run_test(scim)
    ConnectionTest.objects.update(ended_at=now() - timedelta(days=31))
    run_test(scim)
    assert ConnectionTest.objects.count() == 1


def test_deletion_whose_token_is_gone_makes_no_entry(scim, acme):
    run_test(scim)
    deletion = RequestLog.objects.filter(method="DELETE").first()
    deletion.token_id = None
    assert services.record_connection_test(deletion=deletion) is None
    assert str(ConnectionTest.objects.get()).startswith("Connection test of 20")


def test_log_page_shows_a_passed_test_folded_and_nothing_in_it_red(scim, admin):
    run_test(scim)
    page = " ".join(admin.get(LOG).content.decode().split())
    assert f"Connection test, passed: {CALLS} calls" in page
    assert page.count(">404 not found</span>") == 2
    assert "pill-bad" not in page


def test_log_page_takes_the_same_number_of_statements_for_many_tests_as_for_one(scim, admin):
    def statements():
        with CaptureQueriesContext(connection) as captured:
            admin.get(LOG)
        return len(captured)

    run_test(scim)
    one = statements()
    for number in range(4):
        shift(timedelta(minutes=5))
        run_test(scim, f"tester{number}@acme.example")
    assert statements() == one


def test_export_has_each_call_of_a_connection_test(scim, admin):
    run_test(scim)
    lines = b"".join(admin.get(f"{LOG}export.csv")).decode().splitlines()
    assert len(lines) == CALLS + 1
