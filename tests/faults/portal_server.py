"""The web server as operators start it, in processes of its own, on a database of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests import machine
from tests.faults.installation import Installation, Process
from tests.processes import free_port, wait_for


@dataclass
class Portal(Installation):
    """One installation with a web server."""

    port: int = 0
    web: Process | None = None

    def own_settings(self) -> dict[str, str]:
        return {"DJANGO_SETTINGS_MODULE": "tests.faults.server_settings", "LOG_LEVEL": "WARNING"}

    @contextmanager
    def running(self, *options: str) -> Iterator[None]:
        """The server answers inside; afterwards it and its workers are gone."""
        self.port = free_port()
        command = ["portal.serve", "--port", str(self.port), "--workers", "2", *options]
        with self.process("server", *command) as self.web:
            wait_for(self.answers, "the server answers", by=self.web)
            yield

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def parent(self) -> int:
        assert self.web is not None
        return self.web.pid

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
