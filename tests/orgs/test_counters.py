"""Counts within a time: what is beyond a limit is told when there is room for it."""

from datetime import UTC, datetime, timedelta

import pytest

from orgs.base import counters
from orgs.base.counters import Limit, LimitReached, clear, give_back, take
from orgs.base.models import CacheEntry
from tests.faults.test_races import all_at_once

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


def test_take_beyond_the_limit_is_refused_until_the_next_window_for_any_number_of_tries(db, at):
    assert hours(*(room(TWO, "a") for _ in range(7))) == [None, None, 10, 10, 10, 10, 10]


def test_take_beyond_a_spread_limit_is_planned_into_the_following_windows(db, at):
    assert hours(*(room(SPREAD, "a") for _ in range(7))) == [None, None, 10, 10, 11, 11, 12]


def test_take_takes_one_query(db, at, django_assert_num_queries):
    with django_assert_num_queries(1):
        take(TWO, "a")


def test_take_in_the_next_window_counts_from_zero(db, at):
    for _ in range(3):
        room(TWO, "a")
    at(10)
    assert room(TWO, "a") is None


def test_take_counts_each_key_and_each_limit_separately(db, at):
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


def test_give_back_in_the_next_window_keeps_the_count_of_that_window(db, at):
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


def test_give_back_of_one_counter_twice_frees_one_place_only(db, at):
    counter = take(TWO, "a")
    give_back(counter, counter)
    assert hours(*(room(TWO, "a") for _ in range(3))) == [None, None, 10]


def test_take_beyond_the_limit_of_a_ten_minute_window_is_refused_until_its_end(db, at):
    short = Limit("short", 1, timedelta(minutes=10))
    take(short, "a")
    assert room(short, "a") == datetime(2026, 11, 27, 9, 20, tzinfo=UTC)


SLIDING = Limit("sliding", 5, timedelta(minutes=5), is_sliding=True)


@pytest.mark.parametrize("edge", range(6))
def test_sliding_window_refuses_a_burst_across_its_edge(db, at, edge):
    at(9, 9 + edge)
    counted = [room(SLIDING, "a") for _ in range(5)]
    at(9, 10 + edge)
    assert (counted, room(SLIDING, "a") is None) == ([None] * 5, False)


def test_sliding_window_has_room_again_once_earlier_takes_are_older_than_the_window(db, at):
    answers = []
    for minute in (0, 0, 4, 4, 4, 4, 5, 6, 6, 6, 9, 10, 10, 10, 10):
        at(9, minute)
        answers.append(room(SLIDING, "a") is None)
    assert answers == [True] * 5 + [False] * 2 + [True] * 2 + [False] * 2 + [True] * 3 + [False]


def test_sliding_window_returns_the_latest_time_at_which_there_is_room_again(db, at):
    for _ in range(5):
        take(SLIDING, "a")
    assert room(SLIDING, "a") == datetime(2026, 11, 27, 9, 21, tzinfo=UTC)
    at(9, 21)
    assert [room(SLIDING, "a") for _ in range(5)] == [None] * 5


def test_sliding_window_take_and_clear_take_one_query_each(db, at, django_assert_num_queries):
    take(SLIDING, "a")
    at(9, 17)
    with django_assert_num_queries(1):
        take(SLIDING, "a")
    with django_assert_num_queries(1):
        clear(SLIDING, "a")
    assert [room(SLIDING, "a") for _ in range(5)] == [None] * 5


def test_sliding_window_counter_expires_no_earlier_than_its_window(db):
    before = counters.now()
    take(SLIDING, "a")
    assert CacheEntry.objects.get().expires_at >= before + timedelta(minutes=6)


@pytest.mark.django_db(transaction=True)
def test_concurrent_takes_of_a_sliding_window_are_all_counted():
    def attempt():
        return room(SLIDING, "a")

    results = all_at_once([attempt] * 8)
    assert [result is None for result in results].count(True) == 5


def test_clear_resets_the_count(db, at):
    for _ in range(3):
        room(TWO, "a")
    clear(TWO, "a")
    assert room(TWO, "a") is None
