"""Filters are read from a query string; what can't be read filters nothing."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from orgs.audit.forms import AuditFilterForm
from orgs.audit.types import AuditFilter
from orgs.logs import filters

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(filters, "now", lambda: NOW)


def midnight(day):
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        ({}, None, None),
        ({"age": "hour"}, datetime(2026, 11, 27, 8, 30, tzinfo=UTC), None),
        ({"since": "2026-11-20"}, midnight("2026-11-20"), None),
        ({"until": "2026-11-20"}, None, midnight("2026-11-21")),
        ({"since": "2026-11-20", "until": "2026-11-20"}, midnight("2026-11-20"), midnight("2026-11-21")),
        ({"age": "week", "since": "2026-11-26"}, midnight("2026-11-26"), None),
        ({"age": "day", "since": "2026-11-01"}, datetime(2026, 11, 26, 9, 30, tzinfo=UTC), None),
        ({"since": "0001-01-01", "until": "9999-12-31"}, midnight("0001-01-01"), None),
        ({"since": "yesterday", "until": "2026-13-40", "age": "x"}, None, None),
    ],
)
def test_time_of_a_filter_is_read_from_age_and_days(asked, since, until):
    assert AuditFilterForm(asked).shown() == AuditFilter(since=since, until=until)


@pytest.mark.parametrize(
    "asked", [{"q": "\x00"}, {"q": "x" * 300}, {"actor": "nobody"}, {"action": "'; DROP"}, {"b": "1"}]
)
def test_form_filters_nothing_by_what_it_cannot_read(asked):
    form = AuditFilterForm(asked)
    assert form.shown() == AuditFilter()
    assert (form.is_filtered, form.query) == (False, "")


def test_query_of_a_form_gives_the_same_filters_again():
    asked = {"q": "uma & co", "actor": "person", "action": "group.renamed", "age": "week", "until": "2026-11-20"}
    form = AuditFilterForm(asked | {"older": "AAAA", "nonsense": "1"})
    assert form.is_filtered
    assert dict(parse_qsl(form.query)) == asked


def test_form_shows_the_search_first_then_a_logs_own_filters_then_the_time():
    form = AuditFilterForm({})
    assert list(form.fields) == ["q", "actor", "action", "age", "since", "until"]
    assert [field.name for field in form.own_fields] == ["actor", "action", "age", "since", "until"]
