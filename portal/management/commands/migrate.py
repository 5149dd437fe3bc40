"""`manage.py migrate`: Django's own, which on PostgreSQL gives up instead of queueing everybody behind a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# while a statement waits for its lock, every later statement on that table waits behind it
LOCK_TIMEOUT = "4s"
LOCK_NOT_AVAILABLE = "55P03"


class MigrateCommand(migrate.Command):
    """Running it again goes on where it stopped: each migration is applied whole or not at all."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with limited_lock_waits(connections[options["database"]]):
                super().handle(*args, **options)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
            raise CommandError(
                f"A table was in use for more than {LOCK_TIMEOUT}, so that migration was not applied; those before it were. "
                "Run migrate again, at a quieter time if need be."
            ) from error


@contextmanager
def limited_lock_waits(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Wait for locks no longer than LOCK_TIMEOUT in this block."""
    if connection.vendor != "postgresql":
        yield
        return
    _limit(connection, LOCK_TIMEOUT)
    try:
        yield
    finally:
        if connection.connection is not None:
            _limit(connection, "0")


def _limit(connection: BaseDatabaseWrapper, time: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [time])


# Django looks for this name
Command = MigrateCommand
