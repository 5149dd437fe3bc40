"""Web server, worker, beat, and whatever is to fail: all on loopback, and what is measured of their answers."""

import http.client
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, LiteralString

import psycopg

from tests.faults.conftest import RecordFault
from tests.faults.installation import Installation, Process
from tests.processes import free_port, wait_for, within

HANG_SECONDS = 20
# what is promised without the database, and nothing waits with it; measured by the median, since a busy machine delays
# single answers
PROMISED_SECONDS = 2.0
# tells a wait that ends from a hang of ten seconds or more, on a busy machine, too: what was measured is in
# docs/reliability.md
MOST_SECONDS = 8.0


@dataclass(frozen=True)
class Answer:
    """`status` is 0 when the connection broke."""

    path: str
    status: int
    seconds: float
    retry_after: str | None = None
    body: bytes = b""


@dataclass
class Site(Installation):
    """One installation with a web server, a worker and beat."""

    port: int = field(default_factory=free_port)
    web: Process | None = None

    def own_settings(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "tests.faults.worker_settings",
            "EMAIL_URL": f"filemail:///{self.folder / 'mail'}",
        }

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


def whole(site: Site) -> bool:
    """Whether pages, SCIM and the state of the service answer as they should."""
    return [answer.status for answer in site.visit()] == [200, 200, 200]


def await_recovery(site: Site) -> None:
    within(30, lambda: whole(site), "pages, SCIM and readyz are back")


def not_unavailable(answers: Sequence[Answer]) -> list[Answer]:
    """Return those that did not say when to come back, as all do while the database is away."""
    return [answer for answer in answers if (answer.status, answer.retry_after) != (503, "5")]


def failed(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status != 200]


def record(
    record_fault: RecordFault, name: str, happened: str, answers: Sequence[Answer], lost: Sequence[Answer]
) -> None:
    """Add the row of this fault to the report."""
    record_fault(name=name, happened=happened, sent=len(answers), lost=len(lost), longest=longest(answers))


def assert_prompt(answers: Sequence[Answer]) -> None:
    """No answer hangs, and the median of each path keeps what is promised."""
    assert longest(answers) <= MOST_SECONDS
    assert slowest_median(answers) <= PROMISED_SECONDS


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
