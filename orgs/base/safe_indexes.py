"""Indexes of tables that are in use: built and dropped without blocking writes on PostgreSQL (docs/migrations.md)."""

from typing import Any

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex, RemoveIndex
from django.db.migrations.state import ProjectState

NO_LIMIT = "0"
BROKEN_INDEX = """
SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = pg_index.indexrelid
WHERE pg_class.relname = %s AND NOT pg_index.indisvalid AND pg_table_is_visible(pg_class.oid)
"""


class _WithoutLock(NotInTransactionMixin):
    """Runs outside a transaction on PostgreSQL, which demands it; its migration says `atomic = False`."""

    atomic = False

    def _add(self, model: Any, index: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor != "postgresql":
            schema_editor.add_index(model, index)
            return
        self._ensure_not_in_transaction(schema_editor)
        previous = _lift_lock_timeout(schema_editor)
        try:
            if _is_broken(schema_editor, index.name):
                # an attempt that was interrupted leaves an index that is never used, and whose name is taken
                schema_editor.remove_index(model, index, concurrently=True)  # type: ignore[call-arg]
            schema_editor.add_index(model, index, concurrently=True)  # type: ignore[call-arg]
        finally:
            _set_lock_timeout(schema_editor, previous)

    def _remove(self, model: Any, index: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor != "postgresql":
            schema_editor.remove_index(model, index)
            return
        self._ensure_not_in_transaction(schema_editor)
        previous = _lift_lock_timeout(schema_editor)
        try:
            schema_editor.remove_index(model, index, concurrently=True)  # type: ignore[call-arg]
        finally:
            _set_lock_timeout(schema_editor, previous)


class AddIndexSafely(_WithoutLock, AddIndex):
    """Build an index with CONCURRENTLY on PostgreSQL, and plainly elsewhere. Running it again after a failure mends it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self._add(model, self.index, schema_editor)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self._remove(model, self.index, schema_editor)


class AddUniqueSafely(_WithoutLock, AddConstraint):
    """Add a unique rule that has a condition, which is an index, with CONCURRENTLY on PostgreSQL, and plainly elsewhere."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        previous = _lift_lock_timeout(schema_editor)
        try:
            if _is_broken(schema_editor, self.constraint.name):
                name = schema_editor.quote_name(self.constraint.name)
                schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            statement: Any = self.constraint.create_sql(model, schema_editor)
            statement.template = statement.template.replace("UNIQUE INDEX", "UNIQUE INDEX CONCURRENTLY", 1)
            schema_editor.execute(statement, params=None)
        finally:
            _set_lock_timeout(schema_editor, previous)


class RemoveIndexSafely(_WithoutLock, RemoveIndex):
    """Drop an index with CONCURRENTLY on PostgreSQL, and plainly elsewhere."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            index = from_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
            self._remove(model, index, schema_editor)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            index = to_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
            self._add(model, index, schema_editor)


def _lift_lock_timeout(schema_editor: BaseDatabaseSchemaEditor) -> str:
    """Let the build wait for transactions that are open: meanwhile it blocks nobody. Returns the limit of before."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        previous = str(cursor.fetchone()[0])
    _set_lock_timeout(schema_editor, NO_LIMIT)
    return previous


def _set_lock_timeout(schema_editor: BaseDatabaseSchemaEditor, limit: str) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [limit])


def _is_broken(schema_editor: BaseDatabaseSchemaEditor, name: str) -> bool:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(BROKEN_INDEX, [name])
        return cursor.fetchone() is not None
