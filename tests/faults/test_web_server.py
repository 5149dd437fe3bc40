"""The web server goes on: a killed worker is followed, a reload loses nothing, bad configuration ends it at once."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.faults.conftest import RecordFault
from tests.faults.installation import ROOT
from tests.faults.portal_server import Portal
from tests.processes import free_port, is_alive, wait_for

# starting takes long on a busy machine, and a reload starts two workers one after the other
pytestmark = [pytest.mark.worker, pytest.mark.timeout(420)]
CALLERS = 6
# longer than the 3.5 s after which granian alone would stop the old worker
SLOW_START_SECONDS = "5"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    folder = tmp_path_factory.mktemp("filled")
    portal = Portal(folder, f"sqlite:///{folder / 'site.sqlite3'}")
    portal.fill()
    return portal


@pytest.fixture
def portal(filled: Portal, tmp_path: Path) -> Portal:
    shutil.copy(filled.folder / "site.sqlite3", tmp_path)
    return replace(filled, folder=tmp_path, database=f"sqlite:///{tmp_path / 'site.sqlite3'}", extra={})


@dataclass
class Load:
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    longest: float = 0.0


@contextmanager
def load_on(portal: Portal, *, keep_alive: bool) -> Iterator[Load]:
    """Callers ask without a pause inside `with`; what isn't answered isn't asked again."""
    load, stop = Load(), Event()

    def call() -> None:
        connection = portal.connection(timeout=60)
        while not stop.is_set():
            began = time.monotonic()
            try:
                connection.request("GET", f"{portal.scim}/Users?count=1", headers=portal.bearer())
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200, answer.status
                load.answered += 1
            except (OSError, HTTPException, AssertionError) as error:
                load.lost.append(repr(error))
            load.longest = max(load.longest, time.monotonic() - began)
            if not keep_alive:
                connection.close()
        connection.close()

    callers = [Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    try:
        yield load
    finally:
        stop.set()
        for caller in callers:
            caller.join()


@pytest.mark.faults
@pytest.mark.parametrize("keep_alive", [False, True], ids=["a connection each", "kept connections"])
def test_reload_under_load_loses_no_request_when_workers_start_slowly(
    portal: Portal, keep_alive: bool, record_fault: RecordFault
) -> None:
    portal.extra["GATEHOUSE_START_SECONDS"] = SLOW_START_SECONDS
    with portal.running():
        wait_for(lambda: len(portal.workers()) == 2, "both workers run", by=portal.web)
        before = portal.workers()
        with load_on(portal, keep_alive=keep_alive) as load:
            os.kill(portal.parent, signal.SIGHUP)
            wait_for(lambda: not before & portal.workers(), "both workers are new", by=portal.web)
            time.sleep(1)
        record_fault(
            name=f"Reload by HUP, {'kept connections' if keep_alive else 'a connection each'}",
            happened=f"new workers that need {SLOW_START_SECONDS} s more to start take the place of the old ones",
            sent=load.answered + len(load.lost),
            lost=len(load.lost),
            longest=load.longest,
        )
        assert load.lost == []
        assert load.answered > 0
        assert len(portal.workers()) == 2


def test_reload_keeps_the_old_workers_when_new_ones_cannot_start(portal: Portal) -> None:
    with portal.running():
        before = portal.workers()
        (portal.folder / "var" / "broken").touch()
        os.kill(portal.parent, signal.SIGHUP)
        wait_for(lambda: "the workers that do stay" in portal.log.read_text(), "the reload is given up", by=portal.web)
        assert portal.workers() == before
        assert portal.get("/healthz").status == 200
        assert portal.log.read_text().count("BROKEN is set: unset it.") == 1


def test_killed_worker_is_replaced_while_the_others_keep_answering(portal: Portal) -> None:
    with portal.running():
        wait_for(lambda: len(portal.workers()) == 2, "both workers run", by=portal.web)
        for _ in range(3):
            killed = min(portal.workers())
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda: killed not in portal.workers(), "the worker is gone", by=portal.web)  # noqa: B023
            for _ in range(5):
                assert portal.get("/healthz").status == 200
        wait_for(lambda: len(portal.workers()) == 2, "another worker runs", by=portal.web)


def test_stop_finishes_begun_requests_and_ends_every_process(portal: Portal) -> None:
    with portal.running():
        workers = portal.workers()
        connection = portal.connection()
        connection.putrequest("POST", f"{portal.scim}/Users")
        for name, value in {**portal.bearer(), "Content-Length": "2"}.items():
            connection.putheader(name, value)
        connection.endheaders(b"{")
        time.sleep(0.5)
        os.kill(portal.parent, signal.SIGTERM)
        time.sleep(0.5)
        connection.send(b"}")
        assert connection.getresponse().status == 400
        assert portal.web is not None
        assert portal.web.wait(timeout=30) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_workers_end_when_their_parent_is_killed(portal: Portal) -> None:
    with portal.running():
        workers = portal.workers()
        os.kill(portal.parent, signal.SIGKILL)
        wait_for(lambda: not any(map(is_alive, workers)), "the workers are gone")


def start(portal: Portal, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "portal.serve", "--port", str(free_port()), *options]
    return subprocess.run(command, cwd=ROOT, env=portal.environment(), capture_output=True, text=True, timeout=60)


def test_server_exits_before_starting_workers_when_the_configuration_is_wrong(tmp_path: Path) -> None:
    portal = Portal(tmp_path, f"sqlite:///{tmp_path / 'site.sqlite3'}")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "broken").touch()
    done = start(portal)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["The portal can't start: BROKEN is set: unset it."]
    assert "Spawning" not in done.stdout


def test_server_names_a_port_that_is_in_use(portal: Portal) -> None:
    with portal.running():
        done = start(portal, "--port", str(portal.port))
    assert done.returncode == 1
    assert done.stderr == f"The portal can't listen on 127.0.0.1 port {portal.port}: Address already in use.\n"


@pytest.mark.parametrize("options", [["--workers", "1"], ["--port", "http"], ["--threads", "0"]])
def test_server_refuses_options_out_of_bounds(tmp_path: Path, options: list[str]) -> None:
    done = start(Portal(tmp_path, ""), *options)
    assert done.returncode == 2
    assert "isn't a number from" in done.stderr.splitlines()[-1]
