"""An installation of its own for fault tests: its settings, what it is filled with, and its processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
FILL = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("create_org", "Acme", slug="acme", owner="o@acme.example")
call_command("create_scim_token", "acme", "--label", "Faults", "--json")
"""
Process = subprocess.Popen[bytes]


def end(process: Process) -> None:
    """End the process and its whole group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)


@dataclass
class Installation:
    """A folder and a database with one organization; `scim` and `token` are those of its only directory."""

    folder: Path
    database: str
    extra: dict[str, str] = field(default_factory=dict)
    scim: str = ""
    token: str = ""

    def own_settings(self) -> dict[str, str]:
        """Return the variables of this kind of installation."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        given = {name: text for name, text in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
        own = {"GATEHOUSE_VAR_DIR": str(self.folder / "var"), "DATABASE_URL": self.database}
        return given | {"PYTHONPATH": str(ROOT)} | own | self.own_settings() | self.extra

    def fill(self) -> None:
        """The tables are there, with one organization and a SCIM token."""
        done = subprocess.run(
            [sys.executable, "-c", FILL], cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=180
        )
        assert done.returncode == 0, done.stderr[-2000:]
        made = json.loads(done.stdout.splitlines()[-1])
        self.scim, self.token = urlsplit(made["base_url"]).path, made["token"]

    @contextmanager
    def process(self, name: str, *command: str) -> Iterator[Process]:
        """A process in a group of its own runs inside; afterwards the whole group is gone."""
        with (self.folder / f"{name}.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=self.environment(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            end(process)
