"""The provisioning log keeps what an admin needs and hides what it must not keep."""

import json
from datetime import datetime, timedelta

import pytest

from orgs.base.clock import now
from scim.directories.queries import first_directory
from scim.requests import queries, services, tasks
from scim.requests.forms import RequestFilterForm
from scim.requests.models import RefusedCalls, RequestLog
from scim.requests.types import BODY_KEPT, LoggedRequest, LoggedResponse, RequestFilter
from tests.factories import TokenFactory
from tests.scim.bodies import ENTERPRISE_SCHEMA, USER_SCHEMA, patch_body, user_body
from tests.scim.requests.rows import move

CANARY = "canary-7f3a"
REQUEST = "0123456789abcdef" * 2
ID = "c1e9a3f2-5d0b-4a7e-9f3c-1b2d3e4f5a6b"


def kept(body):
    """Return what the log keeps of a body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return services.redact_body(raw, services.read_body(raw))


def write(directory, token=None, body=b"", **answer):
    call = LoggedRequest(**{"method": "POST", "path": "/Users", "body": body} | answer.pop("call", {}))
    return services.record(
        org_id=directory.org_id,
        directory_id=directory.pk,
        token_id=token.pk if token else None,
        call=call,
        answer=LoggedResponse(**{"status": 200} | answer),
    )


@pytest.fixture
def token(acme_directory):
    return TokenFactory(directory=acme_directory).token


PRIVATE_BODIES = [
    {"password": CANARY},
    {"PassWord": CANARY},
    {"phoneNumbers": [{"value": CANARY}]},
    {"addresses": [{"streetAddress": CANARY}], "photos": [{"value": CANARY}]},
    {f"{USER_SCHEMA}:password": CANARY},
    {ENTERPRISE_SCHEMA: {"secret": CANARY}},
    {"a": [{"b": {"token": CANARY}}]},
    patch_body({"op": "replace", "path": "password", "value": CANARY}),
    patch_body({"op": "replace", "path": "Password", "value": CANARY}),
    patch_body({"op": "Replace", "Path": "password", "Value": CANARY}),
    patch_body({"op": "replace", "path": " password ", "value": CANARY}),
    patch_body({"op": "replace", "path": f"{USER_SCHEMA}:password", "value": CANARY}),
    patch_body({"op": "replace", "path": f"{USER_SCHEMA.upper()}:PASSWORD", "value": CANARY}),
    patch_body({"op": "replace", "path": 'phoneNumbers[type eq "work"].value', "value": CANARY}),
    patch_body({"op": "replace", "path": f'{USER_SCHEMA}:phoneNumbers[type eq "work"].value', "value": CANARY}),
    patch_body({"op": "replace", "path": f'{USER_SCHEMA}:phoneNumbers[value eq "tel:1"].value', "value": CANARY}),
    patch_body({"op": "replace", "path": "addresses.streetAddress", "value": CANARY}),
    patch_body({"op": "add", "value": {"password": CANARY}}),
    patch_body({"op": "add", "value": {'phoneNumbers[type eq "work"].value': CANARY, "addresses.region": CANARY}}),
    patch_body({"op": "add", "value": {f"{USER_SCHEMA}:password": CANARY}}),
    {f"{USER_SCHEMA}.password": CANARY},
    {"newPassword": CANARY, "client_secret": CANARY, "urn:x:custom.accessToken": CANARY},
    patch_body({"op": "replace", "path": f"{USER_SCHEMA}.password", "value": CANARY}),
    patch_body({"op": "replace", "path": "/password", "value": CANARY}),
    patch_body({"op": "replace", "path": ["password"], "value": CANARY}),
    patch_body({"op": "replace", "path": "(password", "value": CANARY}),
    patch_body({"op": "replace", "value": {f'phoneNumbers[value eq "{CANARY}"].type': "work"}}),
    patch_body({"op": "replace", "value": {'x[type eq "work"].phoneNumbers': CANARY}}),
    {"filter": f'phoneNumbers.value eq "{CANARY}"'},
    {"p" * 200 + "assword": CANARY},
]


@pytest.mark.parametrize("body", PRIVATE_BODIES)
def test_private_values_in_a_body_are_redacted(body):
    assert CANARY not in kept(body)
    assert services.HIDDEN in kept(body)


def test_redaction_keeps_values_that_are_not_private():
    body = user_body()
    shown = json.loads(kept(body))
    assert shown == body | {"phoneNumbers": services.HIDDEN}


def test_redaction_keeps_operations_on_attributes_that_are_not_private():
    body = patch_body({"op": "replace", "path": "title", "value": "Lead"}, {"op": "remove", "path": "nickName"})
    assert json.loads(kept(body)) == body


def test_redaction_takes_no_text_within_a_path_for_a_name():
    body = patch_body({"op": "replace", "path": 'emails[type eq "token"].value', "value": "a@b.example"})
    assert json.loads(kept(body)) == body


def test_empty_body_is_logged_as_empty_text():
    assert kept(b"") == ""


@pytest.mark.parametrize("raw", [b"password=canary-7f3a", b"\xff\xfe", b'{"password": "canary-7f3a"', b"1" * 5000])
def test_only_the_size_is_logged_when_the_body_is_not_json(raw):
    assert kept(raw) == f"[{len(raw)} bytes that aren't JSON]"


def test_only_the_size_is_logged_when_the_body_is_nested_too_deep_to_decode():
    raw = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    assert kept(raw) == f"[{len(raw)} bytes that aren't JSON]"


def test_only_the_size_is_logged_when_the_decoded_body_is_nested_too_deep_to_redact():
    deep = inner = []
    for _ in range(5000):
        inner.append([])
        inner = inner[0]
    assert services.redact_body(b"x" * 7, deep) == "[7 bytes nested too deep to show]"


def test_huge_body_is_truncated_in_the_log():
    shown = kept({"displayName": "d" * 100_000})
    assert len(shown) < BODY_KEPT + 60
    assert "[cut: " in shown


def test_private_value_in_a_huge_body_is_redacted_before_truncation():
    assert CANARY not in kept({"password": CANARY, "displayName": "d" * 100_000})


@pytest.mark.parametrize("raw", [b'"text"', b"[1, 2]", b"5", b"null"])
def test_json_body_that_is_no_object_is_logged_without_a_subject(acme_directory, raw):
    assert write(acme_directory, body=raw).subject == ""


def test_nul_and_lone_surrogates_are_replaced_before_a_log_row_is_stored(acme_directory):
    row = write(acme_directory, call={"path": "/Users/\x00\ud800", "user_agent": "a\x00\udfff"}, detail="\x00d\ud800")
    row.refresh_from_db()
    assert (row.path, row.user_agent, row.detail) == ("/Users/?", "a?", "d?")


def test_long_texts_are_truncated_to_the_length_of_the_columns(acme_directory):
    call = dict.fromkeys(("method", "path", "query", "user_agent", "request_id"), "x" * 5000)
    row = write(
        acme_directory, call=call, detail="x" * 5000, error_type="x" * 99, resource_id="x" * 99, subject="x" * 900
    )
    row.full_clean(exclude=["id"])
    assert (len(row.path), len(row.query), len(row.detail), len(row.subject)) == (300, 1200, 400, 256)


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ({"userName": "Nora", "displayName": "N"}, "Nora"),
        ({"USERNAME": "Nora"}, "Nora"),
        ({"displayName": "Engineering"}, "Engineering"),
        ({"userName": 5}, ""),
        ({}, ""),
    ],
)
def test_log_row_subject_comes_from_the_body(acme_directory, body, subject):
    row = write(acme_directory, body=json.dumps(body).encode())
    assert row.subject == subject


def test_log_row_subject_of_the_answer_wins_over_the_body(acme_directory):
    row = write(acme_directory, body=b'{"userName": "x"}', subject="nora@acme.example")
    assert str(row) == "POST /Users 200"
    assert row.subject == "nora@acme.example"


def refuse(directory, detail="Unknown token", status=401, token=None, **call):
    services.record_refusal(
        org_id=directory.org_id,
        directory_id=directory.pk,
        token_id=token.pk if token else None,
        call=LoggedRequest(**{"method": "POST", "path": "/Users"} | call),
        answer=LoggedResponse(status=status, detail=detail),
    )


@pytest.fixture
def at(monkeypatch):
    """Set the clock of the log to a time of today."""

    def move(text):
        moment = datetime.fromisoformat(f"2026-11-27T{text}+00:00")
        monkeypatch.setattr(services, "now", lambda: moment)

    return move


def counted():
    return sorted((row.cause, row.count) for row in RefusedCalls.objects.all())


def test_refusals_of_the_same_minute_and_cause_are_counted_in_one_row_without_bodies(acme_directory, at):
    at("09:00:00")
    for _ in range(12):
        refuse(acme_directory, query=f"filter={CANARY}", body=json.dumps({"userName": CANARY}).encode())
    assert counted() == [("Unknown token", 12)]
    assert CANARY not in str(list(RefusedCalls.objects.values()))


def test_refusals_of_two_causes_are_counted_in_two_rows(acme_directory, at):
    at("09:00:00")
    for detail in ("Unknown token", "No bearer token", "Unknown token"):
        refuse(acme_directory, detail)
    assert counted() == [("No bearer token", 1), ("Unknown token", 2)]


def test_refusals_of_the_next_minute_are_counted_in_a_new_row(acme_directory, at):
    for moment in ("09:00:58", "09:00:59", "09:01:00"):
        at(moment)
        refuse(acme_directory)
    assert counted() == [("Unknown token", 1), ("Unknown token", 2)]


def test_refusals_of_two_directories_are_counted_in_two_rows(acme_directory, globex, at):
    at("09:00:00")
    refuse(acme_directory)
    refuse(first_directory(globex))
    assert counted() == [("Unknown token", 1)] * 2


def test_counted_refusal_row_has_the_time_of_its_newest_call(acme_directory, at):
    for moment in ("09:00:01", "09:00:31"):
        at(moment)
        refuse(acme_directory)
    assert RefusedCalls.objects.get().at.second == 31


def test_counting_another_refusal_takes_one_query(acme_directory, at, django_assert_num_queries):
    at("09:00:00")
    refuse(acme_directory)
    with django_assert_num_queries(1):
        refuse(acme_directory)


def test_refusals_since_counts_only_calls_without_a_live_token(acme_directory, at, token):
    began = datetime.fromisoformat("2026-11-27T08:00:00+00:00")
    at("09:00:00")
    refuse(acme_directory)
    refuse(acme_directory)
    refuse(acme_directory, "This token sends more", status=429, token=token)
    at("09:05:00")
    refuse(acme_directory)
    found = queries.refusals_since(acme_directory.pk, began)
    assert (found.count, found.latest.at.minute) == (3, 5)
    assert queries.refusals_since(acme_directory.pk, began + timedelta(hours=2)) is None


def test_mark_connection_test_marks_calls_with_the_same_id_or_user_name(acme_directory, globex):
    by_name = write(acme_directory, subject="t@acme.example")
    by_id = write(acme_directory, resource_id=ID)
    other = write(acme_directory, subject="other", resource_id="8")
    deletion = write(acme_directory, subject="T@acme.example", resource_id=ID)
    assert services.mark_connection_test(deletion) == 3
    marked = set(RequestLog.objects.filter(is_connection_test=True).values_list("pk", flat=True))
    assert marked == {by_name.pk, by_id.pk, deletion.pk}
    assert other.pk not in marked


def test_mark_connection_test_does_not_mark_calls_of_an_hour_ago(acme_directory):
    write(acme_directory, resource_id=ID)
    move(RequestLog.objects.get(), now() - timedelta(hours=1))
    assert services.mark_connection_test(write(acme_directory, resource_id=ID)) == 1


def test_prune_deletes_log_rows_older_than_thirty_days(acme_directory):
    old, kept_row = write(acme_directory), write(acme_directory)
    move(old, now() - timedelta(days=32))
    move(kept_row, now() - timedelta(days=29))
    assert tasks.prune() == 1
    assert RequestLog.objects.get() == kept_row


def paths(org, **asked):
    return sorted(row.path for row in queries.list_requests(org, RequestFilterForm(asked).shown()))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({}, ["/Groups", "/Users", "/Users/7"]),
        ({"status": "ok"}, ["/Users"]),
        ({"status": "failed"}, ["/Groups", "/Users/7"]),
        ({"status": "404"}, ["/Users/7"]),
        ({"status": "²³4"}, ["/Groups", "/Users", "/Users/7"]),
        ({"method": "PATCH"}, ["/Groups"]),
        ({"resource": "users"}, ["/Users", "/Users/7"]),
        ({"changes": "on"}, ["/Groups", "/Users"]),
        ({"sender": "jumpcloud"}, []),
        ({"sender": "nonsense"}, ["/Groups", "/Users", "/Users/7"]),
        ({"resource": "nonsense"}, ["/Groups", "/Users", "/Users/7"]),
        ({"age": "hour"}, ["/Groups", "/Users"]),
        ({"age": "day"}, ["/Groups", "/Users", "/Users/7"]),
        ({"q": "NORA"}, ["/Users"]),
        ({"q": " 7 "}, ["/Users/7"]),
        ({"q": REQUEST}, ["/Groups"]),
        ({"q": "nobody"}, []),
        ({"q": "Acme.Exam"}, ["/Users"]),
    ],
)
def test_log_filters_select_the_matching_calls(acme_directory, shown, expected):
    write(acme_directory, subject="nora@acme.example")
    write(acme_directory, status=500, call={"path": "/Groups", "method": "PATCH", "request_id": REQUEST})
    gone = write(acme_directory, status=404, resource_id="7", call={"path": "/Users/7", "method": "GET"})
    move(gone, now() - timedelta(hours=2))
    assert paths(acme_directory.org, **shown) == expected


def test_log_queries_do_not_find_another_organizations_calls(acme_directory, globex):
    row = write(acme_directory)
    assert paths(globex) == []
    assert queries.find_request(globex, row.public_id) is None
    assert queries.find_request(acme_directory.org, row.public_id) == row


def test_first_and_latest_request_are_calls_with_a_live_token(acme_directory, token):
    refuse(acme_directory)
    first, latest = write(acme_directory, token), write(acme_directory, token, status=500)
    assert queries.first_request(acme_directory.pk) == first
    assert queries.latest_request(acme_directory.pk) == latest
    assert list(queries.latest_of(acme_directory.pk, 2)) == [latest, first]
    assert latest.is_failure
    assert not first.is_failure


def test_log_search_form_with_invalid_values_filters_nothing():
    nonsense = dict.fromkeys(("status", "method", "resource", "age"), "?") | {"q": "x" * 300}
    assert RequestFilterForm(nonsense).shown() == RequestFilter()


@pytest.mark.parametrize("query", ["filter=password+eq+%22canary%22", "filter=phoneNumbers.value%20eq%20%22canary%22"])
def test_redact_query_hides_a_filter_on_a_private_attribute(query):
    assert services.redact_query(query) == services.HIDDEN


def test_redact_hides_a_patch_path_with_a_filter_on_a_private_value():
    operation = {"op": "remove", "path": 'phoneNumbers[value eq "canary"]'}
    assert services.redact(operation) == {"op": "remove", "path": services.HIDDEN}


def test_redact_query_keeps_a_query_without_private_attributes():
    assert services.redact_query("filter=userName+eq+%22uma%22&count=1") == "filter=userName+eq+%22uma%22&count=1"


def test_json_export_has_the_filtered_calls_without_bodies(scim, olga, sign_in):
    scim.post("/Users", user_body())
    scim.get("/Users?filter=nonsense+pr")
    answer = sign_in(olga).get("/orgs/acme/settings/provisioning-log/export.json?status=failed")
    [row] = json.loads(b"".join(answer))
    assert (row["status"], row["error_type"], row["step"]) == ("400", "invalidFilter", "Search users")
    assert "request_body" not in row
    assert answer["Content-Disposition"] == 'attachment; filename="provisioning-log-acme.json"'


def test_csv_export_has_a_header_and_a_line_for_each_call(scim, olga, sign_in):
    scim.post("/Users", user_body())
    lines = b"".join(sign_in(olga).get("/orgs/acme/settings/provisioning-log/export.csv")).decode().splitlines()
    assert lines[0].startswith('"at","method","path","query","status"')
    assert "nora@acme.example" in lines[1]
    assert len(lines) == 2
