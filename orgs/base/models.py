from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models

from orgs.base.clock import now


class CacheEntry(models.Model):
    """One value of the cache: a rate limit's counter, a used one-time code, the worker's heartbeat.

    Belongs to no organization. `key` is a digest, so that no address or name is in the table.
    """

    key = models.CharField(max_length=64, primary_key=True)
    value = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="cache_entry_by_expiry")]

    def __str__(self) -> str:
        return self.key


def read_entry(key: str) -> str | None:
    """Return the value that is stored under this key and hasn't expired."""
    return CacheEntry.objects.filter(key=key, expires_at__gt=now()).values_list("value", flat=True).first()


def write_entry(key: str, value: str, expires_at: datetime, *, only_new: bool = False) -> bool:
    """Store a value in one statement; with `only_new`, only where none is alive. Says whether it was stored."""
    adapt = connection.ops.adapt_datetimefield_value
    # PostgreSQL and SQLite take the same words
    statement = (
        "INSERT INTO orgs_cacheentry (key, value, expires_at) VALUES (%s, %s, %s) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at"
    )
    values: list[Any] = [key, value, adapt(expires_at)]
    if only_new:
        statement += " WHERE orgs_cacheentry.expires_at <= %s"
        values.append(adapt(now()))
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.rowcount)


def add_to_entry(key: str, delta: int) -> int | None:
    """Add to a live number in one statement, so that parallel additions are all counted. Returns the sum, if any."""
    statement = (
        "UPDATE orgs_cacheentry SET value = CAST(CAST(value AS bigint) + %s AS text) "
        "WHERE key = %s AND expires_at > %s RETURNING value"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [delta, key, connection.ops.adapt_datetimefield_value(now())])
        found = cursor.fetchone()
    return int(found[0]) if found else None


def count_entry(key: str, most: int, life: timedelta, others: Sequence[str] = ()) -> int | None:
    """Add one to a number that is below `most` together with the others, or begin with one that lives so long.

    It is one statement, in which parallel additions to the number are all counted. Returns the number, or None when there
    is no room.
    """
    summed = "0"
    if others:
        places = ", ".join(["%s"] * len(others))
        summed = f"(SELECT coalesce(sum(CAST(value AS bigint)), 0) FROM orgs_cacheentry WHERE key IN ({places}))"  # noqa: S608 - places
    statement = (
        f"INSERT INTO orgs_cacheentry (key, value, expires_at) SELECT %s, '1', %s WHERE {summed} < %s "
        "ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(orgs_cacheentry.value AS bigint) + 1 AS text) "
        f"WHERE CAST(orgs_cacheentry.value AS bigint) + {summed} < %s RETURNING value"
    )
    expires_at = connection.ops.adapt_datetimefield_value(now() + life)
    with connection.cursor() as cursor:
        cursor.execute(statement, [key, expires_at, *others, most, *others, most])
        found = cursor.fetchone()
    return int(found[0]) if found else None


def take_from_entry(key: str) -> None:
    """Take one from a live number that is above zero; do nothing where there is none."""
    statement = (
        "UPDATE orgs_cacheentry SET value = CASE WHEN CAST(value AS bigint) > 0 "
        "THEN CAST(CAST(value AS bigint) - 1 AS text) ELSE value END WHERE key = %s AND expires_at > %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [key, connection.ops.adapt_datetimefield_value(now())])


def extend_entry(key: str, expires_at: datetime) -> bool:
    """Let a live value expire at another time. Says whether there was one."""
    return CacheEntry.objects.filter(key=key, expires_at__gt=now()).update(expires_at=expires_at) > 0


def delete_entry(key: str) -> bool:
    """Delete a value. Says whether there was a live one."""
    deleted, _ = CacheEntry.objects.filter(key=key, expires_at__gt=now()).delete()
    return deleted > 0


def delete_entries(keys: Collection[str]) -> None:
    CacheEntry.objects.filter(key__in=keys).delete()


def delete_all_entries() -> None:
    CacheEntry.objects.all().delete()


def delete_expired_entries() -> int:
    """Delete the values that have expired. Returns how many there were."""
    deleted, _ = CacheEntry.objects.filter(expires_at__lte=now()).delete()
    return deleted
