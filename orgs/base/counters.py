"""Count what happens within a time, over all processes, so that there is a bound to it."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.crypto import salted_hmac

from orgs.base import models
from orgs.base.clock import now

SALT = "orgs.base.counters"
# how much longer than its window a counter is kept, for clocks that differ
MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many of one thing within each window.

    Aligned windows begin at whole multiples of their length, an hour's at :00; the others with the first one counted.
    With `is_spread`, what was refused is planned one window's amount after another, instead of all for the next window.
    """

    name: str
    amount: int
    window: timedelta = timedelta(hours=1)
    is_aligned: bool = True
    is_spread: bool = False


class LimitReached(Exception):
    """There is no room for another one before `until`."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__(until.isoformat())


def take(limit: Limit, key: str) -> str:
    """Count one more for this key, in one statement. Returns the counter, for `give_back`.

    Raises LimitReached when there is no room, and counts nothing then.
    """
    counter, ends_at = _counter(limit, key)
    life = limit.window + (MARGIN if limit.is_aligned else timedelta())
    if models.count_entry(counter, limit.amount, life) is not None:
        return counter
    if not limit.is_spread:
        raise LimitReached(ends_at)
    refused = models.count_entry(_digest(f"{counter}.refused"), sys.maxsize, life) or 1
    raise LimitReached(ends_at + limit.window * ((refused - 1) // limit.amount))


def give_back(*counters: str) -> None:
    """Count one less where `take` counted: it didn't happen. A counter whose time is over is left alone."""
    for counter in counters:
        models.take_from_entry(counter)


def clear(limit: Limit, key: str) -> None:
    """Begin anew for this key."""
    models.delete_entry(_counter(limit, key)[0])


def _counter(limit: Limit, key: str) -> tuple[str, datetime]:
    """Return under what this key is counted now, and until when at the most."""
    if not limit.is_aligned:
        return _digest(f"{limit.name}.{key}"), now() + limit.window
    length = limit.window.total_seconds()
    number = now().timestamp() // length
    return _digest(f"{limit.name}.{number:.0f}.{key}"), datetime.fromtimestamp((number + 1) * length, UTC)


def _digest(name: str) -> str:
    return salted_hmac(SALT, name, algorithm="sha256").hexdigest()
