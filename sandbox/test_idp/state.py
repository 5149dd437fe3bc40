"""Apps, people and what was sent last: JSON files in one folder. The demo's seeds write here, too."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.test_idp.errors import AppUnknown
from sandbox.test_idp.files import change_json, read_json, unreadable, write_json
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

APPS, PEOPLE, SENT = "apps.json", "people.json", "sent.json"
KINDS = {"name_id": NameIdSource, "name_id_format": IdpNameIdFormat, "signs": Signs, "style": Style}


def load_apps(folder: Path) -> tuple[App, ...]:
    """Return the apps in the order of their labels. Raises StateUnreadable."""
    rows = read_json(folder / APPS, {})
    try:
        apps = [_app({**row, "id": app_id}) for app_id, row in rows.items()]
        return tuple(sorted(apps, key=lambda app: app.label.casefold()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unreadable(folder / APPS) from error


def find_app(folder: Path, app_id: str) -> App:
    """Raises AppUnknown, StateUnreadable."""
    for app in load_apps(folder):
        if app.id == app_id:
            return app
    raise AppUnknown("No app has this address. It may have been deleted: see the list of apps.")


def save_app(folder: Path, app: App) -> None:
    """The app is there; one with the same id is replaced. Raises StateUnreadable."""
    row = asdict(app)
    change_json(folder / APPS, {}, lambda rows: {**rows, row.pop("id"): row})


def delete_app(folder: Path, app_id: str) -> None:
    """The app is gone, and what was sent to it. Raises StateUnreadable."""
    for name in (APPS, SENT):
        change_json(folder / name, {}, lambda rows: {key: row for key, row in rows.items() if key != app_id})


def load_people(folder: Path) -> tuple[IdpPerson, ...]:
    """Return those whom one can sign in as without typing. Raises StateUnreadable."""
    try:
        return tuple(_person(row) for row in read_json(folder / PEOPLE, []))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unreadable(folder / PEOPLE) from error


def save_people(folder: Path, people: Iterable[IdpPerson]) -> None:
    """These are the people, and nobody else."""
    write_json(folder / PEOPLE, [asdict(person) for person in people])


def load_sent(folder: Path, app_id: str) -> Delivery | None:
    """Return the last good response that this app was sent. Raises StateUnreadable."""
    try:
        row = read_json(folder / SENT, {}).get(app_id)
        return None if row is None else Delivery(**row)
    except (AttributeError, TypeError) as error:
        raise unreadable(folder / SENT) from error


def save_sent(folder: Path, app_id: str, sent: Delivery) -> None:
    """This is what can be sent again. Raises StateUnreadable."""
    change_json(folder / SENT, {}, lambda rows: {**rows, app_id: asdict(sent)})


def _app(row: Mapping[str, Any]) -> App:
    chosen: dict[str, Any] = {name: kind(row[name]) for name, kind in KINDS.items() if name in row}
    if "attributes" in row:
        chosen["attributes"] = tuple(Attribute(one["name"], Source(one["source"])) for one in row["attributes"])
    return App(**{**row, **chosen})


def _person(row: Mapping[str, Any]) -> IdpPerson:
    person = IdpPerson(**{**row, "groups": tuple(row.get("groups", ()))})
    # XML can't carry most of what can't be printed
    if not all(text.isprintable() for text in (person.email, person.first, person.last, person.username)):
        raise ValueError(person.email)
    if not all(group.isprintable() for group in person.groups):
        raise ValueError(person.email)
    return person
