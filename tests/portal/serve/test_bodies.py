"""The web server reads a request's headers and body, within limits."""

import asyncio
import json
from typing import Any

import pytest
from django.conf import settings

from portal.serve import application as module
from portal.serve.environ import read_headers
from tests.portal.serve.callers import SCIM, Caller, ask, at_once, length, made, scope

FORWARDED = b"x-forwarded-for"


CHUNKED = (b"transfer-encoding", b"chunked")


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


def test_refused_requests_are_logged_once_a_minute(caplog):
    application = made(bytes=0)

    async def refuse() -> None:
        for _ in range(3):
            await application(scope("/", length(5)), Caller(b"hello").receive, Caller().send)

    asyncio.run(refuse())
    assert [record.name for record in caplog.records].count(module.__name__) == 1
