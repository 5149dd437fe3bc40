"""Every migration after an app's first can run while the previous release serves (docs/migrations.md)."""

from collections.abc import Iterator, Sequence

import pytest
from django.contrib.postgres.operations import ValidateConstraint
from django.core.management import get_commands
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from orgs.base.safe_constraints import AddCheckSafely, ValidateCheck
from orgs.base.safe_indexes import AddIndexSafely, AddUniqueSafely, RemoveIndexSafely
from orgs.base.tenant_keys import TenantForeignKey

APPS = ("orgs", "sso", "scim")
SAFE = (AddIndexSafely, AddUniqueSafely, RemoveIndexSafely)
DATA = (migrations.RunPython, migrations.RunSQL)
# a few rows for each organization, or rows that live for a minute: an index is built before anybody waits
SMALL = {
    *("organization", "domain", "team", "groupmapping"),
    *("connection", "configuration", "idpcertificate", "spkey", "metadatasnapshot", "signintest", "pendingsignin"),
    *("directory", "scimtoken"),
}


def problems_of(migration: migrations.Migration, before: ProjectState) -> list[str]:
    """Return what in this migration would stop a service that is in use; `before` is the state that it finds."""
    found = [*_mixed(migration), *_blocking(migration, before), *_not_alone(migration), *_unvalidated(migration)]
    return [*found, *_required(migration)]


def _mixed(migration: migrations.Migration) -> Iterator[str]:
    changes_data = [isinstance(operation, DATA) for operation in migration.operations]
    if any(changes_data) and not all(changes_data):
        yield "changes data and schema: move the data into a migration of its own, or into a command"


def _blocking(migration: migrations.Migration, before: ProjectState) -> Iterator[str]:
    own = SMALL | {each.name.lower() for each in migration.operations if isinstance(each, migrations.CreateModel)}
    state = before.clone()
    for operation in migration.operations:
        for each in _of_database(operation):
            model = _model_of(each)
            if model not in own and _builds_index(each, migration.app_label, state):
                yield f"{each.describe()}: blocks writes, use AddIndexSafely or RemoveIndexSafely"
            if model not in own and _reads_table(each):
                yield f"{each.describe()}: reads the table under a lock, use AddCheckSafely"
        operation.state_forwards(migration.app_label, state)


def _of_database(operation: Operation) -> Sequence[Operation]:
    return operation.database_operations if isinstance(operation, migrations.SeparateDatabaseAndState) else [operation]


def _model_of(operation: Operation) -> str:
    name = getattr(operation, "model_name", None) or getattr(operation, "model", None) or getattr(operation, "name", "")
    return str(name).lower()


def _builds_index(operation: Operation, app: str, before: ProjectState) -> bool:
    if isinstance(operation, migrations.AddField):
        return _has_index(operation.field)
    if isinstance(operation, migrations.AlterField):
        had = before.models[app, operation.model_name_lower].get_field(operation.name)
        gains_unique = bool(operation.field.unique) and not had.unique
        return gains_unique or (_has_index(operation.field) and not _has_index(had))
    if isinstance(operation, migrations.AddConstraint):
        return not isinstance(operation.constraint, models.CheckConstraint) and not isinstance(operation, SAFE)
    if isinstance(operation, migrations.AlterUniqueTogether | migrations.AlterIndexTogether):
        return bool(operation.option_value)
    return isinstance(operation, migrations.AddIndex | migrations.RemoveIndex) and not isinstance(operation, SAFE)


def _has_index(field: models.Field) -> bool:
    return bool(field.db_index or field.unique) and not isinstance(field, models.ManyToManyField)


def _reads_table(operation: Operation) -> bool:
    """Say whether rows that are there are checked while nobody else may write."""
    if isinstance(operation, migrations.AddConstraint) and isinstance(operation.constraint, models.CheckConstraint):
        return not isinstance(operation, AddCheckSafely)
    return isinstance(operation, TenantForeignKey)


def _unvalidated(migration: migrations.Migration) -> Iterator[str]:
    added = {each.constraint.name for each in migration.operations if isinstance(each, AddCheckSafely)}
    for operation in migration.operations:
        if isinstance(operation, ValidateConstraint) and operation.name in added:
            yield f"{operation.describe()}: keeps the lock of the check that it adds, use a migration of its own"


def _required(migration: migrations.Migration) -> Iterator[str]:
    own = {each.name.lower() for each in migration.operations if isinstance(each, migrations.CreateModel)}
    for operation in migration.operations:
        if not isinstance(operation, migrations.AddField) or operation.model_name_lower in own:
            continue
        field = operation.field
        if not (field.null or field.many_to_many or field.has_db_default()):
            yield f"{operation.describe()}: the previous release leaves it out of new rows, give it a db_default"


def _not_alone(migration: migrations.Migration) -> Iterator[str]:
    safe = [isinstance(operation, SAFE) for operation in migration.operations]
    if any(safe) and not all(safe):
        yield "builds an index beside other changes: half of it would stay after a failure, split it"
    if any(safe) and migration.atomic:
        yield "builds an index in a transaction: say atomic = False"


