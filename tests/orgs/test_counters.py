"""Counts within a time: what is beyond a limit is told when there is room for it."""

from datetime import UTC, datetime, timedelta

import pytest

from orgs.base import counters
from orgs.base.counters import Limit, give_back, take

TWO = Limit("two", 2)


@pytest.fixture
def at(monkeypatch):
    def move(hour, minute=0):
        monkeypatch.setattr(counters, "now", lambda: datetime(2026, 11, 27, hour, minute, tzinfo=UTC))

    move(9, 15)
    return move


def hours(*moments):
    return [moment and moment.hour for moment in moments]


def test_take_beyond_the_limit_is_put_behind_those_before_it(db, at):
    assert hours(*(take(TWO, "a") for _ in range(7))) == [None, None, 10, 10, 11, 11, 12]


def test_take_in_the_next_window_begins_anew(db, at):
    for _ in range(3):
        take(TWO, "a")
    at(10)
    assert take(TWO, "a") is None


def test_take_counts_each_key_and_each_limit_apart(db, at):
    for _ in range(2):
        take(TWO, "a")
    assert take(TWO, "b") is None
    assert take(Limit("other", 1), "a") is None


def test_give_back_leaves_room_for_another(db, at):
    for _ in range(2):
        take(TWO, "a")
    give_back(TWO, "a")
    assert hours(take(TWO, "a"), take(TWO, "a")) == [None, 10]


def test_a_window_may_have_any_length(db, at):
    short = Limit("short", 1, timedelta(minutes=10))
    take(short, "a")
    assert take(short, "a") == datetime(2026, 11, 27, 9, 20, tzinfo=UTC)
