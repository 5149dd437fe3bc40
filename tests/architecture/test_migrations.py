"""Every migration after an app's first can run while the previous release serves (docs/migrations.md)."""

from collections.abc import Iterator

import pytest
from django.core.management import get_commands
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from orgs.base.safe_indexes import AddIndexSafely, RemoveIndexSafely

APPS = ("orgs", "sso", "scim")
SAFE = (AddIndexSafely, RemoveIndexSafely)
DATA = (migrations.RunPython, migrations.RunSQL)
# a few rows for each organization, or rows that live for a minute: an index is built before anybody waits
SMALL = {
    *("organization", "domain", "team", "groupmapping"),
    *("connection", "configuration", "idpcertificate", "spkey", "metadatasnapshot", "signintest", "pendingsignin"),
    *("directory", "scimtoken"),
}


def problems_of(migration: migrations.Migration) -> list[str]:
    """Return what in this migration would stop a service that is in use."""
    return [*_mixed(migration), *_blocking(migration), *_not_alone(migration)]


def _mixed(migration: migrations.Migration) -> Iterator[str]:
    changes_data = [isinstance(operation, DATA) for operation in migration.operations]
    if any(changes_data) and not all(changes_data):
        yield "changes data and schema: move the data into a migration of its own, or into a command"


def _blocking(migration: migrations.Migration) -> Iterator[str]:
    own = SMALL | {each.name.lower() for each in migration.operations if isinstance(each, migrations.CreateModel)}
    for operation in migration.operations:
        if _builds_index(operation) and operation.model_name.lower() not in own:
            yield f"{operation.describe()}: blocks writes, use AddIndexSafely or RemoveIndexSafely"


def _builds_index(operation: Operation) -> bool:
    if isinstance(operation, migrations.AddField):
        field = operation.field
        return bool(field.db_index or field.unique) and not isinstance(field, models.ManyToManyField)
    return isinstance(operation, migrations.AddIndex | migrations.RemoveIndex) and not isinstance(operation, SAFE)


def _not_alone(migration: migrations.Migration) -> Iterator[str]:
    safe = [isinstance(operation, SAFE) for operation in migration.operations]
    if any(safe) and not all(safe):
        yield "builds an index beside other changes: half of it would stay after a failure, split it"
    if any(safe) and migration.atomic:
        yield "builds an index in a transaction: say atomic = False"


def later_migrations() -> list[tuple[str, migrations.Migration]]:
    loader = MigrationLoader(None)
    assert loader.disk_migrations is not None
    found = [(f"{app}.{name}", made) for (app, name), made in loader.disk_migrations.items() if app in APPS]
    return sorted((name, made) for name, made in found if not made.initial)


def test_later_migrations_are_found_in_the_apps():
    assert {"orgs.0002_domain_answers", "sso.0002_attempt_facts"} <= {name for name, _ in later_migrations()}


@pytest.mark.parametrize("migration", [pytest.param(made, id=name) for name, made in later_migrations()])
def test_migration_does_not_stop_a_service_that_is_in_use(migration):
    assert problems_of(migration) == []


INDEX = models.Index(fields=["org", "email_key"], name="made_up")
FOREIGN_KEY = models.ForeignKey("orgs.Organization", on_delete=models.CASCADE, null=True)


@pytest.mark.parametrize(
    ("operations", "atomic", "problem"),
    [
        ([migrations.AddIndex("loginattempt", INDEX)], True, "use AddIndexSafely"),
        ([migrations.RemoveIndex("loginattempt", "made_up")], True, "RemoveIndexSafely"),
        ([migrations.AddField("loginattempt", "other", FOREIGN_KEY)], True, "use AddIndexSafely"),
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
    assert [problem in found for found in problems_of(made)] == [True]


@pytest.mark.parametrize(
    ("operations", "atomic"),
    [
        ([AddIndexSafely("loginattempt", INDEX)], False),
        ([migrations.AddIndex("pendingsignin", INDEX)], True),
        ([migrations.CreateModel("Fresh", []), migrations.AddIndex("fresh", INDEX)], True),
        ([migrations.RunPython(migrations.RunPython.noop)], True),
    ],
)
def test_problems_of_is_empty_for_what_the_rule_allows(operations, atomic):
    made = migrations.Migration("0099_made_up", "sso")
    made.operations, made.atomic = operations, atomic
    assert problems_of(made) == []


def test_migrate_is_the_command_that_limits_lock_waits():
    assert get_commands()["migrate"] == "portal"
