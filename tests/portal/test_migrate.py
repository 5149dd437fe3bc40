"""On PostgreSQL a migration gives up on a lock, and builds indexes without blocking anybody."""

import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands import migrate as django_migrate
from django.db import OperationalError, connection, migrations, models
from django.db.migrations.state import ProjectState

from orgs.audit.models import AuditEvent
from orgs.base.safe_constraints import AddCheckSafely, ValidateCheck
from orgs.base.safe_indexes import AddIndexSafely, RemoveIndexSafely
from portal.management.commands import migrate

INDEX = models.Index(fields=["action"], name="audit_by_action_made_up")
on_postgresql = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def state_with(*operations: migrations.operations.base.Operation) -> ProjectState:
    state = ProjectState.from_apps(AuditEvent._meta.apps)
    for operation in operations:
        operation.state_forwards("orgs", state)
    return state


def index_state(name: str = INDEX.name) -> bool | None:
    """Return whether the index is valid; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
        row = cursor.fetchone()
    return row and row[0]


def apply(operation: migrations.operations.base.Operation, before: ProjectState, after: ProjectState) -> None:
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("orgs", editor, before, after)


def undo(operation: migrations.operations.base.Operation, before: ProjectState, after: ProjectState) -> None:
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("orgs", editor, after, before)


@pytest.fixture
def states():
    """The states before and after the index, which is gone afterwards."""
    yield state_with(), state_with(AddIndexSafely("auditevent", INDEX))
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX.name}")


@pytest.mark.django_db(transaction=True)
def test_add_index_safely_creates_the_index_and_drops_it_backwards(states):
    operation = AddIndexSafely("auditevent", INDEX)
    apply(operation, *states)
    assert INDEX.name in names_of_indexes()
    undo(operation, *states)
    assert INDEX.name not in names_of_indexes()


@pytest.mark.django_db(transaction=True)
def test_remove_index_safely_drops_the_index_and_creates_it_backwards(states):
    without, has_index = states
    apply(AddIndexSafely("auditevent", INDEX), without, has_index)
    operation = RemoveIndexSafely("auditevent", INDEX.name)
    apply(operation, has_index, without)
    assert INDEX.name not in names_of_indexes()
    undo(operation, has_index, without)
    assert INDEX.name in names_of_indexes()


CHECK = models.CheckConstraint(condition=~models.Q(action=""), name="audit_action_made_up")


@pytest.fixture
def check_states():
    """The states before and after the check, which is gone afterwards."""
    states = state_with(), state_with(AddCheckSafely("auditevent", CHECK))
    yield states
    if CHECK.name in names_of_indexes():
        undo(AddCheckSafely("auditevent", CHECK), *states)


@pytest.mark.django_db(transaction=True)
def test_add_check_safely_adds_the_check_and_drops_it_backwards(check_states):
    apply(AddCheckSafely("auditevent", CHECK), *check_states)
    apply(ValidateCheck("auditevent", CHECK.name), check_states[1], check_states[1])
    assert CHECK.name in names_of_indexes()
    undo(AddCheckSafely("auditevent", CHECK), *check_states)
    assert CHECK.name not in names_of_indexes()


def names_of_indexes() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, AuditEvent._meta.db_table))


def check_is_valid() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT convalidated FROM pg_constraint WHERE conname = %s", [CHECK.name])
        return bool(cursor.fetchone()[0])


class TestOnPostgresql:
    pytestmark = on_postgresql

    def test_add_index_safely_builds_concurrently_and_keeps_the_lock_timeout(self, states):
        with migrate.limited_lock_waits(connection), connection.execute_wrapper(seen := Statements()):
            apply(AddIndexSafely("auditevent", INDEX), *states)
            assert shown_lock_timeout() == migrate.LOCK_TIMEOUT
        assert any(sql.startswith("CREATE INDEX CONCURRENTLY") for sql in seen)
        assert index_state() is True

    def test_add_index_safely_replaces_an_index_that_an_interrupted_build_left(self, states):
        apply(AddIndexSafely("auditevent", INDEX), *states)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [INDEX.name])
        apply(AddIndexSafely("auditevent", INDEX), *states)
        assert index_state() is True

    def test_add_check_safely_leaves_old_rows_unvalidated_until_validate_check(self, check_states):
        apply(AddCheckSafely("auditevent", CHECK), *check_states)
        assert check_is_valid() is False
        apply(ValidateCheck("auditevent", CHECK.name), check_states[1], check_states[1])
        assert check_is_valid() is True

    def test_migrate_limits_lock_waits_and_lifts_the_limit_after(self, monkeypatch):
        during = []
        monkeypatch.setattr(django_migrate.Command, "handle", lambda *_, **__: during.append(shown_lock_timeout()))
        call_command("migrate")
        assert (during, shown_lock_timeout()) == ([migrate.LOCK_TIMEOUT], "0")

    def test_migrate_says_in_one_line_that_a_table_was_in_use(self, monkeypatch):
        monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "200ms")
        monkeypatch.setattr(django_migrate.Command, "handle", alter_audit_table)
        other = connection.copy()
        other.ensure_connection()
        try:
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute("LOCK TABLE orgs_auditevent IN ACCESS SHARE MODE")
            with pytest.raises(CommandError, match=r"^A table was in use for more than 200ms[^\n]+$"):
                call_command("migrate")
        finally:
            other.rollback()
            other.close()


def alter_audit_table(*_: object, **__: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orgs_auditevent ADD COLUMN made_up integer")


def shown_lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


class Statements(list[str]):
    """Collect what is executed."""

    def __call__(self, execute, sql, params, many, context):
        self.append(str(sql))
        return execute(sql, params, many, context)


def test_migrate_raises_any_other_database_error(db, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("no such table")

    monkeypatch.setattr(django_migrate.Command, "handle", fail)
    with pytest.raises(OperationalError, match="no such table"):
        call_command("migrate")
