"""INSERT statements of hot paths, whose text is made once for each number of rows."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

M = TypeVar("M", bound=Model)
KNOWN_TEXTS = 64


class RowInsert(Generic[M]):
    """Inserts rows of one model as they are, all in one statement, without `save()` and its savepoint.

    `on_conflict` is SQL, such as `(name) DO NOTHING`; both databases take the same. A primary key that the database gives
    isn't read back.
    """

    def __init__(self, model: type[M], *, on_conflict: str = "") -> None:
        self._model, self._on_conflict = model, on_conflict
        self._texts: dict[tuple[str, int], str] = {}

    def run(self, rows: Sequence[M], *, before: "tuple[RowInsert[Any], Sequence[Any]] | None" = None) -> int:
        """Insert the rows; with `before`, others first. Returns how many of the rows were new.

        On PostgreSQL the others are a part of the same statement, elsewhere a statement of their own.
        """
        connection = connections[DEFAULT_DB_ALIAS]
        sql, values = self.statement(connection, rows)
        with connection.cursor() as cursor:
            if before is not None:
                first, others = before[0].statement(connection, before[1])
                if connection.vendor == "postgresql":
                    sql, values = f"WITH before AS ({first}) {sql}", others + values
                else:
                    cursor.execute(first, others)
            cursor.execute(sql, values)
            count = int(cursor.rowcount)
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001
        return count

    def returning(self, rows: Sequence[M], name: str) -> set[Any]:
        """Insert the rows, and return the values of this column in those that were new."""
        connection = connections[DEFAULT_DB_ALIAS]
        sql, values = self.statement(connection, rows)
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} RETURNING {connection.ops.quote_name(name)}", values)
            return {value for (value,) in cursor.fetchall()}

    def statement(self, connection: BaseDatabaseWrapper, rows: Sequence[M]) -> tuple[str, list[Any]]:
        fields = self._fields()
        values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
        key = (connection.vendor, len(rows))
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= KNOWN_TEXTS:
                self._texts.clear()
            text = self._texts[key] = self._text(connection, fields, len(rows))
        return text, values

    def _fields(self) -> "list[models.Field[Any, Any]]":
        every = self._model._meta.local_concrete_fields  # noqa: SLF001
        return [field for field in every if not isinstance(field, models.AutoField | models.BigAutoField)]

    def _text(self, connection: BaseDatabaseWrapper, fields: "list[models.Field[Any, Any]]", count: int) -> str:
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(field.column)) for field in fields)
        one = f"({', '.join(['%s'] * len(fields))})"
        conflict = f" ON CONFLICT {self._on_conflict}" if self._on_conflict else ""
        table = quote(self._model._meta.db_table)  # noqa: SLF001
        return f"INSERT INTO {table} ({columns}) VALUES {', '.join([one] * count)}{conflict}"  # noqa: S608 - names of the model
