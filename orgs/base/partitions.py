"""Tables of logs that are partitioned by day on PostgreSQL: what is too old goes as a whole table, and leaves no dead rows.

The primary key is a timed id (`orgs.base.timed_ids`), by which the partitions are cut. Days are made ahead; a row of a day
that has no partition goes to the default one, and moves when its day is made. Other databases have one plain table.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState

from orgs.base.clock import now
from orgs.base.timed_ids import first_id

DAYS_AHEAD = 7
LOCK_TIMEOUT = "4s"
DAY_NAME = re.compile(r"_(\d{8})$")
log = structlog.get_logger(__name__)


class CreatePartitioned(CreateModel):
    """Create a table that is partitioned by its timed id on PostgreSQL, and a plain one elsewhere.

    On PostgreSQL it has no foreign keys of one column: those with the organization (TenantForeignKey) say more, and each
    costs a look-up for each row.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model: Any = to_state.apps.get_model(app_label, self.name)
        key, table = model._meta.pk.column, model._meta.db_table  # noqa: SLF001
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = f"{plain} PARTITION BY RANGE ({schema_editor.quote_name(key)})"
        try:
            with _without_foreign_keys(model):
                super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain
        schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")


@contextmanager
def _without_foreign_keys(model: Any) -> Iterator[None]:
    fields = [field for field in model._meta.local_fields if field.remote_field]  # noqa: SLF001
    for field in fields:
        field.db_constraint = False
    try:
        yield
    finally:
        for field in fields:
            field.db_constraint = True


def is_partitioned(connection: BaseDatabaseWrapper) -> bool:
    return connection.vendor == "postgresql"


def make_days(table: str, *, behind: int = 1, ahead: int = DAYS_AHEAD) -> int:
    """Make the partitions from some days ago to some days ahead that aren't there yet. Returns how many were made."""
    connection = connections[DEFAULT_DB_ALIAS]
    if not is_partitioned(connection):
        return 0
    there, today = _days(connection, table), now().astimezone(UTC).date()
    wanted = [today + timedelta(days=number) for number in range(-behind, ahead + 1)]
    return sum(_make_day(connection, table, day) for day in wanted if day not in there)


def drop_days(table: str, *, before: datetime) -> int:
    """Drop the days that ended before this moment, and delete such rows of the default partition. Returns how many rows."""
    connection = connections[DEFAULT_DB_ALIAS]
    if not is_partitioned(connection):
        return _delete(connection, table, before)
    dropped = 0
    for day, name in sorted(_days(connection, table).items()):
        if _starts(day + timedelta(days=1)) <= before:
            dropped += _drop_day(connection, name)
    return dropped + _delete(connection, f"{table}_default", before)


def _days(connection: BaseDatabaseWrapper, table: str) -> dict[date, str]:
    """Return the partitions of a table, by their day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT part.relname FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid "
            "WHERE inhparent = %s::regclass",
            [table],
        )
        names = [str(name) for (name,) in cursor.fetchall()]
    found = ((DAY_NAME.search(name), name) for name in names)
    return {datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC).date(): name for match, name in found if match}


def _make_day(connection: BaseDatabaseWrapper, table: str, day: date) -> bool:
    """Make one day, and move the rows there that came before it was made."""
    name, start, end = f"{table}_{day:%Y%m%d}", first_id(_starts(day)), first_id(_starts(day + timedelta(days=1)))
    theirs = f"FROM {table}_default WHERE id >= {start} AND id < {end}"
    return _change(
        connection,
        f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)",
        f"LOCK TABLE {table}_default IN SHARE ROW EXCLUSIVE MODE",
        f"INSERT INTO {name} SELECT * {theirs}",
        f"DELETE {theirs}",
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
    )


def _drop_day(connection: BaseDatabaseWrapper, name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 - a table of ours
        rows = int(cursor.fetchone()[0])
    return rows if _change(connection, f"DROP TABLE {name}") else 0


def _delete(connection: BaseDatabaseWrapper, table: str, before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE id < %s", [first_id(before)])  # noqa: S608 - a table of ours
        return int(cursor.rowcount)


def _change(connection: BaseDatabaseWrapper, *statements: str) -> bool:
    """Run these in one transaction. Say whether they could: while others keep the table, the next run tries again."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            for statement in statements:
                cursor.execute(statement)
    except OperationalError as error:
        log.warning("partition.postponed", statement=statements[-1], error=type(error).__name__)
        return False
    return True


def _starts(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
