"""How calls are written: changes in one statement with the change, reads and refusals by a buffer."""

from datetime import timedelta

import pytest
from django.db import connection

from orgs.base import buffers
from orgs.base.clock import now
from orgs.base.timed_ids import first_id
from scim.requests import queries, services
from scim.requests.models import RefusedCalls, RequestLog, RequestSubject
from scim.requests.types import LoggedRequest, LoggedResponse, RequestFilter
from tests.factories import TokenFactory
from tests.scim.bodies import user_body
from tests.scim.requests.rows import move, owner

LOOKUP = LoggedRequest(method="GET", path="/Users", query='filter=userName+eq+"nora@acme.example"')
FOUND = LoggedResponse(status=200, subject="nora@acme.example", size=812, total_results=1, returned=1)


def read(directory, subject="nora@acme.example", **answer):
    given = {"status": 200, "subject": subject, "size": 812} | answer
    services.buffer_read(**owner(directory), call=LOOKUP, answer=LoggedResponse(**given))


def found(org, text):
    return [row.subject for row in queries.list_requests(org, RequestFilter(text=text)).order_by("-id")]


def test_record_takes_one_statement(acme_directory, django_assert_num_queries):
    one = 1 if connection.vendor == "postgresql" else 2
    with django_assert_num_queries(one):
        services.record(**owner(acme_directory), call=LOOKUP, answer=FOUND)


def test_record_draws_another_id_when_its_own_is_taken(acme_directory, monkeypatch):
    ids = [3, 2, 2]
    monkeypatch.setattr(services, "timed_id", lambda moment: ids.pop())
    rows = [services.record(**owner(acme_directory), call=LOOKUP, answer=FOUND) for _ in range(2)]
    assert [row.pk for row in rows] == [2, 3]
    assert RequestLog.objects.count() == 2


@pytest.mark.usefixtures("held_rows")
def test_reads_that_drew_the_same_id_are_both_written(acme_directory, monkeypatch):
    first = services.record(**owner(acme_directory), call=LOOKUP, answer=FOUND)
    monkeypatch.setattr(services, "timed_id", lambda moment, ids=[first.pk + 1, first.pk]: ids.pop())
    read(acme_directory)
    services.reads.flush()
    assert RequestLog.objects.count() == 2


@pytest.mark.usefixtures("held_rows")
def test_buffered_read_takes_no_statement_until_it_is_flushed(acme_directory, django_assert_num_queries):
    with django_assert_num_queries(0):
        read(acme_directory)
    services.reads.flush()
    assert RequestLog.objects.get().subject == "nora@acme.example"


@pytest.mark.usefixtures("held_rows")
def test_flush_of_many_reads_takes_two_statements(acme_directory, django_assert_num_queries):
    for number in range(50):
        read(acme_directory, f"person{number}@acme.example")
    with django_assert_num_queries(2):
        services.reads.flush()
    assert RequestLog.objects.count() == RequestSubject.objects.count() == 50


@pytest.mark.usefixtures("held_rows")
@pytest.mark.django_db(transaction=True)
def test_read_of_a_deleted_directory_is_counted_as_lost_and_the_others_are_written(acme_directory, globex):
    gone, token = globex.directories.get(), TokenFactory(directory=acme_directory).token
    services.buffer_read(**owner(acme_directory, token), call=LOOKUP, answer=FOUND)
    read(gone)
    gone.delete()
    services.reads.flush()
    assert RequestLog.objects.get().directory == acme_directory
    assert buffers.lost_rows()["provisioning_log"] == 1


@pytest.mark.usefixtures("held_rows")
@pytest.mark.django_db(transaction=True)
def test_refusal_at_a_deleted_directory_is_counted_as_lost_and_the_others_are_written(acme_directory, globex):
    gone = globex.directories.get()
    for directory in (gone, acme_directory, gone):
        services.record_refusal(**owner(directory), call=LOOKUP, answer=LoggedResponse(status=401, detail="Unknown"))
    gone.delete()
    services.refusals.flush()
    assert RefusedCalls.objects.get().directory == acme_directory
    assert buffers.lost_rows()["refused_calls"] == 2


@pytest.mark.usefixtures("held_rows")
def test_refusals_of_one_minute_and_cause_are_flushed_as_one_row(acme_directory, monkeypatch):
    moment = now()
    monkeypatch.setattr(services, "now", lambda: moment)
    for _ in range(3):
        services.record_refusal(
            **owner(acme_directory), call=LOOKUP, answer=LoggedResponse(status=401, detail="Unknown")
        )
    services.refusals.flush()
    assert RefusedCalls.objects.get().count == 3


@pytest.mark.django_db(transaction=True)
def test_known_subject_is_not_stored_again(acme_directory, django_assert_num_queries):
    read(acme_directory)
    with django_assert_num_queries(1):
        read(acme_directory)


