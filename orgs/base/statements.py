"""The statements of a hot path: each is written as a queryset, compiled once for each database, and run with parameters.

To build and compile a queryset takes Django several times as long as the database takes to answer it, and the text is the
same each time. What comes back are the same model instances, with what `select_related` names. `Rows` gives values
instead, each row in a dataclass; PostgreSQL parses and plans such a statement once for each connection.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, DateTimeField, Field, Model, QuerySet, Subquery, TextField, UUIDField
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators
from django.db.transaction import TransactionManagementError

M = TypeVar("M", bound=Model)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a parameter stands in a compiled statement."""

    name: str
    field: "Field[Any, Any]"


class Parameter(Expression):
    """A value that is given when the statement runs, and sent as this field sends it."""

    def __init__(self, name: str, field: "Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return "%s", [Slot(self.name, self.output_field)]


def number(name: str) -> Parameter:
    """Return a parameter that is a whole number, as primary keys are."""
    return Parameter(name, BigIntegerField())


def text(name: str) -> Parameter:
    return Parameter(name, TextField())


def uuid(name: str) -> Parameter:
    return Parameter(name, UUIDField())


def moment(name: str) -> Parameter:
    return Parameter(name, DateTimeField())


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement as one database takes it, and how its rows are read."""

    sql: str
    parameters: tuple[Any, ...]
    converters: tuple[tuple[int, Sequence[Any], Any], ...]
    read: Callable[[Sequence[Any]], Any]
    is_locking: bool


class CompiledQuerySet:
    """A queryset that is compiled when it first runs, once for each database."""

    is_prepared = False

    def __init__(
        self, build: Callable[[], "QuerySet[Any, Any]"], *, is_shared: bool = False, is_late: bool = False
    ) -> None:
        self._build = build
        self._is_shared, self._is_late = is_shared, is_late
        self._compiled: dict[str, Compiled] = {}

    def _run(self, given: dict[str, Any]) -> tuple[Compiled, list[Sequence[Any]]]:
        """Return the rows. Raises TransactionManagementError where it locks outside of a transaction."""
        connection = connections[DEFAULT_DB_ALIAS]
        compiled = self._compiled.get(connection.alias) or self._compile(connection)
        if compiled.is_locking and connection.get_autocommit():
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        parameters = [sent(value, given, connection) for value in compiled.parameters]
        with _preparing_cursor(connection) if self.is_prepared else connection.cursor() as cursor:
            cursor.execute(compiled.sql, parameters)
            rows = cursor.fetchall()
        if not compiled.converters:
            return compiled, rows
        return compiled, [_converted(row, compiled, connection) for row in rows]

    def _compile(self, connection: BaseDatabaseWrapper) -> Compiled:
        queryset = self._build()
        compiler = queryset.query.get_compiler(using=connection.alias)
        sql, parameters = compiler.as_sql()
        columns = [selected[0] for selected in compiler.select[0 : compiler.col_count]]
        converters = compiler.get_converters(columns)
        if self._is_shared and connection.features.has_select_for_update:
            # Django has no share lock
            sql += " FOR KEY SHARE NOWAIT" if self._is_late else " FOR KEY SHARE"
        compiled = Compiled(
            sql,
            tuple(parameters),
            tuple((place, functions, column) for place, (functions, column) in converters.items()),
            _reader(compiler, connection.alias),
            self._is_shared or queryset.query.select_for_update,
        )
        self._compiled[connection.alias] = compiled
        return compiled


class Statement(CompiledQuerySet, Generic[M]):
    """One that gives model instances. It has no prefetches; annotations are values alone; a slice is part of it.

    With `is_shared` its rows stay as they are until the transaction ends, and others may hold them in the same way: who
    deletes them, or holds them by `select_for_update`, waits. SQLite has one writer at a time and needs no lock.
    With `is_late` nobody is waited for who holds them now: OperationalError is raised instead.
    """

    def __init__(
        self, build: Callable[[], "QuerySet[M, Any]"], *, is_shared: bool = False, is_late: bool = False
    ) -> None:
        super().__init__(build, is_shared=is_shared, is_late=is_late)

    def all(self, **given: Any) -> list[Any]:
        """Return what the queryset would. Raises TransactionManagementError where it locks outside of a transaction."""
        compiled, rows = self._run(given)
        return [compiled.read(row) for row in rows]

    def first(self, **given: Any) -> M | None:
        """Return the first of them, if there is one."""
        return next(iter(self.all(**given)), None)


class Rows(CompiledQuerySet, Generic[R]):
    """One that selects values (`values_list`), each row of which is given to `into`, such as a dataclass.

    PostgreSQL parses and plans it once for each connection. With `is_paged` it is given `limit` as well.
    """

    is_prepared = True

    def __init__(
        self, into: Callable[..., R], build: Callable[[], "QuerySet[Any, Any]"], *, is_paged: bool = False
    ) -> None:
        super().__init__(build)
        self._into = into
        self._is_paged = is_paged

    def _compile(self, connection: BaseDatabaseWrapper) -> Compiled:
        compiled = super()._compile(connection)
        if self._is_paged:
            sql, parameters = f"{compiled.sql} LIMIT %s", (*compiled.parameters, Slot("limit", BigIntegerField()))
            compiled = self._compiled[connection.alias] = replace(compiled, sql=sql, parameters=parameters)
        return compiled

    def all(self, **given: Any) -> list[R]:
        _, rows = self._run(given)
        return [self._into(*row) for row in rows]

    def first(self, **given: Any) -> R | None:
        """Return the first of them, if there is one."""
        _, rows = self._run(given)
        return self._into(*rows[0]) if rows else None


def _preparing_cursor(connection: BaseDatabaseWrapper) -> Any:
    """Return a cursor whose statements PostgreSQL keeps prepared (`prepare_threshold` of the connection)."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    from django.db.backends.postgresql.base import ServerBindingCursor

    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection._prepare_cursor(cursor)  # type: ignore[attr-defined]  # noqa: SLF001 - counts and translates errors


def sent(value: Any, given: dict[str, Any], connection: BaseDatabaseWrapper) -> Any:
    """Return a parameter as the driver takes it."""
    if isinstance(value, Slot):
        return value.field.get_db_prep_value(given[value.name], connection, prepared=False)
    return value


def _converted(row: Sequence[Any], compiled: Compiled, connection: BaseDatabaseWrapper) -> Sequence[Any]:
    """Return a row in Python's types."""
    if not compiled.converters:
        return row
    values = list(row)
    for place, functions, column in compiled.converters:
        for convert in functions:
            values[place] = convert(values[place], column, connection)
    return values


def _reader(compiler: Any, alias: str) -> Callable[[Sequence[Any]], Any]:
    """Return how a row becomes what the queryset gives: a tuple of values, or an instance with its related ones."""
    shape = compiler.klass_info
    if not compiler.query.default_cols:
        return tuple
    model, places = shape["model"], shape["select_fields"]
    start, end = places[0], places[-1] + 1
    names = [selected[0].target.attname for selected in compiler.select[start:end]]
    related = get_related_populators(shape, compiler.select, alias)  # type: ignore[call-arg]

    def read(row: Sequence[Any]) -> Any:
        instance = model.from_db(alias, names, row[start:end])
        for one in related:
            one.populate(row, instance)
        return instance

    return read


_SQLITE = "(SELECT json_group_array(json_array({columns})) FROM (%(subquery)s) {rows})"
# empty where there are no rows
_POSTGRESQL = "(SELECT json_agg(json_build_array({columns}))::text FROM (%(subquery)s) {rows})"


class JsonRows(Subquery):
    """The rows of a subquery as one JSON text: a list of lists of these columns, which are annotations of it, in its order."""

    def __init__(self, queryset: "QuerySet[Any, Any]", *columns: str) -> None:
        super().__init__(queryset.values(*columns), output_field=TextField())
        self.columns = columns

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper, template: str | None = None, **extra: Any) -> Any:
        form = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
        quote = connection.ops.quote_name
        columns = ", ".join(f"{quote('rows')}.{quote(name)}" for name in self.columns)
        return super().as_sql(compiler, connection, form.format(columns=columns, rows=quote("rows")), **extra)


class Nth(Subquery):
    """The value of a subquery's one column in the row before which there are `offset` others; NULL where there is none."""

    template = "(%(subquery)s LIMIT 1 OFFSET %%s)"

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper, template: str | None = None, **extra: Any) -> Any:
        sql, parameters = super().as_sql(compiler, connection, template, **extra)
        return sql, (*parameters, Slot("offset", BigIntegerField()))
