"""The web server as operators start it, in processes of its own, on a database of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests import machine
from tests.processes import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
FILL = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("create_org", "Acme", slug="acme", owner="o@acme.example")
call_command("create_scim_token", "acme", "--label", "Load", "--json")
"""


@dataclass
class Portal:
    """One installation; `scim` and `token` are those of its only directory."""

    folder: Path
    database: str
    port: int = 0
    extra: dict[str, str] = field(default_factory=dict)
    scim: str = ""
    token: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    def environment(self) -> dict[str, str]:
        given = {name: text for name, text in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
        return given | {
            "DJANGO_SETTINGS_MODULE": "tests.faults.server_settings",
            "GATEHOUSE_VAR_DIR": str(self.folder / "var"),
            "DATABASE_URL": self.database,
            "LOG_LEVEL": "WARNING",
            **self.extra,
        }

    def fill(self) -> None:
        """The tables are there, with one organization and a SCIM token."""
        done = subprocess.run(
            [sys.executable, "-c", FILL], cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr[-2000:]
        made = json.loads(done.stdout.splitlines()[-1])
        self.scim, self.token = urlsplit(made["base_url"]).path, made["token"]

    @contextmanager
    def running(self, *options: str) -> Iterator[None]:
        """The server answers inside; afterwards it and its workers are gone."""
        self.port = free_port()
        command = [sys.executable, "-m", "portal.serve", "--port", str(self.port), "--workers", "2", *options]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait_for(self.answers, "the server answers", by=self.process)
            yield
        finally:
            kill_group(self.process)

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def parent(self) -> int:
        assert self.process is not None
        return self.process.pid

    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.parent}/task/{self.parent}/children").read_text()
        return {int(pid) for pid in children.split()}

    def answers(self) -> bool:
        with suppress(OSError):
            return self.get("/healthz").status == 200
        return False

    def connection(self, timeout: float = 30) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path: str, **headers: str) -> Any:
        """Return the whole answer to a GET on a connection of its own."""
        return self.ask("GET", path, None, headers)

    def ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        """Return an answer with its `text`; a body that is an iterator goes in chunks."""
        connection = self.connection()
        try:
            connection.request(method, path, body, headers)
            response: Any = connection.getresponse()
            response.text = response.read().decode()
            return response
        finally:
            connection.close()

    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}


@contextmanager
def postgres_database() -> Iterator[str]:
    """Yield the URL of an empty database on the machine's PostgreSQL, which is dropped afterwards."""
    machine.need("postgres")
    name = f"test_server_{os.getpid()}"
    parts = urlsplit(machine.POSTGRES_URL)
    with psycopg.connect(machine.POSTGRES_URL, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
