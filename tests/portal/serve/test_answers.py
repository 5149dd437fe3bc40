"""The web server sends an answer in parts, and closes it however the client behaves."""

import asyncio
import re
import time
from contextvars import ContextVar
from threading import Event, get_ident
from typing import Any

import pytest

from portal.serve import application as module
from portal.serve import threads
from portal.serve.application import make_application
from portal.serve.threads import Threads
from portal.site import sign_ins
from tests.portal.serve.callers import Caller, ask, length, made, scope


def test_answer_whose_next_part_does_not_come_is_broken_off():
    opened = Event()

    class Parts(Blocks):
        def __iter__(self) -> Any:
            yield b"x" * threads.PART
            assert opened.wait(20)
            yield b"x"

    parts = Parts()
    application = made(parts)
    application.threads.pool.seconds = 0.2

    async def live() -> Caller:
        caller = Caller()
        async with asyncio.timeout(20):
            await application(scope(method="GET"), caller.receive, caller.send)
            assert parts.events == []
            opened.set()
            while not parts.events:
                await asyncio.sleep(0.01)
        return caller

    caller = asyncio.run(live())
    assert [message["more_body"] for message in caller.sent[1:]] == [True]
    assert parts.events == ["closed"]


def test_an_answer_in_blocks_is_sent_in_parts_and_closed():
    closed: list[bool] = []

    class Blocks:
        def __iter__(self) -> Any:
            return iter([b"x" * threads.PART] * 3)

        def close(self) -> None:
            closed.append(True)

    def wsgi(environ: dict[str, Any], start: Any) -> Blocks:
        start("200 OK", [])
        return Blocks()

    caller = ask(made(wsgi), Caller(), scope(method="GET"))
    assert [len(message["body"]) for message in caller.sent[1:]] == [threads.PART] * 3 + [0]
    assert [message["more_body"] for message in caller.sent[1:]] == [True, True, True, False]
    assert closed == [True]


class Blocks:
    """A WSGI result that notes its close, in which thread, too."""

    def __init__(self, *blocks: bytes) -> None:
        self.blocks, self.events = blocks, list[str]()

    def __call__(self, environ: dict[str, Any], start: Any) -> "Blocks":
        start("200 OK", [])
        return self

    def __iter__(self) -> Any:
        for block in self.blocks:
            if not block:
                raise RuntimeError
            yield block

    def close(self) -> None:
        time.sleep(0.1)
        self.events.append("closed")


class Noting(Caller):
    """Notes in the same list when the last part of the answer has been sent."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.events = events

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "http.response.body" and not message["more_body"]:
            self.events.append("sent")


class Deaf(Caller):
    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()


class Broken(Caller):
    async def send(self, message: Any) -> None:
        raise ConnectionResetError


@pytest.mark.parametrize("size", [1, threads.PART])
def test_answer_is_closed_after_its_last_part_is_sent(size):
    blocks = Blocks(b"x" * size)
    ask(made(blocks), Noting(blocks.events), scope(method="GET"))
    assert blocks.events == ["sent", "closed"]


@pytest.mark.parametrize("size", [1, threads.PART])
def test_client_that_reads_nothing_is_logged_once_and_its_answer_is_closed(monkeypatch, caplog, size):
    monkeypatch.setattr(module, "SEND_SECONDS", 0.05)
    blocks = Blocks(b"x" * size, b"x" * size)
    ask(made(blocks), Deaf(), scope(method="GET"))
    assert blocks.events == ["closed"]
    assert [record.name for record in caplog.records].count(module.__name__) == 1


def test_answer_is_closed_when_it_cannot_be_sent():
    blocks = Blocks(b"x")
    with pytest.raises(ConnectionResetError):
        ask(made(blocks), Broken(), scope(method="GET"))
    assert blocks.events == ["closed"]


def test_answer_is_closed_when_its_iteration_fails():
    blocks = Blocks(b"")
    with pytest.raises(RuntimeError):
        ask(made(blocks), Caller(), scope(method="GET"))
    assert blocks.events == ["closed"]


def test_shutdown_waits_for_the_close_of_the_last_answers():
    blocks = Blocks(b"x")
    application, messages = made(blocks), iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(messages)}

    async def send(message: Any) -> None:
        blocks.events.append(message["type"])

    async def live() -> None:
        caller = Caller()
        running = asyncio.create_task(application(scope(method="GET"), caller.receive, caller.send))
        while len(caller.sent) < 2:
            await asyncio.sleep(0.01)
        await application({"type": "lifespan"}, receive, send)
        await running

    asyncio.run(live())
    assert blocks.events == ["lifespan.startup.complete", "closed", "lifespan.shutdown.complete"]


def test_context_variables_of_a_request_are_visible_when_its_answer_is_closed():
    noted: ContextVar[str] = ContextVar("noted", default="")
    found: list[str] = []

    class Result(Blocks):
        def close(self) -> None:
            found.append(noted.get())

    def wsgi(environ: dict[str, Any], start: Any) -> Blocks:
        noted.set(environ["PATH_INFO"])
        return Result(b"x")(environ, start)

    async def answer_both() -> None:
        runner = Threads(wsgi, 1)
        answers = [await runner.answer({"PATH_INFO": path}) for path in ("/a", "/b")]
        for answer in answers:
            await runner.finish(answer)

    asyncio.run(answer_both())
    assert found == ["/a", "/b"]


def test_database_connection_is_returned_before_the_answer_is_sent(monkeypatch):
    events: list[str] = []
    monkeypatch.setattr(threads, "close_old_connections", lambda: events.append(f"given back by {get_ident()}"))

    def wsgi(environ: dict[str, Any], start: Any) -> Blocks:
        events.append(f"asked by {get_ident()}")
        return Blocks(b"x")(environ, start)

    ask(made(wsgi), Noting(events), scope(method="GET"))
    thread = events[0].removeprefix("asked by ")
    assert events == [f"asked by {thread}", f"given back by {thread}", "sent"]


@pytest.mark.django_db(transaction=True)
def test_wrong_password_is_recorded_after_its_answer_is_sent(monkeypatch):
    events: list[str] = []
    monkeypatch.setattr(sign_ins, "_record_refused", lambda refused: events.append(refused.address))
    application, host = make_application(2), (b"host", b"testserver")
    page = ask(application, Caller(), scope("/accounts/login/", host, method="GET"))
    cookie = page.headers[b"set-cookie"].split(b";")[0]
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.body)
    assert token
    form = b"login=olga%40acme.example&password=not-the-password-42&csrfmiddlewaretoken=" + token[1]
    headers = [host, (b"cookie", cookie), (b"content-type", b"application/x-www-form-urlencoded"), length(len(form))]
    caller = Noting(events)
    caller.parts = [form]
    assert ask(application, caller, scope("/accounts/login/", *headers)).status == 200
    assert events == ["sent", "olga@acme.example"]
