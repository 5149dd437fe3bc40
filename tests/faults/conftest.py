"""What fault tests measured, as a table: `pytest -m faults --faults-report docs/reliability.md`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

START, END = "<!-- faults: begin -->", "<!-- faults: end -->"
HEAD = "| Fault | What happened | Requests sent | Lost | Longest wait |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Fault:
    """A request is lost when it got no answer, or another one than the fault allows."""

    name: str
    happened: str
    sent: int
    lost: int
    longest: float

    def row(self) -> str:
        return f"| {self.name} | {self.happened} | {self.sent} | {self.lost} | {self.longest:.2f} s |"


RECORDED = pytest.StashKey[list[Fault]]()
RecordFault = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults-report", metavar="FILE", help="write what fault tests recorded into this page")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RECORDED] = []


@pytest.fixture
def record_fault(request: pytest.FixtureRequest) -> RecordFault:
    """Return a function that adds one row: name, happened, sent, lost, longest (in seconds)."""

    def record(**facts: object) -> None:
        request.config.stash[RECORDED].append(Fault(**facts))  # type: ignore[arg-type]

    return record


def pytest_sessionfinish(session: pytest.Session) -> None:
    page, found = session.config.getoption("--faults-report"), session.config.stash[RECORDED]
    if page and found:
        write_report(Path(page), found)


def write_report(page: Path, found: list[Fault]) -> None:
    """Replace the rows of these faults; those of faults that did not run stay."""
    before, _, rest = page.read_text().partition(START)
    table, _, after = rest.partition(END)
    rows = {line.split("|")[1].strip(): line for line in table.splitlines()[3:] if line.startswith("|")}
    rows |= {fault.name: fault.row() for fault in found}
    lines = "\n".join(rows[name] for name in sorted(rows))
    page.write_text(f"{before}{START}\n{HEAD}\n{lines}\n{END}{after}")
