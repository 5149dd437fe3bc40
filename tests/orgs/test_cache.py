"""The cache in a table: a live value is kept, an expired one isn't there, and keys can't be read."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from orgs.base import clock, models
from orgs.base.models import CacheEntry, delete_expired_entries


@pytest.fixture
def later(monkeypatch):
    """Set the clock of the cache ahead."""
    real = clock.now

    def move(seconds: float) -> None:
        for module in ("orgs.base.models.now", "orgs.base.cache.now"):
            monkeypatch.setattr(module, lambda: real() + timedelta(seconds=seconds))

    return move


@pytest.mark.parametrize("value", ["text", True, 3, [1764208800.123456, 2.5], {"a": None}])
def test_get_returns_what_set_stored(db, value):
    cache.set("key", value)
    assert cache.get("key") == value


def test_set_replaces_the_former_value(db):
    cache.set("key", 1)
    cache.set("key", 2)
    assert cache.get("key") == 2


def test_get_returns_the_default_when_nothing_is_stored(db):
    assert cache.get("absent", "default") == "default"


@pytest.mark.parametrize(("timeout", "after", "is_kept"), [(60, 59, True), (60, 61, False), (None, 10**8, True)])
def test_cached_value_is_kept_until_its_timeout(db, later, timeout, after, is_kept):
    cache.set("key", 1, timeout)
    later(after)
    assert (cache.get("key") is not None) is is_kept


def test_cached_value_without_a_timeout_expires_after_the_default(db, later):
    cache.set("key", 1)
    later(301)
    assert cache.get("key") is None


def test_add_stores_nothing_until_the_current_value_expires(db, later):
    assert [cache.add("key", 1, 60), cache.add("key", 2, 60)] == [True, False]
    assert cache.get("key") == 1
    later(61)
    assert cache.add("key", 3, 60)
    assert cache.get("key") == 3


def test_touch_extends_a_live_value_only(db, later):
    cache.set("key", 1, 60)
    assert [cache.touch("key", 600), cache.touch("absent", 600)] == [True, False]
    later(599)
    assert cache.get("key") == 1


def test_delete_says_whether_there_was_a_live_value(db, later):
    cache.set("key", 1)
    assert [cache.delete("key"), cache.delete("key")] == [True, False]
    assert cache.get("key") is None


def test_clear_deletes_everything(db):
    cache.set_many({"a": 1, "b": 2})
    cache.clear()
    assert cache.get_many(["a", "b"]) == {}


def test_cached_value_is_not_evicted_by_five_hundred_others(db):
    cache.set("counter", [1.0], 60)
    for number in range(500):
        cache.set(f"other.{number}", number, 60)
    assert cache.get("counter") == [1.0]


def test_cache_table_does_not_store_readable_keys_or_values(db):
    cache.set("rate.olga@acme.example.192.0.2.1", 1)
    entry = CacheEntry.objects.get()
    assert len(entry.key) == 64
    assert "olga" not in str(entry)
    assert "192" not in entry.value


def test_get_set_add_and_delete_take_one_query_each(db, django_assert_num_queries):
    for act in (
        lambda: cache.get("key"),
        lambda: cache.set("key", 1),
        lambda: cache.add("key", 1),
        lambda: cache.delete("key"),
    ):
        with django_assert_num_queries(1):
            act()


def test_delete_expired_entries_deletes_expired_values_only(db, later):
    cache.set("short", 1, 10)
    cache.set("long", 1, 100)
    later(50)
    assert delete_expired_entries() == 1
    assert cache.get("long") == 1
    assert models.CacheEntry.objects.count() == 1


def test_incr_adds_to_a_live_number_only(db, later):
    cache.set("number", 1, 60)
    assert [cache.incr("number"), cache.incr("number", 3), cache.decr("number")] == [2, 5, 4]
    later(61)
    with pytest.raises(ValueError, match="no such number"):
        cache.incr("number")
