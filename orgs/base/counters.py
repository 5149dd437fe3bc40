"""Count what happens within a time, over all processes, so that there is a bound to it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.cache import cache

from orgs.base.clock import now


@dataclass(frozen=True, slots=True)
class Limit:
    """So many of one thing within each window; windows begin at whole multiples of their length, an hour's at :00."""

    name: str
    amount: int
    window: timedelta = timedelta(hours=1)


def take(limit: Limit, key: str) -> datetime | None:
    """Count one more for this key. Returns None, or from when on there is room for this one, behind those before it."""
    slot, ends_at = _slot(limit, key)
    # a minute longer, for clocks that differ
    cache.add(slot, 0, limit.window.total_seconds() + 60)
    behind = cache.incr(slot) - limit.amount
    return ends_at + limit.window * ((behind - 1) // limit.amount) if behind > 0 else None


def give_back(limit: Limit, key: str) -> None:
    """Count one less: what was counted didn't happen."""
    slot, _ = _slot(limit, key)
    cache.decr(slot)


def _slot(limit: Limit, key: str) -> tuple[str, datetime]:
    length = limit.window.total_seconds()
    number = now().timestamp() // length
    return f"count.{limit.name}.{number:.0f}.{key}", datetime.fromtimestamp((number + 1) * length, UTC)
