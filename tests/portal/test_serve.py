"""The ASGI application before Django: names of headers, deadlines and bounds of bodies, threads, answers in parts."""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Callable
from contextvars import ContextVar
from threading import Event, get_ident
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from portal.serve import __main__ as serve
from portal.serve import application as module
from portal.serve import threads, worker
from portal.serve.application import Application, make_application, threads_for
from portal.serve.bodies import Bodies, Bounds
from portal.serve.environ import read_headers
from portal.serve.server import MOST_DELAY_SECONDS, Server
from portal.serve.threads import Threads
from portal.site import sign_ins

SCIM = "/scim/v2/x/Users"
FORWARDED = b"x-forwarded-for"


def scope(path: str = "/", *headers: tuple[bytes, bytes], method: str = "POST", **more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("198.51.100.9", 1),
        "headers": list(headers),
    } | more


class Caller:
    """One request: gives its parts, one at a time; after the last of an unfinished one comes nothing any more."""

    def __init__(self, *parts: bytes, is_finished: bool = True, is_gone: bool = False) -> None:
        self.parts = list(parts)
        self.is_finished, self.is_gone = is_finished, is_gone
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        if self.parts:
            part = self.parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self.parts) or not self.is_finished}
        if self.is_gone:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])


def echo(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "application/json")])
    names = ("PATH_INFO", "CONTENT_LENGTH", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_COOKIE", "HTTP_HOST")
    shown = {name: environ[name] for name in names if name in environ}
    return [json.dumps(shown | {"body": environ["wsgi.input"].read().decode()}).encode()]


def made(wsgi: Any = echo, **bounds: Any) -> Application:
    return Application(Threads(wsgi, 2), Bodies(Bounds(**bounds)))


def ask(application: Application, caller: Caller, asked: dict[str, Any]) -> Caller:
    asyncio.run(application(asked, caller.receive, caller.send))
    return caller


CHUNKED = (b"transfer-encoding", b"chunked")


def length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", str(number).encode()


# names


def test_read_headers_drops_names_with_an_underscore_in_any_order():
    for raw in (
        [(b"x_forwarded_for", b"6.6.6.6"), (FORWARDED, b"1.1.1.1")],
        [(FORWARDED, b"1.1.1.1"), (b"X_Forwarded_For", b"6.6.6.6")],
    ):
        assert read_headers(raw) == {"HTTP_X_FORWARDED_FOR": "1.1.1.1"}


def test_read_headers_joins_repeated_headers_in_order():
    raw = [(FORWARDED, b"1.1.1.1"), (b"cookie", b"a=1"), (FORWARDED, b"2.2.2.2"), (b"cookie", b"b=2")]
    assert read_headers(raw) == {"HTTP_X_FORWARDED_FOR": "1.1.1.1,2.2.2.2", "HTTP_COOKIE": "a=1; b=2"}


def test_path_info_keeps_the_bytes_of_the_path():
    caller = ask(made(), Caller(), scope("/a", raw_path=b"/a%2Fb%C3%A9%FF", method="GET"))
    assert json.loads(caller.body)["PATH_INFO"].encode("latin-1") == b"/a/b\xc3\xa9\xff"


# bodies


@pytest.mark.parametrize("headers", [[length(5)], [CHUNKED]])
def test_body_reaches_django_whole_with_its_content_length(headers):
    caller = ask(made(), Caller(b"he", b"llo"), scope("/", *headers))
    assert (json.loads(caller.body)["body"], json.loads(caller.body)["CONTENT_LENGTH"]) == ("hello", "5")


def test_http_2_body_is_read_without_a_length_header():
    caller = ask(made(), Caller(b"hello"), scope("/", http_version="2"))
    assert json.loads(caller.body)["body"] == "hello"


def test_request_without_an_announced_body_is_answered_without_waiting_for_one():
    assert ask(made(), Caller(is_finished=False), scope("/", method="GET")).status == 200


@pytest.mark.parametrize(("path", "kind"), [("/", b"text/plain; charset=utf-8"), (SCIM, b"application/scim+json")])
def test_late_body_returns_408_in_the_content_type_of_its_url(path, kind):
    caller = ask(made(seconds=0.05), Caller(b"x", is_finished=False), scope(path, length(9)))
    assert (caller.status, caller.headers[b"content-type"], caller.headers[b"connection"]) == (408, kind, b"close")


def test_body_over_the_limit_is_discarded_and_its_length_is_passed_on():
    parts = [b"x" * 1024 * 1024] * 3
    shown = json.loads(ask(made(), Caller(*parts), scope(SCIM, CHUNKED)).body)
    assert (shown["body"], int(shown["CONTENT_LENGTH"])) == ("", 3 * 1024 * 1024)


def test_body_over_the_limit_is_discarded_up_to_a_bound(monkeypatch):
    monkeypatch.setattr("portal.serve.bodies.MOST_DISCARDED", 1024 * 1024)
    caller = ask(made(), Caller(*[b"x" * 1024 * 1024] * 9), scope(SCIM, CHUNKED))
    assert len(caller.parts) == 5


def test_too_large_body_announced_with_expect_100_continue_is_not_requested():
    caller = Caller(b"x")
    asked = scope(SCIM, length(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1), (b"expect", b"100-continue"))
    assert int(json.loads(ask(made(), caller, asked).body)["CONTENT_LENGTH"]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert caller.parts == [b"x"]


def test_disconnected_client_gets_no_answer():
    assert ask(made(), Caller(b"x", is_finished=False, is_gone=True), scope("/", length(9))).sent == []


async def at_once(application: Application, *requests: tuple[Caller, dict[str, Any]]) -> None:
    tasks = []
    for caller, asked in requests:
        tasks.append(asyncio.create_task(application(asked, caller.receive, caller.send)))
        for _ in range(9):
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)


def unfinished(number: int, size: int = 1) -> tuple[Caller, dict[str, Any]]:
    return Caller(b"x" * size, is_finished=False), scope("/", length(9_999), client=(f"198.51.100.{number}", 1))


@pytest.mark.parametrize(
    ("bounds", "addresses", "given_up"),
    [
        ({"bodies": 2}, [1, 2, 3], [0]),
        ({"bodies_of_address": 2}, [1, 2, 2, 2], [1]),
        ({"bytes": 250}, [1, 2, 3], [0]),
        ({"bytes_of_address": 250}, [1, 2, 2, 2], [1]),
    ],
)
def test_oldest_unfinished_body_is_refused_when_one_exceeds_the_limits(bounds, addresses, given_up):
    application = made(seconds=30.0, **bounds)
    requests = [unfinished(number, 100) for number in addresses]

    async def first_answered() -> list[int]:
        running = asyncio.create_task(at_once(application, *requests))
        answered: list[int] = []
        # until somebody is answered: long before the deadline for bodies, also on a busy machine
        for _ in range(400):
            await asyncio.sleep(0.05)
            if answered := [place for place, (caller, _) in enumerate(requests) if caller.sent]:
                break
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return answered

    assert asyncio.run(first_answered()) == given_up
    assert (application.bodies.bytes, application.bodies.held, application.bodies.bytes_of) == (0, {}, {})


def test_body_larger_than_the_memory_limit_returns_503_with_retry_after():
    caller = ask(made(bytes=3), Caller(b"hello"), scope("/", length(5)))
    assert (caller.status, caller.headers[b"retry-after"]) == (503, b"5")


# threads


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


def test_leaving_worker_sends_connection_close_with_its_next_answer():
    application = made()
    assert b"connection" not in ask(application, Caller(), scope(method="GET")).headers
    application.leave()
    assert ask(application, Caller(), scope(method="GET")).headers[b"connection"] == b"close"


def test_refused_requests_are_logged_once_a_minute(caplog):
    application = made(bytes=0)

    async def refuse() -> None:
        for _ in range(3):
            await application(scope("/", length(5)), Caller(b"hello").receive, Caller().send)

    asyncio.run(refuse())
    assert [record.name for record in caplog.records].count(module.__name__) == 1


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
