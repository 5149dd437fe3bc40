"""A real worker delivers what was committed: by the nudge, by the sweep, and after a death in the middle of a delivery."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis

from tests import machine
from tests.processes import one_at_a_time, wait_for

ROOT = Path(__file__).resolve().parents[2]
DEAD_REDIS = "redis://127.0.0.1:1/0"
# a worker starts, and asks for its mail server
ACCEPT_SECONDS = 120
PUBLISH = """
import django
django.setup()
{load}
from django.core.management import call_command
call_command("create_scim_token", "acme", "--label", "Worker", "--json")
"""
FOUND = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("create_org", "Acme", slug="acme", owner="o@a.example")
"""
pytestmark = pytest.mark.worker


@dataclass(frozen=True)
class Site:
    """One installation on a database file of its own."""

    folder: Path
    broker: str = ""
    mail: str = ""
    var: str = "var"

    def environment(self) -> dict[str, str]:
        given = {name: text for name, text in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
        return given | {
            "DJANGO_SETTINGS_MODULE": "tests.faults.worker_settings",
            "PYTHONPATH": str(ROOT),
            "GATEHOUSE_VAR_DIR": str(self.folder / self.var),
            "DATABASE_URL": f"sqlite:///{self.folder / 'site.sqlite3'}",
            "EMAIL_URL": self.mail or f"filemail:///{self.folder / 'mail'}",
            "REDIS_URL": self.broker,
        }

    def run(self, *command: str) -> None:
        """A Python process of the site ran to its end and did not fail."""
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr[-2000:]

    def publish(self, *, load: str = "import portal.celery") -> None:
        """An event was committed, and a worker nudged, by a process that has ended."""
        self.run("-c", PUBLISH.format(load=load))

    @contextmanager
    def worker(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker is ready inside; afterwards it and what it has started are gone."""
        log = self.folder / f"worker-{time.monotonic_ns()}.log"
        size = ["--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"]
        command = [sys.executable, "-m", "celery", "--app", "portal.celery", "worker", *size, "-l", "INFO", *options]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait_for(lambda: " ready." in log.read_text(errors="replace"), "the worker is ready", by=process)
            yield process
        finally:
            kill(process)

    def mails(self) -> list[Path]:
        return sorted((self.folder / "mail").glob("*.log"))

    def event(self) -> dict[str, Any]:
        with sqlite3.connect(self.folder / "site.sqlite3", timeout=20) as database:
            database.row_factory = sqlite3.Row
            return dict(database.execute("SELECT * FROM orgs_outboxevent").fetchone())

    def end_lease(self) -> None:
        """As if two minutes had passed."""
        with sqlite3.connect(self.folder / "site.sqlite3", timeout=20) as database:
            database.execute("UPDATE orgs_outboxevent SET leased_until = '2020-01-01 00:00:00'")


def kill(process: subprocess.Popen[bytes]) -> None:
    """The worker's whole group is gone, as after `kill -9`: beat is a child of the worker."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)


@contextmanager
def stalled_mail_server() -> Iterator[socket.socket]:
    """A mail server that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(ACCEPT_SECONDS)
        yield listener


@pytest.fixture(scope="module")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = Site(tmp_path_factory.mktemp("site"))
    site.run("-c", FOUND)
    return site.folder / "site.sqlite3"


@pytest.fixture(params=["files", pytest.param("redis", marks=pytest.mark.redis)])
def site(request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Path) -> Iterator[Site]:
    shutil.copy(fresh_database, tmp_path / "site.sqlite3")
    if request.param == "files":
        yield Site(tmp_path)
        return
    with one_at_a_time("redis"), redis.Redis.from_url(machine.REDIS_URL) as broker:
        broker.flushdb()
        yield Site(tmp_path, broker=machine.REDIS_URL)
        broker.flushdb()


def test_worker_delivers_at_once_after_a_nudge(site: Site) -> None:
    # without beat it has no other reason to look
    with site.worker() as worker:
        site.publish()
        wait_for(site.mails, "the notice is sent", by=worker)
        wait_for(lambda: site.event()["delivered_at"], "the event is marked", by=worker)
    assert (len(site.mails()), site.event()["attempts"]) == (1, 1)


def test_worker_is_nudged_by_a_process_that_only_set_up_django(site: Site) -> None:
    with site.worker() as worker:
        site.publish(load="")
        wait_for(site.mails, "the notice is sent", by=worker)


def test_drain_schedule_delivers_an_event_whose_nudge_was_lost(site: Site) -> None:
    with site.worker("--beat") as worker:
        replace(site, broker=DEAD_REDIS if site.broker else "", var="nobody-listens").publish()
        wait_for(site.mails, "the notice is sent", by=worker)
    assert len(site.mails()) == 1


def test_event_is_delivered_by_the_next_worker_when_one_is_killed_during_delivery(site: Site) -> None:
    with stalled_mail_server() as server:
        stalled = replace(site, mail=f"smtp://127.0.0.1:{server.getsockname()[1]}")
        with stalled.worker() as process:
            stalled.publish()
            connection, _ = server.accept()
            kill(process)
        connection.close()
    held = site.event()
    assert (held["attempts"], held["delivered_at"]) == (1, None)
    assert held["leased_until"] is not None
    site.end_lease()
    with site.worker("--beat") as process:
        wait_for(lambda: site.event()["delivered_at"], "the event is delivered", by=process)
    assert (len(site.mails()), site.event()["attempts"]) == (1, 2)
