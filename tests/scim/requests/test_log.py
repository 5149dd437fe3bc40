"""The provisioning log keeps what an admin needs and hides what it must not keep."""

import json
from datetime import datetime, timedelta

import pytest

from orgs.base.clock import now
from scim.directories.queries import first_directory
from scim.requests import queries, services, tasks
from scim.requests.forms import LogSearchForm
from scim.requests.models import RequestLog
from scim.requests.types import BODY_KEPT, EXPORTED, LogFilter, LoggedRequest, LoggedResponse
from tests.factories import TokenFactory
from tests.scim.bodies import ENTERPRISE_SCHEMA, USER_SCHEMA, patch_body, user_body

CANARY = "canary-7f3a"


def kept(body):
    """Return what the log keeps of a body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return services.redact_body(raw, services.read_body(raw))


def write(directory, token=None, body=b"", **answer):
    call = LoggedRequest(**{"method": "POST", "path": "/Users", "body": body} | answer.pop("call", {}))
    return services.record(
        org=directory.org,
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
]


@pytest.mark.parametrize("body", PRIVATE_BODIES)
def test_private_values_are_hidden(body):
    assert CANARY not in kept(body)
    assert services.HIDDEN in kept(body)


def test_other_values_are_kept():
    body = user_body()
    shown = json.loads(kept(body))
    assert shown == body | {"phoneNumbers": services.HIDDEN}


def test_other_operations_are_kept():
    body = patch_body({"op": "replace", "path": "title", "value": "Lead"}, {"op": "remove", "path": "nickName"})
    assert json.loads(kept(body)) == body


def test_an_empty_body_is_kept_as_nothing():
    assert kept(b"") == ""


@pytest.mark.parametrize("raw", [b"password=canary-7f3a", b"\xff\xfe", b'{"password": "canary-7f3a"', b"1" * 5000])
def test_of_what_is_not_json_the_size_is_kept(raw):
    assert kept(raw) == f"[{len(raw)} bytes that aren't JSON]"


def test_of_what_is_nested_too_deep_the_size_is_kept():
    raw = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    assert kept(raw) == f"[{len(raw)} bytes that aren't JSON]"


def test_of_what_can_be_read_but_not_walked_the_size_is_kept():
    deep = inner = []
    for _ in range(5000):
        inner.append([])
        inner = inner[0]
    assert services.redact_body(b"x" * 7, deep) == "[7 bytes nested too deep to show]"


def test_a_huge_body_is_cut():
    shown = kept({"displayName": "d" * 100_000})
    assert len(shown) < BODY_KEPT + 60
    assert "[cut: " in shown


def test_a_private_value_in_a_huge_body_is_hidden_before_the_cut():
    assert CANARY not in kept({"password": CANARY, "displayName": "d" * 100_000})


@pytest.mark.parametrize("raw", [b'"text"', b"[1, 2]", b"5", b"null"])
def test_json_that_is_no_object_fails_nothing(acme_directory, raw):
    assert write(acme_directory, body=raw).subject == ""


def test_nul_and_lone_surrogates_are_stored(acme_directory):
    row = write(acme_directory, call={"path": "/Users/\x00\ud800", "user_agent": "a\x00\udfff"}, detail="\x00d\ud800")
    row.refresh_from_db()
    assert (row.path, row.user_agent, row.detail) == ("/Users/?", "a?", "d?")


def test_long_texts_are_cut_to_what_the_columns_hold(acme_directory):
    call = dict.fromkeys(("method", "path", "query", "user_agent", "request_id"), "x" * 5000)
    row = write(
        acme_directory, call=call, detail="x" * 5000, error_type="x" * 99, resource_id="x" * 99, subject="x" * 900
    )
    row.full_clean()
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
def test_a_call_is_named_by_its_subject(acme_directory, body, subject):
    row = write(acme_directory, body=json.dumps(body).encode())
    assert (row.subject, row.subject_key) == (subject, subject.casefold())


def test_the_answers_subject_wins(acme_directory):
    row = write(acme_directory, body=b'{"userName": "x"}', subject="nora@acme.example")
    assert str(row) == "POST /Users 200"
    assert row.subject == "nora@acme.example"


def refuse(directory, detail="Unknown token", status=401, token=None, **call):
    services.record_refusal(
        org=directory.org,
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
    return sorted((row.detail, row.count) for row in RequestLog.objects.all())


def test_refusals_of_one_minute_and_cause_are_one_row_without_bodies(acme_directory, at):
    at("09:00:00")
    for _ in range(12):
        refuse(acme_directory, query=f"filter={CANARY}", body=json.dumps({"userName": CANARY}).encode())
    assert counted() == [("Unknown token", 12)]
    assert CANARY not in str(list(RequestLog.objects.values()))


def test_refusals_of_two_causes_are_two_rows(acme_directory, at):
    at("09:00:00")
    for detail in ("Unknown token", "No bearer token", "Unknown token"):
        refuse(acme_directory, detail)
    assert counted() == [("No bearer token", 1), ("Unknown token", 2)]


def test_refusals_of_the_next_minute_are_a_row_of_their_own(acme_directory, at):
    for moment in ("09:00:58", "09:00:59", "09:01:00"):
        at(moment)
        refuse(acme_directory)
    assert counted() == [("Unknown token", 1), ("Unknown token", 2)]


def test_refusals_of_two_directories_are_counted_apart(acme_directory, globex, at):
    at("09:00:00")
    refuse(acme_directory)
    refuse(first_directory(globex))
    assert counted() == [("Unknown token", 1)] * 2


def test_a_counted_row_has_the_time_of_its_newest_call(acme_directory, at):
    for moment in ("09:00:01", "09:00:31"):
        at(moment)
        refuse(acme_directory)
    assert RequestLog.objects.get().at.second == 31


def test_a_counted_refusal_more_is_one_statement(acme_directory, at, django_assert_num_queries):
    at("09:00:00")
    refuse(acme_directory)
    with django_assert_num_queries(1):
        refuse(acme_directory)


def test_a_refusal_that_another_was_first_with_is_counted_in_its_row(acme_directory, at, monkeypatch):
    at("09:00:00")
    refuse(acme_directory)
    same = queries.counted_with(RequestLog.objects.get())
    first_time = iter([queries.RequestLog.objects.none()])

    class Late:
        """Finds nothing at first, as while the other's row isn't committed yet."""

        def update(self, **values):
            return next(first_time, same).update(**values)

    monkeypatch.setattr(queries, "counted_with", lambda row: Late())
    refuse(acme_directory)
    assert counted() == [("Unknown token", 2)]


def test_refusals_since_adds_up_what_came_without_a_live_token(acme_directory, at, token):
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


def test_a_connection_test_is_marked_by_id_and_by_name(acme_directory, globex):
    by_name = write(acme_directory, subject="t@acme.example")
    by_id = write(acme_directory, resource_id="7")
    other = write(acme_directory, subject="other", resource_id="8")
    deletion = write(acme_directory, subject="T@acme.example", resource_id="7")
    assert services.mark_connection_test(deletion) == 3
    marked = set(RequestLog.objects.filter(is_connection_test=True).values_list("pk", flat=True))
    assert marked == {by_name.pk, by_id.pk, deletion.pk}
    assert other.pk not in marked


def test_calls_of_an_hour_ago_are_no_part_of_the_test(acme_directory):
    write(acme_directory, resource_id="7")
    RequestLog.objects.update(at=now() - timedelta(hours=1))
    assert services.mark_connection_test(write(acme_directory, resource_id="7")) == 1


def test_rows_go_after_thirty_days(acme_directory):
    old, kept_row = write(acme_directory), write(acme_directory)
    RequestLog.objects.filter(pk=old.pk).update(at=now() - timedelta(days=31))
    RequestLog.objects.filter(pk=kept_row.pk).update(at=now() - timedelta(days=29))
    assert tasks.prune() == 1
    assert RequestLog.objects.get() == kept_row


def paths(org, **shown):
    return sorted(row.path for row in queries.list_requests(org, LogFilter(**shown)))


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
        ({"resource": "nonsense"}, ["/Groups", "/Users", "/Users/7"]),
        ({"age": "hour"}, ["/Groups", "/Users"]),
        ({"age": "day"}, ["/Groups", "/Users", "/Users/7"]),
        ({"text": "NORA"}, ["/Users"]),
        ({"text": " 7 "}, ["/Users/7"]),
        ({"text": "req-1"}, ["/Groups"]),
    ],
)
def test_the_log_shows_what_is_asked_for(acme_directory, shown, expected):
    write(acme_directory, subject="nora@acme.example")
    write(acme_directory, status=500, call={"path": "/Groups", "method": "PATCH", "request_id": "req-1"})
    gone = write(acme_directory, status=404, resource_id="7", call={"path": "/Users/7"})
    RequestLog.objects.filter(pk=gone.pk).update(at=now() - timedelta(hours=2))
    assert paths(acme_directory.org, **shown) == expected


def test_another_organizations_calls_are_not_shown(acme_directory, globex):
    row = write(acme_directory)
    assert paths(globex) == []
    assert queries.find_request(globex, row.public_id) is None
    assert queries.find_request(acme_directory.org, row.public_id) == row


def test_first_and_latest_are_calls_with_a_live_token(acme_directory, token):
    write(acme_directory, status=401)
    first, latest = write(acme_directory, token), write(acme_directory, token, status=500)
    assert queries.first_request(acme_directory.pk) == first
    assert queries.latest_request(acme_directory.pk) == latest
    assert list(queries.latest_of(acme_directory.pk, 2)) == [latest, first]
    assert latest.is_failure
    assert not first.is_failure


def test_a_form_that_cannot_be_read_shows_everything():
    nonsense = dict.fromkeys(("status", "method", "resource", "age"), "?") | {"q": "x" * 300}
    assert LogSearchForm(nonsense).shown() == LogFilter()


@pytest.mark.parametrize("query", ["filter=password+eq+%22canary%22", "filter=phoneNumbers.value%20eq%20%22canary%22"])
def test_a_filter_on_a_private_attribute_is_hidden(query):
    assert services.redact_query(query) == services.HIDDEN


def test_a_filter_in_the_path_to_a_private_value_is_hidden():
    operation = {"op": "remove", "path": 'phoneNumbers[value eq "canary"]'}
    assert services.redact(operation) == {"op": "remove", "path": services.HIDDEN}


def test_another_query_stays_as_it_came():
    assert services.redact_query("filter=userName+eq+%22uma%22&count=1") == "filter=userName+eq+%22uma%22&count=1"


def test_the_export_holds_what_the_filters_show_and_no_bodies(scim, olga, sign_in):
    scim.post("/Users", user_body())
    scim.get("/Users?filter=title+pr")
    answer = sign_in(olga).get("/orgs/acme/settings/provisioning-log/export.json?status=failed")
    [row] = json.loads(b"".join(answer))
    assert (row["status"], row["error_type"], row["step"]) == ("400", "invalidFilter", "Search users")
    assert "request_body" not in row
    assert answer["Content-Disposition"] == 'attachment; filename="provisioning-log-acme.json"'


def test_the_csv_export_has_a_line_for_each_call(scim, olga, sign_in):
    scim.post("/Users", user_body())
    lines = b"".join(sign_in(olga).get("/orgs/acme/settings/provisioning-log/export.csv")).decode().splitlines()
    assert lines[0].startswith('"at","method","path","query","status"')
    assert "nora@acme.example" in lines[1]
    assert len(lines) == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_csv_export_is_a_formula(start):
    row = dict.fromkeys(EXPORTED, "") | {"subject": f"{start}cmd"}
    assert f"'{start}cmd" in services.as_csv([row])


def test_an_empty_log_exports_an_empty_list_and_a_bare_header():
    assert services.as_json([]) == "[]"
    assert services.as_csv([]).strip() == ",".join(f'"{name}"' for name in EXPORTED)


def test_the_export_of_two_calls_is_one_list():
    assert json.loads(services.as_json([{"at": "1"}, {"at": "2"}])) == [{"at": "1"}, {"at": "2"}]
