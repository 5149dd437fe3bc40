"""A refused call names in the log the person or group whose id its URL has, and is found by that name."""

import pytest
from django.db import DatabaseError

from scim.requests import queries
from scim.requests.forms import RequestFilterForm
from scim.requests.models import RequestLog
from scim.users import queries as users
from tests.scim.bodies import group_body, patch_body, user_body

BAD_PATCH = patch_body({"op": "replace", "path": "members[", "value": "x"})


@pytest.fixture
def nora(scim):
    return scim.post("/Users", user_body()).json()["id"]


@pytest.fixture
def group(scim):
    return scim.post("/Groups", group_body()).json()["id"]


def latest():
    return RequestLog.objects.order_by("-id").first()


def found(acme, text):
    return queries.list_requests(acme, RequestFilterForm({"q": text, "status": "failed"}).shown()).count()


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_refused_change_of_a_user_names_the_person_and_is_found_by_the_name(scim, acme, nora, method):
    assert scim(method, f"/Users/{nora}", {"userName": ""}).status_code == 400
    assert (latest().subject, str(latest().resource_id)) == ("nora@acme.example", nora)
    assert found(acme, "ora@ACME") == 1


def test_refused_change_of_a_group_names_the_group(scim, group):
    assert scim.patch(f"/Groups/{group}", BAD_PATCH).status_code == 400
    assert (latest().subject, str(latest().resource_id)) == (group_body()["displayName"], group)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_call_about_a_deleted_user_names_whom_the_log_knew(scim, nora, method):
    scim.delete(f"/Users/{nora}")
    assert scim(method, f"/Users/{nora}", patch_body() if method == "PATCH" else None).status_code in {400, 404}
    assert latest().subject == "nora@acme.example"


@pytest.mark.parametrize("scim_id", ["2b1c0000-0000-4000-8000-000000000000", "%00"])
def test_call_about_an_unknown_id_names_nobody(scim, scim_id):
    assert scim.get(f"/Users/{scim_id}").status_code == 404
    assert latest().subject == ""


def test_refused_call_with_a_name_in_its_body_keeps_that_name(scim, nora):
    assert scim.post("/Users", user_body()).status_code == 409
    assert latest().subject == "nora@acme.example"


def test_stranger_who_calls_with_an_id_learns_and_logs_no_name(scim, nora):
    assert scim.get(f"/Users/{nora}", Authorization="Bearer ghs_wrong").status_code == 401
    assert RequestLog.objects.count() == 1


def test_refused_call_is_answered_and_logged_when_its_name_cannot_be_read(scim, nora, monkeypatch):
    def fail(directory, scim_id):
        raise DatabaseError

    monkeypatch.setattr(users, "name_of", fail)
    assert scim.put(f"/Users/{nora}", {"userName": ""}).status_code == 400
    assert (latest().status, str(latest().resource_id)) == (400, nora)
