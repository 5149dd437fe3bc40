"""Apps, people and what was sent last. The demo's seeds read and write them, too."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.test_idp.errors import AppUnknown
from sandbox.test_idp.store import reading, writing
from sandbox.test_idp.types import (
    App,
    Attribute,
    Delivery,
    IdpNameIdFormat,
    IdpPerson,
    NameIdSource,
    Signs,
    Source,
    Style,
)

# what a column's text means
MEANINGS = {
    "name_id": NameIdSource,
    "name_id_format": IdpNameIdFormat,
    "signs": Signs,
    "style": Style,
    "declares_redirect": bool,
}
COLUMNS = (
    "id",
    "label",
    "idp_entity_id",
    "sp_entity_id",
    "acs_url",
    "name_id",
    "custom_name_id",
    "name_id_format",
    "login_url",
    "declares_redirect",
    "signs",
    "style",
    "sign_in_as",
)
SAVE_APP = f"""
INSERT INTO app ({", ".join(COLUMNS)}) VALUES ({", ".join(f":{name}" for name in COLUMNS)})
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])}
"""  # noqa: S608 - the names of our own columns


def load_apps(folder: Path) -> tuple[App, ...]:
    """Return the apps in the order of their labels. Raises StateUnreadable."""
    with reading(folder) as db:
        apps = [_app(db, row) for row in db.execute("SELECT * FROM app ORDER BY id").fetchall()]
    return tuple(sorted(apps, key=lambda app: app.label.casefold()))


def find_app(folder: Path, app_id: str) -> App:
    """Raises AppUnknown, StateUnreadable."""
    with reading(folder) as db:
        row = db.execute("SELECT * FROM app WHERE id = ?", [app_id]).fetchone()
        if row is None:
            raise AppUnknown("No app has this address. It may have been deleted: see the list of apps.")
        return _app(db, row)


def save_app(folder: Path, app: App) -> None:
    """Add the app, or replace the one with the same id. Raises StateUnreadable."""
    attributes = [(app.id, place, one.name, one.source) for place, one in enumerate(app.attributes)]
    with writing(folder) as db:
        db.execute(SAVE_APP, asdict(app))
        db.execute("DELETE FROM attribute WHERE app_id = ?", [app.id])
        db.executemany("INSERT INTO attribute (app_id, place, name, source) VALUES (?, ?, ?, ?)", attributes)


def delete_app(folder: Path, app_id: str) -> None:
    """Delete the app and what was sent to it. Raises StateUnreadable."""
    with writing(folder) as db:
        db.execute("DELETE FROM app WHERE id = ?", [app_id])


def load_people(folder: Path) -> tuple[IdpPerson, ...]:
    """Return those whom one can sign in as without typing. Raises StateUnreadable."""
    with reading(folder) as db:
        people = db.execute("SELECT * FROM person ORDER BY place").fetchall()
        return tuple(_person(db, row) for row in people)


def save_people(folder: Path, people: Iterable[IdpPerson]) -> None:
    """Replace whoever was there by these people. Raises StateUnreadable."""
    with writing(folder) as db:
        db.execute("DELETE FROM person")
        for place, one in enumerate(people):
            row = (place, one.email, one.first, one.last, one.username)
            db.execute("INSERT INTO person (place, email, first, last, username) VALUES (?, ?, ?, ?, ?)", row)
            groups = [(place, number, group) for number, group in enumerate(one.groups)]
            db.executemany("INSERT INTO membership (person, place, group_name) VALUES (?, ?, ?)", groups)


def load_sent(folder: Path, app_id: str) -> Delivery | None:
    """Return the last good response that this app was sent. Raises StateUnreadable."""
    with reading(folder) as db:
        row = db.execute("SELECT saml_response, relay_state FROM delivery WHERE app_id = ?", [app_id]).fetchone()
    return None if row is None else Delivery(**row)


def save_sent(folder: Path, app_id: str, sent: Delivery) -> None:
    """Keep the response that can be sent again; of an app that was deleted meanwhile nothing is kept.

    Raises StateUnreadable.
    """
    statement = """
    INSERT INTO delivery (app_id, saml_response, relay_state) SELECT id, ?, ? FROM app WHERE id = ?
    ON CONFLICT (app_id) DO UPDATE SET saml_response = excluded.saml_response, relay_state = excluded.relay_state
    """
    with writing(folder) as db:
        db.execute(statement, [sent.saml_response, sent.relay_state, app_id])


def _app(db: sqlite3.Connection, row: Mapping[str, Any]) -> App:
    found = db.execute("SELECT name, source FROM attribute WHERE app_id = ? ORDER BY place", [row["id"]])
    attributes = tuple(Attribute(one["name"], Source(one["source"])) for one in found)
    return App(**{**dict(row), **{name: read(row[name]) for name, read in MEANINGS.items()}, "attributes": attributes})


def _person(db: sqlite3.Connection, row: Mapping[str, Any]) -> IdpPerson:
    found = db.execute("SELECT group_name FROM membership WHERE person = ? ORDER BY place", [row["place"]])
    groups = tuple(one["group_name"] for one in found)
    return IdpPerson(row["email"], row["first"], row["last"], row["username"], groups)
