"""Files of a log: bounded, in portions, and safe to open in a spreadsheet."""

import csv
import io
import json

import pytest
from django.db import connection

from orgs.audit.models import AuditEvent
from orgs.audit.services import AuditTarget, record
from orgs.logs import export
from tests.factories import ACTOR

COLUMNS = ("name", "note")


def row(name="", note=""):
    return {"name": name, "note": note, "more": "left out"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_csv_export_quotes_cells_that_would_be_formulas(start):
    text = "".join(export.as_csv(COLUMNS, [[row(f"{start}cmd")]]))
    assert f'"\'{start}cmd"' in text


def test_csv_export_quotes_commas_quotes_and_line_breaks():
    text = "".join(export.as_csv(COLUMNS, [[row('a "b", c', "d\ne")], [row("f", "g")]]))
    assert list(csv.reader(io.StringIO(text))) == [["name", "note"], ['a "b", c', "d\ne"], ["f", "g"]]


def test_csv_export_writes_an_object_as_json():
    text = "".join(export.as_csv(COLUMNS, [[row("a", {"role": "admin"})]]))
    assert list(csv.reader(io.StringIO(text)))[1] == ["a", '{"role": "admin"}']


def test_export_of_an_empty_log_is_an_empty_list_or_only_the_header():
    assert "".join(export.as_json([])) == "[]"
    assert "".join(export.as_csv(COLUMNS, [])).strip() == '"name","note"'


def test_json_export_of_several_portions_is_one_list():
    portions = [[row("a"), row("b")], [row("c")]]
    assert [one["name"] for one in json.loads("".join(export.as_json(portions)))] == ["a", "b", "c"]


@pytest.fixture
def ten_rows(acme):
    AuditEvent.objects.filter(org=acme).delete()
    for _ in range(10):
        record(org=acme, actor=ACTOR, action="group.created", target=AuditTarget("group", "1"))
    return AuditEvent.objects.filter(org=acme)


def read(rows):
    return [cells["id"] for portion in export.read_portions(rows, lambda row: {"id": row.pk}) for cells in portion]


@pytest.mark.parametrize(("portion", "statements"), [(3, 4), (5, 3), (100, 1)])
def test_portions_have_each_row_once_newest_first(
    ten_rows, monkeypatch, django_assert_num_queries, portion, statements
):
    monkeypatch.setattr(export, "PORTION", portion)
    with django_assert_num_queries(statements):
        found = read(ten_rows)
    assert found == sorted(ten_rows.values_list("id", flat=True), reverse=True)


@pytest.mark.parametrize("limit", [4, 6, 10])
def test_portions_end_at_the_limit_of_an_export(ten_rows, monkeypatch, limit):
    monkeypatch.setattr(export, "PORTION", 3)
    monkeypatch.setattr(export, "EXPORT_LIMIT", limit)
    assert len(read(ten_rows)) == limit


def test_portions_leave_out_rows_that_arrive_while_the_file_is_read(acme, ten_rows, monkeypatch):
    monkeypatch.setattr(export, "PORTION", 4)
    portions = export.read_portions(ten_rows, lambda row: {"id": row.pk})
    first = next(portions)
    record(org=acme, actor=ACTOR, action="group.created", target=AuditTarget("group", "1"))
    assert len(first) + sum(len(portion) for portion in portions) == 10


@pytest.mark.django_db(transaction=True)
def test_connection_is_given_back_before_each_portion_is_sent(ten_rows, monkeypatch):
    monkeypatch.setattr(export, "PORTION", 4)
    released = []
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: released.append(1))
    counts = [len(released) for _ in export.read_portions(ten_rows, lambda row: {"id": row.pk})]
    assert counts == [1, 2, 3]
