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
# of a sliding window: each is counted apart, so there is room again at most one part later than the window says
PARTS = 5


@dataclass(frozen=True, slots=True)
class Limit:
    """So many of one thing within each window.

    Windows begin at whole multiples of their length, an hour's at :00. With `is_sliding`, there are so many within any
    window, wherever it begins; then there is room again when at most a fifth more than the window has passed.
    With `is_spread`, what was refused is planned one window's amount after another, instead of all for the next window.
    """

    name: str
    amount: int
    window: timedelta = timedelta(hours=1)
    is_sliding: bool = False
    is_spread: bool = False

    @property
    def part(self) -> timedelta:
        """Return how long one counter counts."""
        return self.window / PARTS if self.is_sliding else self.window

    @property
    def former(self) -> int:
        """Return how many counters before the present one count, too."""
        return PARTS if self.is_sliding else 0


class LimitReached(Exception):
    """There is no room for another one before `until`."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__(until.isoformat())


def take(limit: Limit, key: str) -> str:
    """Count one more for this key, in one statement. Returns the counter, for `give_back`.

    Raises LimitReached when there is no room, and counts nothing then.
    """
    (counter, *former), ends_at = _counters(limit, key)
    life = limit.part * (1 + limit.former) + MARGIN
    if models.count_entry(counter, limit.amount, life, former) is not None:
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
    models.delete_entries(_counters(limit, key)[0])


def _counters(limit: Limit, key: str) -> tuple[list[str], datetime]:
    """Return under what this key is counted now, then the former counters that count too, and until when the first one counts."""
    length = limit.part.total_seconds()
    number = int(now().timestamp() // length)
    counters = [_digest(f"{limit.name}.{number - ago}.{key}") for ago in range(1 + limit.former)]
    return counters, datetime.fromtimestamp((number + 1 + limit.former) * length, UTC)


def _digest(name: str) -> str:
    return salted_hmac(SALT, name, algorithm="sha256").hexdigest()
