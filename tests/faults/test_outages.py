"""What the portal depends on is stopped, frozen or killed under load: who waits, what is lost, and how it comes back."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from portal.serve.threads import ANSWER_SECONDS, PROBE_SECONDS
from tests.faults.conftest import RecordFault
from tests.faults.installation import Process, end
from tests.faults.outage import (
    MOST_SECONDS,
    Answer,
    Cluster,
    Site,
    assert_prompt,
    await_recovery,
    failed,
    longest,
    not_unavailable,
    record,
    visitors,
    whole,
)
from tests.processes import free_port, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.worker, pytest.mark.timeout(420)]
NUDGE = """
import django
django.setup()
from django.core.management import call_command
call_command("create_scim_token", "acme", "--label", "Again")
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path, f"sqlite:///{tmp_path / 'site.sqlite3'}")
    site.fill()
    return site


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    if not (shutil.which("pg_ctl") or list(Path("/usr/lib/postgresql").glob("*/bin"))):
        pytest.skip("PostgreSQL's programs are not here")
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def test_requests_return_503_while_postgresql_is_stopped_and_succeed_after_its_restart(
    tmp_path: Path, cluster: Cluster, record_fault: RecordFault
) -> None:
    site = Site(tmp_path, cluster.url)
    site.fill()
    with site.serving():
        assert whole(site)
        cluster.stop()
        # the requests that find the broken connections end with them; those after them are what is promised
        site.visit()
        with visitors(site) as away:
            time.sleep(8)
        cluster.start()
        began = time.monotonic()
        await_recovery(site)
        back = time.monotonic() - began
    lost = not_unavailable(away)
    record(
        record_fault,
        "PostgreSQL stopped and restarted",
        f"503 with Retry-After for all; whole {back:.1f} s after the start, without a restart of the portal",
        away,
        lost,
    )
    assert lost == []
    assert_prompt(away)
    assert {answer.body[:12] for answer in away if answer.path.startswith("/scim")} == {b'{"schemas": '}


def test_requests_return_503_with_retry_after_while_postgresql_has_no_free_connection(
    tmp_path: Path, cluster: Cluster, record_fault: RecordFault
) -> None:
    """Others have taken all of the server's connections."""
    cluster.ask("CREATE ROLE gatehouse LOGIN")
    cluster.ask("CREATE DATABASE gatehouse OWNER gatehouse")
    site = Site(tmp_path, cluster.url_of("gatehouse"))
    site.fill()
    with site.serving():
        assert whole(site)
        cluster.ask("ALTER ROLE gatehouse CONNECTION LIMIT 0")
        cluster.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gatehouse'")
        site.visit()
        with visitors(site) as away:
            time.sleep(8)
        cluster.ask("ALTER ROLE gatehouse CONNECTION LIMIT -1")
        await_recovery(site)
    lost = not_unavailable(away)
    record(
        record_fault,
        "PostgreSQL gives no connection",
        "503 with Retry-After for all, until there is one again",
        away,
        lost,
    )
    assert lost == []
    assert_prompt(away)


def ask_all_at_once(site: Site, count: int) -> list[Answer]:
    """Ask so many times for a page, for SCIM and for the state of the service, each from a client that waits for long."""
    signed_in, bearer = {"Cookie": f"sessionid={'m' * 32}"}, {"Authorization": f"Bearer {site.token}"}
    asked = [("/accounts/login/", signed_in), (f"{site.scim}/Users", bearer), ("/readyz", {})] * count
    with ThreadPoolExecutor(len(asked)) as clients:
        return list(clients.map(lambda one: site.ask(one[0], headers=one[1], seconds=4 * ANSWER_SECONDS), asked))


def test_postgresql_frozen(tmp_path: Path, cluster: Cluster, record_fault: RecordFault) -> None:
    """Its connections stay open, the system acknowledges what is sent on them, and no answer comes."""
    site = Site(tmp_path, cluster.url)
    site.fill()
    with site.serving():
        ask_all_at_once(site, 10)
        cluster.freeze()
        frozen = ask_all_at_once(site, 20)
        alive = site.ask("/healthz")
        cluster.thaw()
        await_recovery(site)
    lost = not_unavailable(frozen)
    record(
        record_fault,
        "PostgreSQL frozen",
        "503 with Retry-After for all, by the deadline of an answer for those who held a connection",
        frozen,
        lost,
    )
    assert lost == []
    assert longest(frozen) <= ANSWER_SECONDS + MOST_SECONDS
    assert longest([answer for answer in frozen if answer.path == "/readyz"]) <= PROBE_SECONDS + MOST_SECONDS
    assert {answer.body[:12] for answer in frozen if answer.path.startswith("/scim")} == {b'{"schemas": '}
    assert alive.status == 200


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[tuple[int, Process]]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not here")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: answers(port), "Redis answers", by=process)
        yield port, process
    finally:
        end(process)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(("fault", "number"), [("stopped", signal.SIGKILL), ("frozen", signal.SIGSTOP)])
