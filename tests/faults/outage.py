"""An installation of its own for fault tests: web server, worker, beat, and whatever is to fail, all on loopback."""

import http.client
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg

from tests.processes import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
HANG_SECONDS = 20
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
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)


@dataclass(frozen=True)
class Answer:
    """`status` is 0 when the connection broke."""

    path: str
    status: int
    seconds: float
    retry_after: str | None = None
    body: bytes = b""


@dataclass
class Site:
    """One installation; `scim` and `token` are those of its only directory."""

    folder: Path
    database: str
    extra: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    scim: str = ""
    token: str = ""
    web: Process | None = None

    def environment(self) -> dict[str, str]:
        given = {name: text for name, text in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
        own = {"DJANGO_SETTINGS_MODULE": "tests.faults.worker_settings", "PYTHONPATH": str(ROOT)}
        return (
            given
            | own
            | {
                "GATEHOUSE_VAR_DIR": str(self.folder / "var"),
                "DATABASE_URL": self.database,
                "EMAIL_URL": f"filemail:///{self.folder / 'mail'}",
                **self.extra,
            }
        )

    def fill(self) -> None:
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

    @contextmanager
    def serving(self) -> Iterator[None]:
        with self.process("web", "portal.serve", "--port", str(self.port), "--workers", "2") as self.web:
            wait_for(lambda: self.ask("/healthz").status == 200, "the server answers", by=self.web)
            yield

    def worker(self) -> Any:
        size = ["--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"]
        return self.process("worker", "celery", "--app", "portal.celery", "worker", *size)

    def beat(self, name: str = "beat") -> Any:
        schedule = str(self.folder / f"{name}-schedule")
        return self.process(name, "celery", "--app", "portal.celery", "beat", "--pidfile", "", "--schedule", schedule)

    def ask(
        self, path: str, form: str | None = None, headers: dict[str, str] | None = None, seconds: float = HANG_SECONDS
    ) -> Answer:
        """Return the answer; one that is not there in time counts as a broken connection."""
        began = time.monotonic()
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            link.request("POST" if form else "GET", path, form, headers or {})
            response = link.getresponse()
            status, retry_after, body = response.status, response.getheader("Retry-After"), response.read()
        except (OSError, http.client.HTTPException):
            status, retry_after, body = 0, None, b""
        finally:
            link.close()
        return Answer(path, status, time.monotonic() - began, retry_after, body)

    def visit(self) -> list[Answer]:
        """Ask once for what people, identity providers and load balancers ask for."""
        bearer = {"Authorization": f"Bearer {self.token}"}
        signed_in = {"Cookie": f"sessionid={'m' * 32}"}
        scim = self.ask(f"{self.scim}/Users", headers=bearer)
        return [self.ask("/accounts/login/", headers=signed_in), scim, self.ask("/readyz")]


@contextmanager
def visitors(site: Site, count: int = 3) -> Iterator[list[Answer]]:
    """So many clients visit the site without a pause inside `with`; yields their answers."""
    answers: list[Answer] = []
    stop = Event()

    def go() -> None:
        while not stop.is_set():
            answers.extend(site.visit())

    threads = [Thread(target=go) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join(4 * HANG_SECONDS)


def longest(answers: Sequence[Answer]) -> float:
    return max(answer.seconds for answer in answers)


def slowest_median(answers: Sequence[Answer]) -> float:
    """Return the median of the path whose answers take longest: quick paths don't hide a slow one."""
    paths = {answer.path for answer in answers}
    return max(median(answer.seconds for answer in answers if answer.path == path) for path in paths)


class Cluster:
    """A PostgreSQL cluster of its own, in a folder of its own, on a port of its own."""

    def __init__(self) -> None:
        self.port, self.folder = free_port(), Path(tempfile.mkdtemp(prefix="gatehouse-pg-", dir="/tmp"))
        self.bin = Path(os.path.realpath(shutil.which("pg_ctl") or "pg_ctl")).parent
        newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        self.bin = newest[-1] if newest else self.bin
        # initdb refuses root
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self._run("initdb", "--pgdata", str(self.data), "--auth", "trust", "--username", "postgres", "--no-sync")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, role: str) -> str:
        """Return the address of the database that has the name of this role."""
        return f"postgres://{role}@127.0.0.1:{self.port}/{role}"

    def ask(self, statement: LiteralString) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin / program), *arguments]
        done = subprocess.run(
            command, user=self.user, cwd="/tmp", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120
        )
        assert done.returncode == 0, f"{program} failed"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        log = str(self.folder / "log")
        self._run("pg_ctl", "--pgdata", str(self.data), "--log", log, "--options", options, "--wait", "start")
        psycopg.connect(self.url, connect_timeout=5).close()

    def stop(self) -> None:
        self._run("pg_ctl", "--pgdata", str(self.data), "--mode", "immediate", "--wait", "stop")

    def _send(self, number: signal.Signals) -> None:
        """Send this signal to the cluster's own processes: its first one, and all that this one has started."""
        first = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in [first, *map(int, children)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def freeze(self) -> None:
        """Its sockets stay open, and nobody answers on them."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def remove(self) -> None:
        with suppress(OSError):
            self.thaw()
        with suppress(AssertionError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