def loader() -> MigrationLoader:
    return MigrationLoader(None)


def later_migrations() -> list[migrations.Migration]:
    disk = loader().disk_migrations
    assert disk is not None
    found = [made for (app, _), made in disk.items() if app in APPS and not made.initial]
    return sorted(found, key=str)


def test_later_migrations_finds_migrations_of_orgs_and_sso():
    assert {"orgs.0002_domain_answers", "sso.0002_attempt_facts"} <= {str(made) for made in later_migrations()}


@pytest.mark.parametrize("migration", later_migrations(), ids=str)
def test_migration_does_not_block_a_running_service(migration):
    before = loader().project_state((migration.app_label, migration.name), at_end=False)
    assert problems_of(migration, before) == []


def test_checks_added_without_validation_are_validated_later():
    operations = [each for made in later_migrations() for each in made.operations]
    added = {each.constraint.name for each in operations if isinstance(each, AddCheckSafely)}
    assert added <= {each.name for each in operations if isinstance(each, ValidateConstraint)}
    assert "outbox_event_has_org_or_account" in added


INDEX = models.Index(fields=["org", "email_key"], name="made_up")
CHECK = models.CheckConstraint(condition=models.Q(ip__isnull=False), name="made_up")
UNIQUE = models.UniqueConstraint(fields=["org", "email_key"], name="made_up")
LONGER = models.CharField(max_length=300, unique=True)
FOREIGN_KEY = models.ForeignKey("orgs.Organization", on_delete=models.CASCADE, null=True)


@pytest.mark.parametrize(
    ("operations", "atomic", "problem"),
    [
        ([migrations.AddIndex("loginattempt", INDEX)], True, "use AddIndexSafely"),
        ([migrations.RemoveIndex("loginattempt", "made_up")], True, "RemoveIndexSafely"),
        ([migrations.AddField("loginattempt", "other", FOREIGN_KEY)], True, "use AddIndexSafely"),
        ([migrations.AddField("loginattempt", "count", models.IntegerField(default=1))], True, "a db_default"),
        ([migrations.AddConstraint("loginattempt", UNIQUE)], True, "blocks writes"),
        ([migrations.AddConstraint("loginattempt", CHECK)], True, "use AddCheckSafely"),
        ([migrations.AlterField("loginattempt", "email", LONGER)], True, "blocks writes"),
        (
            [migrations.AlterField("loginattempt", "email", models.CharField(max_length=9, db_index=True))],
            True,
            "blocks",
        ),
        ([migrations.AlterUniqueTogether("loginattempt", {("org", "email_key")})], True, "blocks writes"),
        ([migrations.SeparateDatabaseAndState([migrations.AddIndex("loginattempt", INDEX)])], True, "blocks writes"),
        ([TenantForeignKey("LoginAttempt", "membership")], True, "reads the table"),
        ([AddCheckSafely("loginattempt", CHECK), ValidateCheck("loginattempt", "made_up")], True, "of its own"),
        ([AddIndexSafely("loginattempt", INDEX)], True, "atomic = False"),
        ([AddIndexSafely("loginattempt", INDEX), migrations.RemoveField("loginattempt", "ip")], False, "split it"),
        (
            [migrations.RemoveField("loginattempt", "ip"), migrations.RunPython(migrations.RunPython.noop)],
            True,
            "a migration of its own",
        ),
    ],
)
def test_problems_of_names_what_blocks_a_service(operations, atomic, problem):
    made = migrations.Migration("0099_made_up", "sso")
    made.operations, made.atomic = operations, atomic
    assert [problem in found for found in problems_of(made, loader().project_state())] == [True]


@pytest.mark.parametrize(
    ("operations", "atomic"),
    [
        ([AddIndexSafely("loginattempt", INDEX)], False),
        ([migrations.AddIndex("pendingsignin", INDEX)], True),
        ([migrations.CreateModel("Fresh", []), migrations.AddIndex("fresh", INDEX)], True),
        ([migrations.RunPython(migrations.RunPython.noop)], True),
        ([AddCheckSafely("loginattempt", CHECK)], True),
        ([ValidateCheck("loginattempt", "made_up")], True),
        ([migrations.AddConstraint("pendingsignin", UNIQUE)], True),
        # its column is unique already
        ([migrations.AlterField("loginattempt", "code", LONGER)], True),
        ([migrations.AddField("loginattempt", "count", models.IntegerField(db_default=1))], True),
        ([migrations.AddField("loginattempt", "count", models.IntegerField(null=True))], True),
        ([migrations.CreateModel("Fresh", []), TenantForeignKey("Fresh", "org")], True),
    ],
)
def test_problems_of_is_empty_for_what_the_rule_allows(operations, atomic):
    made = migrations.Migration("0099_made_up", "sso")
    made.operations, made.atomic = operations, atomic
    assert problems_of(made, loader().project_state()) == []


def test_migrate_is_the_command_that_limits_lock_waits():
    assert get_commands()["migrate"] == "portal"
