"""Tell a database that can't be reached, or has no time, from one that refuses what it was asked."""

from django.db import InterfaceError, OperationalError, connection

# SQLite reports a missing table in the class of errors that also says "database is locked"
PERMANENT = ("no such ", "unable to open database file", "attempt to write a readonly database")
RETRY_AFTER_SECONDS = 5


def is_unavailable(error: BaseException | None) -> bool:
    """Say whether the same request may succeed in a few seconds."""
    if isinstance(error, OperationalError):
        return not str(error).startswith(PERMANENT)
    return isinstance(error, InterfaceError)


def came_of_unavailable(error: BaseException | None) -> bool:
    """Say whether this error is, or was raised while handling, one that `is_unavailable` knows."""
    while error is not None:
        if is_unavailable(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_connected() -> bool:
    """Say whether this thread holds a connection: to ask for one that wasn't to be had means to wait again."""
    return connection.connection is not None
