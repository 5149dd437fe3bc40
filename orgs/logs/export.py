"""A log as a file to keep or to send: bounded, and read in portions, so that a slow reader holds neither memory nor database."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
Cells = Mapping[str, Any]
EXPORT_LIMIT = 10_000
PORTION = 500
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def read_portions(rows: QuerySet[M], cells: Callable[[M], Cells]) -> Iterator[list[Cells]]:
    """Yield the newest rows up to EXPORT_LIMIT, each portion read by a statement of its own."""
    left, last = EXPORT_LIMIT, None
    while left > 0:
        older = rows if last is None else rows.filter(id__lt=last)
        portion = list(older.order_by("-id")[: min(PORTION, left)])
        _release_connection(rows.db)
        if portion:
            yield [cells(row) for row in portion]
            last = portion[-1].pk
        left = left - len(portion) if len(portion) == PORTION else 0


def _release_connection(alias: str) -> None:
    """Give the connection back, as at the end of a request: whoever reads slowly keeps none meanwhile."""
    if not connections[alias].in_atomic_block:
        connections[alias].close_if_unusable_or_obsolete()


def as_csv(columns: Sequence[str], portions: Iterable[Iterable[Cells]]) -> Iterator[str]:
    """Yield a CSV file (RFC 4180) in parts. A spreadsheet takes no cell of it for a formula."""
    yield _csv_lines([columns])
    for portion in portions:
        yield _csv_lines([_csv_cell(row[name]) for name in columns] for row in portion)


def _csv_lines(rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return file.getvalue()


def _csv_cell(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def as_json(portions: Iterable[Iterable[Cells]]) -> Iterator[str]:
    """Yield one JSON list of objects in parts, a line each."""
    before = "["
    for portion in portions:
        yield before + ",\n".join(json.dumps(dict(row)) for row in portion)
        before = ",\n"
    yield "]" if before != "[" else "[]"
