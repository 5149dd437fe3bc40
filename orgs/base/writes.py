"""The writes of a hot path, compiled once as `orgs.base.statements` compiles its reads.

What is written follows the models: their fields say how a value is sent, their constraints what may be there. Nothing here
opens a transaction or a savepoint: a constraint that is broken ends the caller's transaction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CASCADE, PROTECT, SET_NULL, AutoField, BigAutoField, Field, Model, QuerySet
from django.db.models.deletion import Collector, get_candidate_relations_to_delete
from django.db.models.expressions import Expression
from django.db.models.sql import DeleteQuery, UpdateQuery

from orgs.base.statements import Parameter, sent

M = TypeVar("M", bound=Model)
KNOWN_TEXTS = 64
IGNORED = "DO NOTHING"


class Insert(Generic[M]):
    """Rows of one model, several in one statement, whose text is made once for each number of rows.

    `on_conflict` is SQL, such as `(name) DO NOTHING`; both databases take the same. With IGNORED a row that is there
    already is left as it is.
    """

    def __init__(self, model: type[M], *, on_conflict: str = "") -> None:
        # names of tables and columns are the model's own
        self._meta: Any = model._meta  # noqa: SLF001
        self._fields: Any = None
        self._on_conflict = on_conflict
        self._texts: dict[tuple[str, int], str] = {}

    def one(self, row: M) -> bool:
        """Insert the row and set its primary key; say whether it wasn't there already."""
        return self.all([row]) == 1

    def all(self, rows: Sequence[M]) -> int:
        """Insert the rows and set their primary keys, if all are new. Returns how many were."""
        if not rows:
            return 0
        keys = self.returning(rows, self._meta.pk.column)
        if len(keys) == len(rows):
            for row, key in zip(rows, keys, strict=True):
                row.pk = key
                _mark_stored(row)
        return len(keys)

    def run(self, rows: Sequence[M], *, before: "tuple[Insert[Any], Sequence[Any]] | None" = None) -> int:
        """Insert the rows; with `before`, others first. Returns how many of the rows were new.

        No primary key that the database gives is read back. On PostgreSQL the others are a part of the same statement,
        elsewhere a statement of their own.
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
            _mark_stored(row)
        return count

    def returning(self, rows: Sequence[M], name: str) -> list[Any]:
        """Insert the rows, and return the values of this column in those that were new."""
        connection = connections[DEFAULT_DB_ALIAS]
        sql, values = self.statement(connection, rows)
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} RETURNING {connection.ops.quote_name(name)}", values)
            return [value for (value,) in cursor.fetchall()]

    def statement(self, connection: BaseDatabaseWrapper, rows: Sequence[M]) -> tuple[str, list[Any]]:
        """Return the statement for these rows, and its values."""
        if self._fields is None:
            self._fields = [field for field in self._meta.local_concrete_fields if not _is_given(field)]
        fields = self._fields
        values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for row in rows for field in fields]
        key = (connection.vendor, len(rows))
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= KNOWN_TEXTS:
                self._texts.clear()
            text = self._texts[key] = self._text(connection, len(rows))
        return text, values

    def _text(self, connection: BaseDatabaseWrapper, count: int) -> str:
        quote = connection.ops.quote_name
        columns = ", ".join(quote(field.column) for field in self._fields)
        one = f"({', '.join(['%s'] * len(self._fields))})"
        conflict = f" ON CONFLICT {self._on_conflict}" if self._on_conflict else ""
        table = quote(self._meta.db_table)
        return f"INSERT INTO {table} ({columns}) VALUES {', '.join([one] * count)}{conflict}"  # noqa: S608 - names of the model


def _is_given(field: "Field[Any, Any]") -> bool:
    """Say whether the database gives the value."""
    return isinstance(field, AutoField | BigAutoField)


def _mark_stored(row: Model) -> None:
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001


class Update(Generic[M]):
    """An UPDATE of the rows that a queryset names, of those columns that are given.

    `computed` names columns whose value the database works out; `returning` is a column of which the new value is returned.
    """

    def __init__(
        self,
        rows: Callable[[], "QuerySet[M, Any]"],
        *,
        computed: Callable[[], Mapping[str, Expression]] = dict,
        returning: str = "",
    ) -> None:
        self._rows, self._computed, self._returning = rows, computed, returning
        self._compiled: dict[tuple[str, ...], tuple[str, Sequence[Any]]] = {}

    def run(self, columns: Mapping[str, Any] | None = None, **given: Any) -> int:
        """Set the columns, named as the model's fields are. Returns how many rows there were."""
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            self._execute(cursor, connection, columns or {}, given)
            return int(cursor.rowcount)

    def value(self, columns: Mapping[str, Any] | None = None, **given: Any) -> Any:
        """Set the columns, and return the new value of the column `returning` in the row, or None without a row."""
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            self._execute(cursor, connection, columns or {}, given)
            row = cursor.fetchone()
        return row[0] if row else None

    def _execute(
        self, cursor: Any, connection: BaseDatabaseWrapper, columns: Mapping[str, Any], given: Mapping[str, Any]
    ) -> None:
        names = (connection.alias, *columns)
        sql, parameters = self._compiled.get(names) or self._compile(connection, names)
        values = {**given, **{f"new {name}": value for name, value in columns.items()}}
        cursor.execute(sql, [sent(value, values, connection) for value in parameters])

    def _compile(self, connection: BaseDatabaseWrapper, names: tuple[str, ...]) -> tuple[str, Sequence[Any]]:
        queryset = self._rows()
        field_of: Callable[[str], Any] = queryset.model._meta.get_field  # noqa: SLF001
        values: dict[str, Any] = {name: Parameter(f"new {name}", field_of(name)) for name in names[1:]}
        sql, parameters = _update(queryset, values | dict(self._computed()), connection)
        if self._returning:
            sql += f" RETURNING {connection.ops.quote_name(field_of(self._returning).column)}"
        self._compiled[names] = sql, parameters
        return sql, parameters


