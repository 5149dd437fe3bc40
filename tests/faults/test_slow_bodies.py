"""Sixty callers who send a body one byte at a time hold nothing that others need."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import Event, Thread

import pytest

from tests.faults.portal_server import Portal, postgres_database
from tests.scim.bodies import user_body

pytestmark = pytest.mark.worker
SENDERS = 60
# the bound that is promised; a server whose threads or connections are held answers after many seconds, or never
PROMISED_SECONDS = 1.0
ROUNDS = 5
NOBODY = "00000000-0000-0000-0000-000000000000"
BYTE, CHUNK = b"x", b"1\r\nx\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with postgres_database() as database:
        portal = Portal(tmp_path_factory.mktemp("portal"), database)
        portal.fill()
        with portal.running():
            yield portal


@contextmanager
def slow_senders(portal: Portal, heads: list[str]) -> Iterator[None]:
    """Sixty connections have sent one of these heads, and go on sending their bodies byte by byte inside `with`."""
    stop = Event()
    senders = []
    for _, head in zip(range(SENDERS), cycle(heads), strict=False):
        sender = socket.create_connection(("127.0.0.1", portal.port), timeout=10)
        sender.sendall(f"{head}Host: localhost\r\n\r\n".encode())
        senders.append((sender, CHUNK if "chunked" in head else BYTE))

    def drip() -> None:
        while not stop.wait(0.2):
            for sender, part in senders:
                sender.sendall(part)

    dripping = Thread(target=drip, daemon=True)
    dripping.start()
    time.sleep(1)
    try:
        yield
        assert dripping.is_alive(), "the senders are no longer there"
    finally:
        stop.set()
        dripping.join()
        for sender, _ in senders:
            sender.close()


def heads(portal: Portal) -> dict[str, str]:
    length = "Content-Length: 100000\r\n"
    login = f"POST /accounts/login/ HTTP/1.1\r\n{FORM}{length}Cookie: sessionid={'m' * 32}\r\n"
    scim = f"POST {portal.scim}/Users HTTP/1.1\r\nContent-Type: application/scim+json\r\n{length}"
    return {
        "acs": f"POST /saml/{NOBODY}/acs HTTP/1.1\r\n{FORM}{length}",
        "login": login,
        "scim without a token": scim,
        "scim with a token": f"{scim}Authorization: Bearer {portal.token}\r\n",
        "chunked": f"POST /accounts/login/ HTTP/1.1\r\n{FORM}Transfer-Encoding: chunked\r\nCookie: sessionid=x\r\n",
    }


def longest_waits(portal: Portal) -> dict[str, float]:
    """Return the longest of five waits for each kind of answer, all of them right."""
    waits: dict[str, float] = {}
    for number in range(ROUNDS):
        body = json.dumps(user_body(userName=f"n{time.monotonic_ns()}@acme.example"))
        asked = {
            "ready": ("GET", "/readyz", None, {}, 200),
            "page": ("GET", "/accounts/login/", None, {"Cookie": f"sessionid={number:032}"}, 200),
            "scim read": ("GET", f"{portal.scim}/Users?count=1", None, portal.bearer(), 200),
            "scim write": ("POST", f"{portal.scim}/Users", body, portal.bearer(), 201),
        }
        for name, (method, path, sent, headers, status) in asked.items():
            began = time.monotonic()
            answer = portal.ask(method, path, sent, headers)
            waits[name] = max(waits.get(name, 0.0), time.monotonic() - began)
            assert answer.status == status, (name, answer.status, answer.text[:300])
    return waits


@pytest.mark.parametrize("kind", ["acs", "login", "scim without a token", "scim with a token", "all"])
def test_sixty_slow_bodies_delay_nobody(portal: Portal, kind: str) -> None:
    found = heads(portal)
    with slow_senders(portal, list(found.values()) if kind == "all" else [found[kind]]):
        waits = longest_waits(portal)
    assert max(waits.values()) < PROMISED_SECONDS, waits
