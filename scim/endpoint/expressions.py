"""Text in SQL that means the same on SQLite and PostgreSQL: keys are made in Python, compared by code points, never folded."""

import json
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

from scim.protocol.filters import Operator

Sql = tuple[str, Any]
# LIKE folds ASCII on SQLite, and knows wildcards on both: so parts are cut out and compared
POSTGRESQL = {
    Operator.EQ: "COALESCE({text} = {value}, FALSE)",
    Operator.NE: "COALESCE({text} <> {value}, TRUE)",
    Operator.CO: "COALESCE(strpos({text}, {value}) > 0, FALSE)",
    Operator.SW: "COALESCE(starts_with({text}, {value}), FALSE)",
    Operator.EW: "COALESCE(right({text}, length({value})) = {value}, FALSE)",
    Operator.GT: 'COALESCE({text} COLLATE "C" > {value}, FALSE)',
    Operator.GE: 'COALESCE({text} COLLATE "C" >= {value}, FALSE)',
    Operator.LT: 'COALESCE({text} COLLATE "C" < {value}, FALSE)',
    Operator.LE: 'COALESCE({text} COLLATE "C" <= {value}, FALSE)',
}
SQLITE = {
    Operator.EQ: "COALESCE({text} = {value}, 0)",
    Operator.NE: "COALESCE({text} <> {value}, 1)",
    Operator.CO: "COALESCE(instr({text}, {value}) > 0, 0)",
    Operator.SW: "COALESCE(substr({text}, 1, length({value})) = {value}, 0)",
    Operator.EW: "COALESCE(substr({text}, -length({value})) = {value}, 0)",
    Operator.GT: "COALESCE({text} > {value}, 0)",
    Operator.GE: "COALESCE({text} >= {value}, 0)",
    Operator.LT: "COALESCE({text} < {value}, 0)",
    Operator.LE: "COALESCE({text} <= {value}, 0)",
}


class TextComparison(Func):
    """`text op value`; true or false, also where the text is null."""

    output_field = BooleanField()

    def __init__(self, text: Combinable, op: Operator, value: str) -> None:
        super().__init__(text)
        self.op, self.value = op, value

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        return self._sql(compiler, SQLITE[self.op], "%s")

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        return self._sql(compiler, POSTGRESQL[self.op], "%s::text")

    def _sql(self, compiler: SQLCompiler, template: str, value: str) -> Sql:
        text, parameters = compiler.compile(self.source_expressions[0])
        return template.format(text=text, value=value), [*parameters, *[self.value] * template.count("{value}")]


class IsAssigned(Func):
    template = "(%(expressions)s IS NOT NULL)"
    output_field = BooleanField()


class KeyText(Func):
    """The text at a place in a JSON column, or null: names lead into objects, numbers into lists."""

    output_field = TextField()

    def __init__(self, column: str, *places: str | int) -> None:
        super().__init__(F(column))
        self.places = places

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        column, parameters = compiler.compile(self.source_expressions[0])
        return f"json_extract({column}, %s)", [*parameters, _path(*self.places)]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        column, parameters = compiler.compile(self.source_expressions[0])
        *outer, last = (str(place) if isinstance(place, int) else "%s::text" for place in self.places)
        names = [place for place in self.places if isinstance(place, str)]
        return f"({' -> '.join([column, *outer])} ->> {last})", [*parameters, *names]


class ValueText(Func):
    """The text of a sub-attribute in the value that AnyValue looks at, or null."""

    output_field = TextField()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        return "json_extract(item.value, %s)", [_path(self.name)]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        return "(item.value ->> %s::text)", [self.name]


class AnyValue(Func):
    """Whether a list in a JSON column has a value that meets a condition, which is made of ValueText."""

    output_field = BooleanField()

    def __init__(self, column: str, name: str, condition: Q | None) -> None:
        super().__init__(F(column), *([condition] if condition is not None else []))
        self.name = name

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        return self._sql(compiler, "json_each({column}, %s) AS item", _path(self.name))

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        return self._sql(compiler, "jsonb_array_elements({column} -> %s::text) AS item(value)", self.name)

    def _sql(self, compiler: SQLCompiler, values: str, place: str) -> Sql:
        column, before = compiler.compile(self.source_expressions[0])
        parameters = [*before, place]
        sql = f"SELECT 1 FROM {values.format(column=column)}"  # noqa: S608 - the text is ours, values are parameters
        if len(self.source_expressions) > 1:
            condition, more = compiler.compile(self.source_expressions[1])
            sql, parameters = f"{sql} WHERE {condition}", [*parameters, *more]
        return f"EXISTS ({sql})", parameters


class IdText(Func):
    """A UUID column in canonical form."""

    output_field = TextField()

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        column, parameters = compiler.compile(self.source_expressions[0])
        ends = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        parts = " || '-' || ".join(f"substr({column}, {start}, {length})" for start, length in ends)
        return f"({parts})", parameters

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        column, parameters = compiler.compile(self.source_expressions[0])
        return f"({column})::text", parameters


class Joined(Func):
    """Texts one after another, or null if one of them is."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TextField()


class Ordered(Func):
    """A text by whose code points rows are sorted; beyond its beginning they count as equal, so that a cursor stays short."""

    output_field = TextField()
    beginning = 256

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        text, parameters = compiler.compile(self.source_expressions[0])
        return f"substr({text}, 1, {self.beginning})", parameters

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Sql:
        text, parameters = compiler.compile(self.source_expressions[0])
        return f'(left({text}, {self.beginning}) COLLATE "C")', parameters


def constant(text: str) -> "Func":
    return Func(Value(text), template="CAST(%(expressions)s AS text)", output_field=TextField())


def _path(*places: str | int) -> str:
    return "$" + "".join(f"[{place}]" if isinstance(place, int) else f".{json.dumps(place)}" for place in places)
