"""The tenant wall in the database: a child row and its parent belong to one organization, or the commit fails."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class TenantForeignKey(Operation):
    """On PostgreSQL, `(org_id, <field>_id)` of `model` refers to `(org_id, id)` of the parent.

    Checked at commit, since Django deletes parents and children in one transaction. An empty parent is allowed.
    SQLite can't add a constraint to a table; there the tests walk every tenant table instead.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model: str, field: str) -> None:
        self.model = model
        self.field = field

    @property
    def constraint(self) -> str:
        return f"tenant_{self.model}_{self.field}".lower()[:63]

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing in Django's model state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        model: Any = to_state.apps.get_model(app_label, self.model)
        field = model._meta.get_field(self.field)  # noqa: SLF001
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self.constraint)} "  # noqa: SLF001
            f"FOREIGN KEY (org_id, {quote(field.column)}) "
            f"REFERENCES {quote(field.remote_field.model._meta.db_table)} (org_id, id) DEFERRABLE INITIALLY DEFERRED"  # noqa: SLF001
        )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        model: Any = from_state.apps.get_model(app_label, self.model)
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT IF EXISTS {quote(self.constraint)}"  # noqa: SLF001
        )

    def describe(self) -> str:
        return f"Bind {self.model}.{self.field} to its organization"
