"""The sandbox's DNS: TXT records, which the demo's portal reads instead of asking the network (`sandbox.dns`)."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.test_idp.store import reading, writing


@dataclass(frozen=True, slots=True)
class TxtRecord:
    """One TXT record; the name is in lower case, without a dot at its end."""

    name: str
    value: str


def load_records(folder: Path) -> tuple[TxtRecord, ...]:
    """Return every record, by name. Raises StateUnreadable."""
    with reading(folder) as db:
        rows = db.execute("SELECT name, value FROM txt_record ORDER BY name, rowid").fetchall()
    return tuple(TxtRecord(*row) for row in rows)


def values_of(folder: Path, name: str) -> tuple[str, ...]:
    """Return the values of the records of one name. Raises StateUnreadable."""
    with reading(folder) as db:
        rows = db.execute("SELECT value FROM txt_record WHERE name = ? ORDER BY rowid", [name]).fetchall()
    return tuple(row["value"] for row in rows)


def publish(folder: Path, record: TxtRecord) -> None:
    """Add the record, unless it is there. Raises StateUnreadable."""
    with writing(folder) as db:
        db.execute("INSERT OR IGNORE INTO txt_record (name, value) VALUES (?, ?)", [record.name, record.value])


def withdraw(folder: Path, record: TxtRecord) -> None:
    """Remove the record if it is there. Raises StateUnreadable."""
    with writing(folder) as db:
        db.execute("DELETE FROM txt_record WHERE name = ? AND value = ?", [record.name, record.value])
