from collections.abc import Iterator
from typing import Any

from orgs.base import sealed
from orgs.base.sealed import SealingKey
from portal.field_keys.columns import SEALED_COLUMNS, Count, SealedColumn
from portal.field_keys.queries import rows_of

MOST_IDS = 20


def values_of(column: SealedColumn) -> Iterator[tuple[int, Any]]:
    """Yield primary key and value of each row, in order, without holding all of them."""
    yield from rows_of(column.model).order_by("pk").values_list("pk", column.field).iterator(chunk_size=500)


def needs_seal(column: SealedColumn, value: Any) -> bool:
    """Say whether this value holds something that another key than the first opens."""
    return any(sealed.key_state(text) is SealingKey.OTHER for text in column.sealed_in(value))


def count_sealed() -> list[Count]:
    """Open every sealed value of the site, and count by column which key does it."""
    return [count_column(column) for column in SEALED_COLUMNS]


def count_column(column: SealedColumn) -> Count:
    count = Count(column, broken_ids=[])
    for pk, value in values_of(column):
        for text in column.sealed_in(value):
            _add(count, pk, sealed.key_state(text))
    return count


def _add(count: Count, pk: int, state: SealingKey) -> None:
    if state is SealingKey.FIRST:
        count.first += 1
    elif state is SealingKey.OTHER:
        count.other += 1
    else:
        count.broken += 1
        if count.broken_ids is not None and len(count.broken_ids) < MOST_IDS:
            count.broken_ids.append(pk)