@pytest.mark.django_db(transaction=True)
def test_subjects_are_forgotten_when_there_are_too_many(acme_directory, monkeypatch):
    monkeypatch.setattr(services, "KNOWN_SUBJECTS", 0)
    for name in ("a", "b"):
        read(acme_directory, name)
    assert len(services._known_subjects) == 1


def test_answer_of_a_read_is_kept_as_its_size_only(acme_directory):
    row = services.record(**owner(acme_directory), call=LOOKUP, answer=FOUND)
    assert (row.bodies, row.answer_bytes) == (None, 812)
    assert row.answer_text == "[812 bytes, with 1 of 1 resources: the answers of reads aren't kept]"


def test_answer_of_a_read_without_resources_says_its_size(acme_directory):
    row = services.record(**owner(acme_directory), call=LOOKUP, answer=LoggedResponse(status=200, body=b"{}"))
    assert row.answer_text == "[2 bytes: the answers of reads aren't kept]"


def test_bodies_that_were_parsed_already_are_not_parsed_again(acme_directory, monkeypatch):
    monkeypatch.setattr(services, "read_body", None)
    call = LoggedRequest(method="POST", path="/Users", body=b"x", seen=user_body())
    row = services.record(
        **owner(acme_directory), call=call, answer=LoggedResponse(status=201, body=b"y", seen={"id": "7"})
    )
    assert '"userName": "nora@acme.example"' in row.request_body
    assert row.answer_text == '{\n "id": "7"\n}'


def test_body_that_was_cut_is_shown_as_it_is(acme_directory):
    call = LoggedRequest(method="POST", path="/Users", body=b"x", seen={"displayName": "d" * 9000})
    row = services.record(**owner(acme_directory), call=call, answer=LoggedResponse(status=201))
    assert row.request_body.startswith('{"displayName":"ddd')
    assert "[cut: " in row.request_body


def test_remarks_of_an_answer_are_kept_in_the_row(acme_directory):
    answer = LoggedResponse(status=201, remarks="Ignored: nonsense")
    assert services.record(**owner(acme_directory), call=LOOKUP, answer=answer).remarks == "Ignored: nonsense"


def test_search_finds_people_by_any_part_of_the_name_in_any_case(acme_directory):
    read(acme_directory, "Nora@Acme.example")
    read(acme_directory, "uma@acme.example")
    assert found(acme_directory.org, "ORA@ac") == ["Nora@Acme.example"]
    assert found(acme_directory.org, "nobody") == []


def test_search_does_not_find_another_organizations_people(acme_directory, globex):
    read(acme_directory)
    assert found(globex, "nora") == []


def test_search_that_matches_very_many_people_finds_them_all(acme_directory, monkeypatch):
    monkeypatch.setattr(queries, "SUBJECTS_AT_MOST", 1)
    for name in ("a@acme.example", "b@acme.example", "c@elsewhere.example"):
        read(acme_directory, name)
    assert found(acme_directory.org, "acme") == ["b@acme.example", "a@acme.example"]


def test_late_marks_mark_reads_that_were_stored_after_the_deletion(acme_directory):
    row = services.record(**owner(acme_directory), call=LOOKUP, answer=FOUND)
    deletion = services.record(**owner(acme_directory), call=LOOKUP, answer=FOUND)
    assert services._mark_late([deletion]) == 0
    row.refresh_from_db()
    assert row.is_connection_test


def test_prune_keeps_subjects_and_refusals_that_are_not_old(acme_directory):
    read(acme_directory)
    services.record_refusal(**owner(acme_directory), call=LOOKUP, answer=LoggedResponse(status=401))
    services.delete_old(days=30)
    assert RequestSubject.objects.count() == RefusedCalls.objects.count() == 1


def test_prune_deletes_subjects_and_refusals_that_are_old(acme_directory):
    read(acme_directory)
    services.record_refusal(**owner(acme_directory), call=LOOKUP, answer=LoggedResponse(status=401))
    RequestSubject.objects.update(seen_at=now() - timedelta(days=33))
    RefusedCalls.objects.update(minute=now() - timedelta(days=31))
    services.delete_old(days=30)
    assert RequestSubject.objects.count() == RefusedCalls.objects.count() == 0


def test_log_of_a_time_shows_the_calls_between(acme_directory):
    row = services.record(**owner(acme_directory), call=LOOKUP, answer=FOUND)
    move(row, now() - timedelta(days=2))
    shown = RequestFilter(since=now() - timedelta(days=3), until=now() - timedelta(days=1))
    assert [one.pk for one in queries.list_requests(acme_directory.org, shown)] == [row.pk]
    assert row.pk < first_id(now() - timedelta(days=1))
