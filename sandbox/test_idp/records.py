"""The sandbox's DNS: a file of TXT records, which the portal's resolver reads instead of asking the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.test_idp.files import change_json, read_json, unreadable


@dataclass(frozen=True, slots=True)
class TxtRecord:
    """One TXT record; the name is in lower case, without a dot at its end."""

    name: str
    value: str


def load_records(path: Path) -> tuple[TxtRecord, ...]:
    """Return every record, by name. Raises StateUnreadable."""
    table = read_json(path, {})
    try:
        return tuple(TxtRecord(name, value) for name in sorted(table) for value in _values(table, name))
    except (AttributeError, TypeError) as error:
        raise unreadable(path) from error


def publish(path: Path, record: TxtRecord) -> None:
    """The record is in the table, once. Raises StateUnreadable."""
    change_json(path, {}, lambda table: {**table, record.name: [*_others(table, record), record.value]})


def withdraw(path: Path, record: TxtRecord) -> None:
    """The record isn't in the table, and no name is without a value. Raises StateUnreadable."""

    def without(table: Mapping[str, Any]) -> dict[str, Any]:
        return {name: values for name, values in {**table, record.name: _others(table, record)}.items() if values}

    change_json(path, {}, without)


def _others(table: Mapping[str, Any], record: TxtRecord) -> list[str]:
    return [value for value in _values(table, record.name) if value != record.value]


def _values(table: Mapping[str, Any], name: str) -> list[str]:
    return [str(value) for value in table.get(name, [])]