def test_no_request_is_lost_and_readyz_is_degraded_while_redis_is_stopped_or_frozen(
    site: Site, redis_server: tuple[int, Process], record_fault: RecordFault, fault: str, number: signal.Signals
) -> None:
    port, process = redis_server
    site.extra["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    with site.serving():
        os.kill(process.pid, number)
        with visitors(site) as answered:
            time.sleep(8)
        ready = site.ask("/readyz")
    lost = failed(answered)
    record(record_fault, f"Redis {fault}", "pages and SCIM go on; /readyz is degraded", answered, lost)
    assert lost == []
    assert b'"status": "degraded"' in ready.body
    assert_prompt(answered)


@contextmanager
def silent_server() -> Iterator[int]:
    """A mail server that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def test_no_request_is_lost_and_mail_waits_while_the_mail_server_hangs(site: Site, record_fault: RecordFault) -> None:
    with silent_server() as port, ExitStack() as running:
        site.extra["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        running.enter_context(site.serving())
        running.enter_context(site.worker())
        running.enter_context(site.beat())
        with visitors(site) as answered:
            time.sleep(15)
    lost = failed(answered)
    waiting = events(site, "delivered_at IS NULL AND canceled_at IS NULL AND failed_at IS NULL")
    record(
        record_fault,
        "Mail server hanging",
        f"pages, SCIM and probes go on; {waiting} mail waits in the outbox and is tried again",
        answered,
        lost,
    )
    assert lost == []
    assert waiting == 1
    assert_prompt(answered)


def events(site: Site, condition: str) -> int:
    with sqlite3.connect(site.folder / "site.sqlite3", timeout=20) as database:
        return int(database.execute(f"SELECT count(*) FROM orgs_outboxevent WHERE {condition}").fetchone()[0])


def test_mail_is_sent_once_by_the_next_worker_after_a_worker_was_killed(site: Site, record_fault: RecordFault) -> None:
    """Two beats run beside it, as by mistake; both outlive it, and neither is its child."""
    with site.beat("one") as one, site.beat("two") as two:
        with site.worker() as worker:
            wait_for(lambda: events(site, "delivered_at IS NOT NULL"), "the first notice is sent", by=worker)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait(timeout=20)
        subprocess.run([sys.executable, "-c", NUDGE], cwd=Path.cwd(), env=site.environment(), check=True, timeout=120)
        assert (one.poll(), two.poll()) == (None, None)
        began = time.monotonic()
        with site.worker() as worker:
            wait_for(lambda: events(site, "delivered_at IS NOT NULL") == 2, "the second notice is sent", by=worker)
        waited = time.monotonic() - began
    mails = len(list((site.folder / "mail").glob("*.log")))
    record_fault(
        name="Worker killed, two beats beside it",
        happened=f"mail waits in the outbox and is sent once, {waited:.1f} s after the next worker was started",
        sent=2,
        lost=2 - mails,
        longest=waited,
    )
    assert mails == 2


def children(process: Process) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def test_only_requests_begun_in_the_killed_web_worker_are_lost(site: Site, record_fault: RecordFault) -> None:
    with site.serving():
        web = site.web
        assert web is not None
        before = children(web)
        with visitors(site) as answered:
            time.sleep(2)
            os.kill(before[0], signal.SIGKILL)
            time.sleep(8)
        wait_for(lambda: len(set(children(web)) - {before[0]}) == len(before), "it is replaced", by=web)
        assert whole(site)
    lost = failed(answered)
    record(
        record_fault, "granian worker killed", "the other worker goes on, and a new one takes its place", answered, lost
    )
    # what the killed worker had begun; a client repeats it
    assert len(lost) <= 3 * 8
    assert {answer.status for answer in lost} <= {0}
