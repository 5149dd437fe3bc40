"""Where the state is: one SQLite file in the folder, which this site, the demo's seeds and the portal's look-ups share."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sandbox.test_idp.errors import StateUnreadable

FILE = "idp.sqlite3"
# how long somebody waits for another process that writes
PATIENCE_SECONDS = 20.0
VERSION = 1
SCHEMA = """
CREATE TABLE app (
    id TEXT PRIMARY KEY, label TEXT NOT NULL, idp_entity_id TEXT NOT NULL, sp_entity_id TEXT NOT NULL, acs_url TEXT NOT NULL,
    name_id TEXT NOT NULL, custom_name_id TEXT NOT NULL, name_id_format TEXT NOT NULL, login_url TEXT NOT NULL,
    declares_redirect INTEGER NOT NULL, signs TEXT NOT NULL, style TEXT NOT NULL, sign_in_as TEXT NOT NULL
);
CREATE TABLE attribute (
    app_id TEXT NOT NULL REFERENCES app ON DELETE CASCADE, place INTEGER NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (app_id, place)
);
CREATE TABLE delivery (
    app_id TEXT PRIMARY KEY REFERENCES app ON DELETE CASCADE, saml_response TEXT NOT NULL, relay_state TEXT
);
CREATE TABLE person (
    place INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, first TEXT NOT NULL, last TEXT NOT NULL, username TEXT NOT NULL
);
CREATE TABLE membership (
    person INTEGER NOT NULL REFERENCES person ON DELETE CASCADE, place INTEGER NOT NULL, group_name TEXT NOT NULL,
    PRIMARY KEY (person, place)
);
CREATE TABLE key_pair (name TEXT PRIMARY KEY, key TEXT NOT NULL, certificate TEXT NOT NULL);
CREATE TABLE txt_record (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, value));
"""


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection whose statements all see the state of one moment. Raises StateUnreadable."""
    with _transaction(folder, "BEGIN") as connection:
        yield connection


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that is the only one to write until the block ends; an error undoes it. Raises StateUnreadable."""
    with _transaction(folder, "BEGIN IMMEDIATE") as connection:
        yield connection


@contextmanager
def _transaction(folder: Path, begin: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(_open(folder)) as connection:
            connection.execute(begin)
            yield connection
            # without this, closing undoes all
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StateUnreadable(f"{FILE} can’t be used: {error}. Remove it to begin anew.") from error


def _open(folder: Path) -> sqlite3.Connection:
    """Return a connection to the file, which is made with its tables if it isn't there; only its owner can read it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.touch(mode=0o600)
    # transactions begin and end where the code says so
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        _create_tables(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _create_tables(connection: sqlite3.Connection) -> None:
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    # of several that open a new file at once, the first has made them
    if _version(connection) != VERSION:
        for statement in filter(str.strip, SCHEMA.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
