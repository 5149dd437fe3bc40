"""The web server's processes: starting, leaving, and starting again."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.serve import __main__ as serve
from portal.serve import application as module
from portal.serve import worker
from portal.serve.application import make_application, threads_for
from portal.serve.server import MOST_DELAY_SECONDS, Server
from tests.portal.serve.callers import Caller, ask, made, scope


def test_leaving_worker_sends_connection_close_with_its_next_answer():
    application = made()
    assert b"connection" not in ask(application, Caller(), scope(method="GET")).headers
    application.leave()
    assert ask(application, Caller(), scope(method="GET")).headers[b"connection"] == b"close"


def test_application_answers_lifespan_startup_and_shutdown():
    application, started, sent = made(), [], []
    application.on_start = lambda: started.append(True)

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(application({"type": "lifespan"}, receive, send))
    assert started == [True]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    asyncio.run(application({"type": "websocket"}, receive, send))


# what it is made with


@pytest.mark.parametrize(
    ("options", "number"),
    [({}, 8), ({"pool": {"max_size": 16}}, 8), ({"pool": {"max_size": 2}}, 2), ({"pool": True}, 8)],
)
def test_threads_for_returns_half_of_the_connection_pool(options, number):
    assert threads_for({"default": {"OPTIONS": options}}) == number


def test_make_application_serves_the_django_application():
    assert ask(make_application(1), Caller(), scope("/healthz", (b"host", b"testserver"), method="GET")).body == b"ok"


def test_worker_load_exits_with_one_line_for_a_configuration_error(monkeypatch, capsys):
    def broken(threads: int | None) -> None:
        raise ImproperlyConfigured("X is not set.")

    monkeypatch.setattr(module, "make_application", broken)
    with pytest.raises(SystemExit) as ended:
        worker.load()
    assert (ended.value.code, capsys.readouterr().err) == (1, "The portal can't start: X is not set.\n")


class Pipe:
    def __init__(self, *, is_broken: bool = False) -> None:
        self.said: list[str] = []
        self.is_broken = is_broken

    def send(self, text: str) -> None:
        if self.is_broken:
            raise BrokenPipeError
        self.said.append(text)

    def close(self) -> None:
        self.said.append("closed")


@pytest.mark.parametrize("is_broken", [False, True])
def test_worker_reports_when_it_serves_and_leaves_on_a_signal(monkeypatch, is_broken):
    pipe, application = Pipe(is_broken=is_broken), made()
    monkeypatch.setattr(worker, "READY_SECONDS", 0.0)
    monkeypatch.setattr(worker, "load", lambda threads: application)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)
    before = {
        number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    }

    async def live() -> None:
        worker.Loader(1, pipe, os.getppid())().on_start()  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(0.05)

    try:
        asyncio.run(live())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert pipe.said == ([] if is_broken else ["ready", "closed"])
    assert application.is_leaving


def test_worker_stops_when_its_parent_process_is_gone(monkeypatch):
    ended: list[tuple[int, int]] = []
    monkeypatch.setattr(worker.os, "kill", lambda *given: ended.append(given))
    worker.Loader(1, Pipe(), -1)._end_with_parent()  # type: ignore[arg-type]
    assert ended == [(os.getpid(), signal.SIGTERM)]


# the parent


class Birth:
    def __init__(self, seconds_ago: float) -> None:
        self.birth = time.monotonic() - seconds_ago


def delays(server: Server, ages: list[float]) -> list[float]:
    found = []
    for age in ages:
        server.wrks, server.interrupt_children = [Birth(age)], [0]
        server._plan_starts()
        found.append(round(server.next_starts[0] - time.monotonic()))
    return found


def test_worker_that_keeps_ending_is_restarted_after_growing_delays():
    server = Server(host="127.0.0.1", port=0, workers=2)
    assert delays(server, [1.0] * 8) == [0, 1, 2, 4, 8, 16, MOST_DELAY_SECONDS, MOST_DELAY_SECONDS]
    assert delays(server, [3600.0, 1.0]) == [0, 1]


def refusing(problem: Exception) -> Callable[..., None]:
    def raise_it(*given: Any) -> None:
        raise problem

    return raise_it


def test_serve_names_an_address_that_cannot_be_used(monkeypatch, capsys):
    monkeypatch.setattr(serve.Server, "listen", refusing(OSError(98, "Address already in use")))
    monkeypatch.setattr(serve.multiprocessing, "set_start_method", lambda *given, **named: None)
    assert serve.main(["--port", "8000"]) == 1
    assert capsys.readouterr().err == "The portal can't listen on 127.0.0.1 port 8000: Address already in use.\n"


@pytest.mark.parametrize(("can_load", "status", "served"), [(True, 0, [True]), (False, 1, [])])
def test_serve_starts_workers_only_when_the_application_loads(monkeypatch, can_load, status, served):
    found: list[bool] = []
    monkeypatch.setattr(serve.multiprocessing, "set_start_method", lambda *given, **named: None)
    monkeypatch.setattr(serve, "can_load", lambda: can_load)
    monkeypatch.setattr(serve.Server, "listen", lambda self: None)
    monkeypatch.setattr(serve.Server, "serve", lambda self: found.append(True))
    assert (serve.main([]), found) == (status, served)
