"""Counts within a time: what is beyond a limit is told when there is room for it."""

from datetime import UTC, datetime, timedelta

import pytest

from orgs.base import counters, models
from orgs.base.counters import Limit, LimitReached, clear, give_back, take
from orgs.base.models import CacheEntry

TWO = Limit("two", 2)
SPREAD = Limit("spread", 2, is_spread=True)


@pytest.fixture
def at(monkeypatch):
    def move(hour, minute=0):
        monkeypatch.setattr(counters, "now", lambda: datetime(2026, 11, 27, hour, minute, tzinfo=UTC))

    move(9, 15)
    return move


def room(limit, key):
    """Count one more. Returns when there is room for it, or None when it was counted."""
    try:
        take(limit, key)
    except LimitReached as reached:
        return reached.until
    return None


def hours(*moments):
    return [moment and moment.hour for moment in moments]


def test_take_beyond_the_limit_is_refused_until_the_next_window_however_often_it_is_tried(db, at):
    assert hours(*(room(TWO, "a") for _ in range(7))) == [None, None, 10, 10, 10, 10, 10]


def test_take_beyond_a_spread_limit_is_planned_one_windows_amount_after_another(db, at):
    assert hours(*(room(SPREAD, "a") for _ in range(7))) == [None, None, 10, 10, 11, 11, 12]


def test_take_is_one_statement(db, at, django_assert_num_queries):
    with django_assert_num_queries(1):
        take(TWO, "a")


def test_take_in_the_next_window_begins_anew(db, at):
    for _ in range(3):
        room(TWO, "a")
    at(10)
    assert room(TWO, "a") is None


def test_take_counts_each_key_and_each_limit_apart(db, at):
    for _ in range(2):
        take(TWO, "a")
    assert room(TWO, "b") is None
    assert room(Limit("other", 1), "a") is None


def test_give_back_leaves_room_for_another(db, at):
    _, second = take(TWO, "a"), take(TWO, "a")
    give_back(second)
    assert hours(room(TWO, "a"), room(TWO, "a")) == [None, 10]


def test_give_back_after_a_refused_take_leaves_room_for_another(db, at):
    first, *_ = take(TWO, "a"), take(TWO, "a"), room(TWO, "a"), room(TWO, "a")
    give_back(first)
    assert room(TWO, "a") is None


def test_give_back_in_the_next_window_leaves_that_ones_count(db, at):
    counter = take(TWO, "a")
    at(10)
    take(TWO, "a")
    give_back(counter)
    assert hours(room(TWO, "a"), room(TWO, "a")) == [None, 11]


def test_give_back_does_nothing_when_the_counter_is_gone(db, at):
    counter = take(TWO, "a")
    CacheEntry.objects.all().delete()
    give_back(counter)
    assert hours(*(room(TWO, "a") for _ in range(3))) == [None, None, 10]


def test_give_back_twice_makes_no_room_beyond_the_limit(db, at):
    counter = take(TWO, "a")
    give_back(counter, counter)
    assert hours(*(room(TWO, "a") for _ in range(3))) == [None, None, 10]


def test_a_window_may_have_any_length(db, at):
    short = Limit("short", 1, timedelta(minutes=10))
    take(short, "a")
    assert room(short, "a") == datetime(2026, 11, 27, 9, 20, tzinfo=UTC)


def test_a_window_that_is_not_aligned_ends_so_long_after_the_first_one_counted(db, monkeypatch):
    limit, start = Limit("first", 2, timedelta(minutes=10), is_aligned=False), datetime(2026, 11, 27, 9, 59, tzinfo=UTC)
    answers = []
    for minutes in (0, 9, 9, 10, 10, 10):
        monkeypatch.setattr(models, "now", lambda minutes=minutes: start + timedelta(minutes=minutes))
        answers.append(room(limit, "a") is None)
    assert answers == [True, True, False, True, True, False]


def test_clear_begins_anew(db, at):
    for _ in range(3):
        room(TWO, "a")
    clear(TWO, "a")
    assert room(TWO, "a") is None
