"""Work through many rows in portions, within a time."""

from collections.abc import Iterator
from time import monotonic
from typing import Any

from django.db.models import QuerySet

PORTION = 500
# less than a task's own limit (task_time_limit), and short enough for what waits behind it
SECONDS = 120.0


def primary_keys(rows: QuerySet[Any]) -> Iterator[list[int]]:
    """Yield the primary keys of these rows, ascending, until none is left or the time is over.

    Rows that stay are passed, so that they are never in the way of those behind them.
    """
    deadline, last = monotonic() + SECONDS, 0
    while monotonic() < deadline:
        found = list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:PORTION])
        if not found:
            return
        yield found
        last = found[-1]
