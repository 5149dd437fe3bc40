"""Bodies on the wire: sixty that come one byte at a time hold nothing that others need, and those in chunks are read."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from statistics import median
from threading import Event, Thread
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from tests.faults.conftest import RecordFault
from tests.faults.portal_server import Portal, postgres_database
from tests.processes import wait_for
from tests.scim.bodies import patch_body, user_body

# starting takes long on a busy machine
pytestmark = [pytest.mark.worker, pytest.mark.timeout(420)]
SENDERS = 60
CLIENT = "198.51.100.1"
# the bound that is promised; a server whose threads or connections are held answers after many seconds, or never
PROMISED_SECONDS = 1.0
ROUNDS = 5
NOBODY = "00000000-0000-0000-0000-000000000000"
BYTE, CHUNK = b"x", b"1\r\nx\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with postgres_database() as database:
        portal = Portal(tmp_path_factory.mktemp("portal"), database, extra={"TRUSTED_PROXY_COUNT": "1"})
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


def waits(portal: Portal) -> dict[str, list[float]]:
    """Return five waits for each kind of answer, all of them right."""
    found: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        body = json.dumps(user_body(f"n{time.monotonic_ns()}@acme.example"))
        asked = {
            "ready": ("GET", "/readyz", None, {}, 200),
            "page": ("GET", "/accounts/login/", None, {"Cookie": f"sessionid={number:032}"}, 200),
            "scim read": ("GET", f"{portal.scim}/Users?count=1", None, portal.bearer(), 200),
            "scim write": ("POST", f"{portal.scim}/Users", body, portal.bearer(), 201),
        }
        for name, (method, path, sent, headers, status) in asked.items():
            began = time.monotonic()
            answer = portal.ask(method, path, sent, headers)
            found.setdefault(name, []).append(time.monotonic() - began)
            assert answer.status == status, (name, answer.status, answer.text[:300])
    return found


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["acs", "login", "scim without a token", "scim with a token", "all"])
def test_sixty_slow_bodies_do_not_delay_other_requests(portal: Portal, kind: str, record_fault: RecordFault) -> None:
    found = heads(portal)
    with slow_senders(portal, list(found.values()) if kind == "all" else [found[kind]]):
        waited = waits(portal)
    record_fault(
        name=f"{SENDERS} slow bodies: {kind}",
        happened="probes, pages and SCIM, read and written, answer meanwhile",
        sent=sum(len(each) for each in waited.values()),
        lost=0,
        longest=max(max(each) for each in waited.values()),
    )
    medians = {name: median(each) for name, each in waited.items()}
    assert max(medians.values()) < PROMISED_SECONDS, medians


def in_chunks(portal: Portal, method: str, path: str, body: object) -> Any:
    text = json.dumps(body).encode()
    return portal.ask(method, f"{portal.scim}{path}", iter([text[:10], text[10:]]), portal.bearer())


def test_chunked_scim_bodies_are_read(portal: Portal) -> None:
    made = in_chunks(portal, "POST", "/Users", user_body("chunks@acme.example"))
    assert made.status == 201
    path = f"/Users/{json.loads(made.text)['id']}"
    replaced = in_chunks(portal, "PUT", path, user_body("chunks@acme.example", title="Put"))
    assert json.loads(replaced.text)["title"] == "Put"
    change = patch_body({"op": "replace", "path": "title", "value": "Patched"})
    assert json.loads(in_chunks(portal, "PATCH", path, change).text)["title"] == "Patched"


def test_chunked_form_is_read(portal: Portal) -> None:
    page = portal.get("/accounts/login/")
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token is not None
    form = urlencode({"csrfmiddlewaretoken": token[1], "login": "typed@acme.example", "password": "x"}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    assert "typed@acme.example" in portal.ask("POST", "/accounts/login/", iter([form[:9], form[9:]]), kind).text


@pytest.mark.parametrize("is_measured", [True, False], ids=["length", "chunks"])
def test_caller_still_sending_a_too_large_body_receives_the_413_answer(portal: Portal, is_measured: bool) -> None:
    body = b" " * 12_000_000 if is_measured else iter([b" " * 100_000] * 120)
    answer = portal.ask("POST", f"{portal.scim}/Users", body, portal.bearer())
    assert (answer.status, json.loads(answer.text)["status"]) == (413, "413")


def test_forged_header_name_with_an_underscore_does_not_set_the_client_address(portal: Portal) -> None:
    forged = {"X-Forwarded-For": CLIENT, "X_Forwarded_For": "6.6.6.6"}
    assert portal.get(f"{portal.scim}/Users?count=1", **portal.bearer(), **forged).status == 200
    wait_for(lambda: last_ip(portal) == CLIENT, "the call is in the log")


def last_ip(portal: Portal) -> str:
    with psycopg.connect(portal.database) as database:
        row = database.execute("SELECT ip FROM scim_requestlog ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]).partition("/")[0] if row else ""
