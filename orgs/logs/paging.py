"""Pages of a log, newest first, that stay as they are while rows arrive."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from orgs.logs.cursors import make_cursor, read_cursor

M = TypeVar("M", bound=Model)
PAGE_SIZE = 50
COUNTED_AT_MOST = 10_000
# a number that no row has and every database takes
LAST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LogPage(Generic[M]):
    """Some rows of a log. `newer` and `older` are the cursors of the pages beside it, empty where there is none.

    `count` is of all rows that the filters show, up to COUNTED_AT_MOST; where there are more, `is_cut`.
    """

    rows: Sequence[M]
    newer: str
    older: str
    count: int
    is_cut: bool

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class _Found(Generic[M]):
    rows: Sequence[M]
    has_newer: bool
    has_older: bool


def read_page(rows: QuerySet[M], *, org_id: int, asked: Mapping[str, Any], page_size: int = PAGE_SIZE) -> LogPage[M]:
    """Return the page that `older` or `newer` of a query string asks for, and the newest one for what leads nowhere.

    Two statements. The rows are ordered by id here.
    """
    found = _beside(rows, org_id, asked, page_size) or _newest(rows, page_size)
    count = count_up_to_limit(rows) if found.has_newer or found.has_older else len(found.rows)
    return LogPage(
        found.rows,
        make_cursor(org_id, _id(found.rows[0])) if found.has_newer else "",
        make_cursor(org_id, _id(found.rows[-1])) if found.has_older else "",
        min(count, COUNTED_AT_MOST),
        is_cut=count > COUNTED_AT_MOST,
    )


def count_up_to_limit(rows: QuerySet[M]) -> int:
    """Count the rows; where there are more than COUNTED_AT_MOST, one more than that is enough to know it."""
    return rows.order_by()[: COUNTED_AT_MOST + 1].count()


def _beside(rows: QuerySet[M], org_id: int, asked: Mapping[str, Any], size: int) -> _Found[M] | None:
    """Return the page before or after a row, or None when no such row is named or nothing full is there."""
    before = read_cursor(org_id, asked.get("older", ""))
    if before is not None and before <= LAST_ID:
        found = list(rows.filter(id__lt=before).order_by("-id")[: size + 1])
        return _Found(found[:size], has_newer=True, has_older=len(found) > size) if found else None
    after = read_cursor(org_id, asked.get("newer", ""))
    if after is not None and after <= LAST_ID:
        found = list(rows.filter(id__gt=after).order_by("id")[: size + 1])
        # with fewer than a page of newer rows the newest page has them, and some more
        return _Found(found[size - 1 :: -1], has_newer=True, has_older=True) if len(found) > size else None
    return None


def _newest(rows: QuerySet[M], size: int) -> _Found[M]:
    found = list(rows.order_by("-id")[: size + 1])
    return _Found(found[:size], has_newer=False, has_older=len(found) > size)


def _id(row: Model) -> int:
    return int(row.pk)
