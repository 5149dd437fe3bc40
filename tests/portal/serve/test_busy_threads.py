"""What the web server answers while its threads are busy or do not come back."""

import asyncio
import json
import time
from threading import Event, get_ident
from typing import Any

import pytest

from portal.serve import threads
from portal.serve.application import Application
from tests.portal.serve.callers import SCIM, Caller, at_once, echo, made, scope


def slow(environ: dict[str, Any], start: Any) -> list[bytes]:
    time.sleep(0.3)
    return echo(environ, start)


def test_request_over_the_queue_limit_returns_503(monkeypatch):
    monkeypatch.setattr(threads, "MOST_WAITING", 1)
    first, second = Caller(), Caller()
    asyncio.run(at_once(made(slow), (first, scope(SCIM, method="GET")), (second, scope(SCIM, method="GET"))))
    assert (first.status, second.status) == (200, 503)
    assert json.loads(second.body)["status"] == "503"


def test_request_that_waited_too_long_returns_503(monkeypatch):
    monkeypatch.setattr(threads, "PATIENCE_SECONDS", 0.1)
    callers = [Caller() for _ in range(3)]
    asyncio.run(at_once(made(slow), *((caller, scope(method="GET")) for caller in callers)))
    assert sorted(caller.status for caller in callers) == [200, 200, 503]


class Frozen:
    """Answers /frozen when the gate opens, and anything else at once; counts what was closed."""

    def __init__(self) -> None:
        self.opened, self.closed, self.threads = Event(), 0, set[int]()

    def __call__(self, environ: dict[str, Any], start: Any) -> "Frozen":
        self.threads.add(get_ident())
        if environ["PATH_INFO"].endswith("/frozen"):
            assert self.opened.wait(20)
        start("200 OK", [])
        return self

    def __iter__(self) -> Any:
        return iter([b"done"])

    def close(self) -> None:
        self.closed += 1


async def give_up(application: Application, path: str, number: int = 1) -> list[Caller]:
    """Ask for a path until each request is answered."""
    callers = [Caller() for _ in range(number)]
    async with asyncio.timeout(20):
        await at_once(application, *((caller, scope(path, method="GET")) for caller in callers))
    return callers


@pytest.mark.parametrize("path", ["/frozen", "/scim/v2/frozen"])
def test_request_whose_thread_does_not_come_back_is_answered_503_in_the_form_of_its_address(path):
    frozen = Frozen()
    application = made(frozen)
    application.threads.pool.seconds = 0.2

    async def live() -> Caller:
        (caller,) = await give_up(application, path)
        frozen.opened.set()
        async with asyncio.timeout(20):
            while not frozen.closed:
                await asyncio.sleep(0.01)
        return caller

    caller = asyncio.run(live())
    assert (caller.status, caller.headers[b"retry-after"]) == (503, b"5")
    is_scim = path.startswith("/scim")
    assert (caller.headers[b"content-type"] == b"application/scim+json") is is_scim
    assert b"didn't answer in time" in caller.body


def test_threads_that_do_not_come_back_are_counted_and_serve_again_when_they_do(monkeypatch):
    monkeypatch.setattr(threads, "PATIENCE_SECONDS", 0.2)
    frozen = Frozen()
    application = made(frozen)
    pool = application.threads.pool
    pool.seconds = 0.4

    async def live() -> list[list[int]]:
        # two threads are held; two more requests wait for a thread, and are told to come back before those are given up
        held = await give_up(application, "/frozen", 4)
        assert pool.left == 2
        began = time.monotonic()
        refused = await give_up(application, "/", 20)
        assert time.monotonic() - began < 0.2
        alive = await give_up(application, "/healthz")
        frozen.opened.set()
        async with asyncio.timeout(20):
            while pool.left or frozen.closed < 3:
                await asyncio.sleep(0.01)
        return [[one.status for one in each] for each in (held, refused, alive, await give_up(application, "/"))]

    assert asyncio.run(live()) == [[503] * 4, [503] * 20, [200], [200]]
    # each answer is closed, also the two that nobody waited for; one thread more is the one of /healthz
    assert frozen.closed == 4
    assert len(frozen.threads) == 3


def test_request_that_no_thread_takes_is_told_to_come_back(monkeypatch):
    monkeypatch.setattr(threads, "PATIENCE_SECONDS", 0.1)
    frozen = Frozen()
    application = made(frozen)

    async def live() -> Caller:
        held = asyncio.create_task(give_up(application, "/frozen", 2))
        await asyncio.sleep(0.05)
        (caller,) = await give_up(application, "/")
        frozen.opened.set()
        assert [one.status for one in await held] == [200, 200]
        return caller

    assert asyncio.run(live()).status == 503
    assert frozen.closed == 2


def test_late_answer_that_fails_is_no_error_of_the_server(caplog):
    opened = Event()

    def wsgi(environ: dict[str, Any], start: Any) -> list[bytes]:
        assert opened.wait(20)
        raise RuntimeError

    application = made(wsgi)
    application.threads.pool.seconds = 0.2

    async def live() -> int:
        (caller,) = await give_up(application, "/")
        opened.set()
        async with asyncio.timeout(20):
            while application.threads.pool.left:
                await asyncio.sleep(0.01)
        return caller.status

    assert asyncio.run(live()) == 503
    assert "never retrieved" not in caplog.text


def test_a_probe_is_answered_while_every_thread_is_busy():
    order: list[str] = []

    def noting(environ: dict[str, Any], start: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/":
            time.sleep(0.3)
        order.append(environ["PATH_INFO"])
        return echo(environ, start)

    asked = [scope(method="GET"), scope(method="GET"), scope("/healthz", method="GET")]
    asyncio.run(at_once(made(noting), *((Caller(), each) for each in asked)))
    assert order[0] == "/healthz"


class Gate:
    """Answers at once, but not the paths that are held until the gate opens."""

    def __init__(self, *held: str) -> None:
        self.held, self.opened = held, Event()

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        if environ["PATH_INFO"] in self.held:
            assert self.opened.wait(20)
        return echo(environ, start)


def answers_while_held(held: str, number: int, *paths: str) -> list[int]:
    """Return the status of each path while so many requests for the held one are under way; all of these end with 200."""
    gate = Gate(held)
    application, callers = made(gate), [Caller() for _ in range(number)]
    pool = application.threads.own_pools.get(held, application.threads.pool)

    async def ask_all() -> list[int]:
        waiting = asyncio.create_task(at_once(application, *((each, scope(held, method="GET")) for each in callers)))
        while pool.waiting < number:
            await asyncio.sleep(0.01)
        asked = [Caller() for _ in paths]
        for caller, path in zip(asked, paths, strict=True):
            async with asyncio.timeout(20):
                await application(scope(path, method="GET"), caller.receive, caller.send)
        gate.opened.set()
        await waiting
        return [caller.status for caller in asked]

    found = asyncio.run(ask_all())
    assert [caller.status for caller in callers] == [200] * number
    return found


def test_probes_are_answered_while_the_request_queue_is_full(monkeypatch):
    monkeypatch.setattr(threads, "MOST_WAITING", 4)
    assert answers_while_held("/", 4, "/", "/healthz", "/readyz", "/metrics") == [503, 200, 200, 200]


@pytest.mark.parametrize("probe", ["/readyz", "/metrics"])
def test_probes_over_their_limit_return_503_and_do_not_block_other_requests(probe):
    assert answers_while_held(probe, threads.MOST_PROBES, probe, "/", "/healthz") == [503, 200, 200]