class Delete(Generic[M]):
    """A DELETE of the rows that a queryset names. Nothing may refer to such rows: there is no cascade here."""

    def __init__(self, rows: Callable[[], "QuerySet[M, Any]"]) -> None:
        self._rows = rows
        self._compiled: dict[str, tuple[str, Sequence[Any]]] = {}

    def run(self, **given: Any) -> int:
        """Delete the rows. Returns how many there were."""
        connection = connections[DEFAULT_DB_ALIAS]
        sql, parameters = self._compiled.get(connection.alias) or self._compile(connection)
        with connection.cursor() as cursor:
            cursor.execute(sql, [sent(value, given, connection) for value in parameters])
            return int(cursor.rowcount)

    def _compile(self, connection: BaseDatabaseWrapper) -> tuple[str, Sequence[Any]]:
        queryset = self._rows()
        if not Collector(using=connection.alias, origin=queryset).can_fast_delete(queryset):
            raise TypeError(f"Other rows refer to those of {queryset.model.__name__}.")
        self._compiled[connection.alias] = compiled = _delete(queryset, connection)
        return compiled


class DeleteCascade(Generic[M]):
    """A DELETE of the rows that a queryset names, and of what refers to them, by the `on_delete` of the models.

    On PostgreSQL all is one statement. Where a model protects what it refers to, the database refuses, when the
    transaction commits.
    """

    def __init__(self, rows: Callable[[], "QuerySet[M, Any]"]) -> None:
        self._rows = rows
        self._compiled: dict[str, Sequence[tuple[str, Sequence[Any]]]] = {}

    def run(self, **given: Any) -> int:
        """Delete the rows. Returns how many there were, without those that referred to them."""
        connection = connections[DEFAULT_DB_ALIAS]
        statements = self._compiled.get(connection.alias) or self._compile(connection)
        with connection.cursor() as cursor:
            for sql, parameters in statements:
                cursor.execute(sql, [sent(value, given, connection) for value in parameters])
            return int(cursor.rowcount)

    def _compile(self, connection: BaseDatabaseWrapper) -> Sequence[tuple[str, Sequence[Any]]]:
        statements = list(_cascade(self._rows().order_by(), connection))
        if connection.vendor == "postgresql":
            statements = [_as_one(statements)]
        self._compiled[connection.alias] = statements
        return statements


def _cascade(rows: "QuerySet[Any, Any]", connection: BaseDatabaseWrapper) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the statements that delete the rows: first those about rows that refer to them."""
    # signals of a model are for its instances, which aren't read here
    if Collector(using=connection.alias, origin=rows)._has_signal_listeners(rows.model):  # type: ignore[attr-defined]  # noqa: SLF001
        raise TypeError(f"Something listens to the deletion of {rows.model.__name__}.")
    relations: Any = get_candidate_relations_to_delete(rows.model._meta)  # noqa: SLF001
    for relation in relations:
        name = relation.field.name
        # all of them, whatever the model's managers leave out
        related: QuerySet[Any, Any] = QuerySet(relation.related_model).order_by().filter(**{f"{name}__in": rows})
        if relation.on_delete is CASCADE:
            yield from _cascade(related, connection)
        elif relation.on_delete is SET_NULL:
            yield _update(related, {name: None}, connection)
        elif relation.on_delete is not PROTECT:
            raise TypeError(f"{relation.related_model.__name__}.{name} has an on_delete that isn't known here.")
    yield _delete(rows, connection)


def _as_one(statements: Sequence[tuple[str, Sequence[Any]]]) -> tuple[str, Sequence[Any]]:
    """Return one statement for PostgreSQL that does what these do. Each sees the rows as they were before all of them."""
    *others, (last, _) = statements
    parts = ", ".join(f"part{place} AS ({sql})" for place, (sql, _) in enumerate(others))
    parameters = [value for _, values in statements for value in values]
    return f"WITH {parts} {last}" if others else last, parameters


def _delete(rows: "QuerySet[Any, Any]", connection: BaseDatabaseWrapper) -> tuple[str, Sequence[Any]]:
    query: Any = rows.order_by().query.chain(DeleteQuery)
    sql, parameters = query.get_compiler(using=connection.alias).as_sql()
    return sql, parameters


def _update(
    rows: "QuerySet[Any, Any]", values: Mapping[str, Any], connection: BaseDatabaseWrapper
) -> tuple[str, Sequence[Any]]:
    query: Any = rows.order_by().query.chain(UpdateQuery)
    query.add_update_values(values)
    sql, parameters = query.get_compiler(using=connection.alias).as_sql()
    return sql, parameters
