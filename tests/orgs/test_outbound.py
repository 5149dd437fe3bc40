"""Calls to other servers, over real sockets on loopback: where they go, how long they last, what is taken."""

import socket
import threading
import time
from ipaddress import ip_address

import pytest

from orgs.base import outbound, outbound_network
from orgs.base.addresses import is_loopback, is_public
from orgs.base.outbound import Fetched, OutboundRefused, fetch
from orgs.base.outbound_errors import (
    AddressPrivate,
    AnswerBroken,
    AnswerCompressed,
    AnswerTooLarge,
    CallTimedOut,
    CertificateUntrusted,
    ConnectionRefused,
    HostNotFound,
    LookUpFailed,
    RedirectRefused,
    ServerUnreachable,
    StatusUnexpected,
    TlsFailed,
    TooManyRedirects,
    UrlHasCredentials,
    UrlInvalid,
    UrlNotHttps,
)
from tests.orgs.servers import certificate, plain, serving, speaking

REAL_LOOK_UP = socket.getaddrinfo


@pytest.fixture
def hurried(monkeypatch):
    """Calls last a second at most, so that a slow server is found out soon."""
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 1.0)


@pytest.fixture
def dns(monkeypatch):
    """A DNS of names and addresses; returns the list of the names that were looked up."""
    asked: list[str] = []
    names: dict[str, list[str]] = {}

    def look_up(host, port, *args, **kwargs):
        if host not in names:
            return REAL_LOOK_UP(host, port, *args, **kwargs)
        asked.append(host)
        return [found for address in names[host] for found in REAL_LOOK_UP(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names, asked


# what a URL must be


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", UrlInvalid),
        ("   ", UrlInvalid),
        ("idp.example/metadata", UrlInvalid),
        ("https://", UrlInvalid),
        ("https:///metadata", UrlInvalid),
        ("https://idp.example:99999/", UrlInvalid),
        ("https://idp.example:0/", UrlInvalid),
        ("https://idp.example:port/", UrlInvalid),
        ("https://idp\n.example/", UrlInvalid),
        ("https://[::1", UrlInvalid),
        ("https://0177.0.0.1/", UrlInvalid),
        (f"https://idp.example/{'x' * 2048}", UrlInvalid),
        ("ftp://idp.example/", UrlNotHttps),
        ("file:///etc/passwd", UrlNotHttps),
        ("javascript:alert(1)", UrlNotHttps),
        ("https://adam:secret@idp.example/", UrlHasCredentials),
        ("https://idp.example\\@10.0.0.1/", UrlHasCredentials),
    ],
)
def test_what_is_no_url_for_us_is_refused_for_its_own_reason(url, problem):
    with pytest.raises(problem):
        fetch(url)


def test_http_is_refused_outside_the_sandbox(settings):
    settings.OUTBOUND_ALLOWS_LOOPBACK = False
    with pytest.raises(UrlNotHttps):
        fetch("http://127.0.0.1/")


def test_http_to_the_internet_is_refused_in_the_sandbox_too(dns):
    dns[0]["idp.example"] = ["93.184.215.14"]
    with pytest.raises(UrlNotHttps):
        fetch("http://idp.example/")


def test_each_refusal_has_a_code_and_a_sentence_of_its_own():
    kinds = [kind for kind in every_kind(OutboundRefused) if not every_kind(kind)]
    shown = [made(kind) for kind in kinds]
    assert len({problem.code for problem in shown}) == len({problem.public for problem in shown}) == len(kinds) == 18


def every_kind(kind):
    return [below for child in kind.__subclasses__() for below in (child, *every_kind(child))]


def made(kind):
    needs = {RedirectRefused: UrlInvalid(), CertificateUntrusted: "expired", StatusUnexpected: 404}
    return kind(needs[kind]) if kind in needs else kind()


# where a call may go


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "100.63.255.255", "2606:2800:21f:cb07:6820:80da::1"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.8.8.8",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::169.254.169.254",
        "::8.8.8.8",
        "::ffff:169.254.169.254",
        "::ffff:8.8.8.8",
        "::ffff:0:8.8.8.8",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::808:808",
        "64:ff9b:1::a9fe:a9fe",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:a9fe:a9fe::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_any_other_address_is_not(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("::ffff:7f00:1", False)]
)
def test_loopback_is_known_in_its_plain_form(address, expected):
    assert is_loopback(ip_address(address)) == expected


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_spelling_of_loopback_is_called_outside_the_sandbox(settings, host):
    settings.OUTBOUND_ALLOWS_LOOPBACK = False
    with serving(plain()) as server:
        with pytest.raises(AddressPrivate):
            fetch(f"https://{host}:{server.port}/")
        assert server.seen == []


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "[::]"])
def test_a_private_address_is_refused_in_the_sandbox_too(address):
    with pytest.raises(AddressPrivate):
        fetch(f"https://{address}/")


def test_one_private_address_among_public_ones_refuses_the_name(dns):
    dns[0]["idp.example"] = ["93.184.215.14", "10.0.0.1"]
    with pytest.raises(AddressPrivate):
        fetch("https://idp.example/")


def test_loopback_beside_the_internet_refuses_the_name(dns):
    dns[0]["idp.example"] = ["127.0.0.1", "93.184.215.14"]
    with pytest.raises(AddressPrivate):
        fetch("https://idp.example/")


def test_a_name_is_looked_up_once_and_the_call_goes_to_that_address(dns):
    names, asked = dns
    names["idp.example"] = ["127.0.0.1"]
    with serving(plain()) as server:
        assert fetch(server.url("/m", "idp.example")).content == b"<md/>"
    assert asked == ["idp.example"]
    assert server.seen[0]["Host"] == f"idp.example:{server.port}"


def test_the_next_address_is_tried_when_the_first_does_not_answer(dns):
    dns[0]["idp.example"] = ["::1", "127.0.0.1"]
    with serving(plain()) as server:
        assert fetch(server.url("/", "idp.example")).content == b"<md/>"


def test_the_connection_itself_says_to_whom_it_leads(monkeypatch):
    class Elsewhere(outbound_network.PinnedBackend):
        """Its checked address isn't where its connections go."""

        def _check_peer(self, stream):
            self._addresses = (ip_address("93.184.215.14"),)
            super()._check_peer(stream)

    monkeypatch.setattr(outbound, "PinnedBackend", Elsewhere)
    with serving(plain()) as server, pytest.raises(AddressPrivate):
        fetch(server.url())


def test_an_unknown_name_is_a_mistake_of_typing():
    with pytest.raises(HostNotFound):
        fetch(f"https://{'x' * 70}.example/")


@pytest.mark.parametrize(("code", "problem"), [(socket.EAI_NONAME, HostNotFound), (socket.EAI_AGAIN, LookUpFailed)])
def test_dns_that_fails_is_told_from_dns_that_knows_no_such_name(monkeypatch, code, problem):
    def fail(*args, **kwargs):
        raise socket.gaierror(code, "no")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(problem):
        fetch("https://idp.example/")


def test_a_look_up_that_never_ends_ends_with_the_call(monkeypatch, hurried):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(20) and [])
    with pytest.raises(LookUpFailed):
        fetch("https://idp.example/")
    over.set()


# redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status):
    def answer(visitor):
        (plain() if visitor.path == "/end" else plain(status, b"", Location="/end"))(visitor)

    with serving(answer) as server:
        assert fetch(server.url("/start#part")) == Fetched(server.url("/end"), b"<md/>", "")


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("https://10.0.0.1/", AddressPrivate.public),
        ("https://169.254.169.254/latest/meta-data/", AddressPrivate.public),
        ("http://10.0.0.1/", AddressPrivate.public),
        ("http://93.184.215.14/", UrlNotHttps.public),
        ("file:///etc/passwd", UrlNotHttps.public),
        ("https://adam@93.184.215.14/", UrlHasCredentials.public),
        ("https://idp.example:port/", UrlInvalid.public),
        (f"https://{'x' * 70}.example/", HostNotFound.public),
    ],
)
def test_a_redirect_is_checked_like_a_first_url(location, sentence):
    with serving(plain(302, b"", Location=location)) as server, pytest.raises(RedirectRefused) as refused:
        fetch(server.url())
    assert refused.value.public.endswith(sentence)


def test_the_internet_cannot_send_us_to_loopback():
    route = outbound.Route(outbound.read_url("https://idp.example/"), (ip_address("93.184.215.14"),), is_loopback=False)
    deadline = outbound_network.Deadline(time.monotonic() + 5)
    for location in ("http://127.0.0.1/", "https://127.0.0.1/"):
        with pytest.raises(RedirectRefused):
            outbound._follow(route, location, deadline)


def test_three_redirects_are_followed_and_no_fourth():
    def answer(visitor):
        left = int(visitor.path[1:])
        (plain(302, b"", Location=f"/{left - 1}") if left else plain())(visitor)

    with serving(answer) as server:
        assert fetch(server.url("/3")).url == server.url("/0")
        with pytest.raises(TooManyRedirects):
            fetch(server.url("/4"))
        assert server.seen[-1]["path"] == "/1"


def test_a_redirect_to_nowhere_is_an_unexpected_status():
    with serving(plain(302, b"")) as server, pytest.raises(StatusUnexpected) as refused:
        fetch(server.url())
    assert refused.value.status == 302


# what is sent and what is taken


def test_a_document_comes_with_its_type():
    with serving(plain(Content_Type="application/samlmetadata+xml; charset=utf-8")) as server:
        found = fetch(f"  {server.url('/m?a=1')} ")
    assert found == Fetched(server.url("/m?a=1"), b"<md/>", "application/samlmetadata+xml; charset=utf-8")


def test_a_request_says_who_asks_and_nothing_else(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    def answer(visitor):
        (plain() if visitor.path == "/end" else plain(302, b"", Location="/end", Set_Cookie="a=b"))(visitor)

    with serving(answer) as server:
        fetch(server.url("/start"))
    assert set(server.seen[1]) == {"path", "Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert (server.seen[1]["User-Agent"], server.seen[1]["Accept-Encoding"]) == ("Gatehouse", "identity")


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 500, 503])
def test_any_other_status_is_named(status):
    with serving(plain(status)) as server, pytest.raises(StatusUnexpected, match=str(status)):
        fetch(server.url())


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "nonsense"])
def test_a_compressed_answer_is_refused_unread(coding):
    with serving(plain(Content_Encoding=coding)) as server, pytest.raises(AnswerCompressed):
        fetch(server.url())


def test_an_answer_of_just_a_mebibyte_is_taken():
    with serving(plain(body=b"x" * 2**20)) as server:
        assert len(fetch(server.url()).content) == 2**20


def test_a_larger_answer_is_cut_off():
    sent = []

    def answer(visitor):
        visitor.send_response(200)
        visitor.end_headers()
        for _ in range(160):
            visitor.wfile.write(b"x" * 2**16)
            sent.append(2**16)

    with serving(answer) as server, pytest.raises(AnswerTooLarge):
        fetch(server.url())
    assert sum(sent) < 10 * 2**20


@pytest.mark.parametrize(
    "words", [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_what_is_no_whole_http_answer_is_refused(words):
    with speaking(words) as url, pytest.raises(AnswerBroken):
        fetch(url)


def test_endless_headers_are_refused():
    words = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(400))
    with speaking(words) as url, pytest.raises(AnswerBroken):
        fetch(url)


# how long a call lasts


@pytest.mark.parametrize(
    "words",
    [b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 100, b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 100],
    ids=["headers", "body"],
)
def test_a_server_that_drips_is_left_when_the_time_is_up(hurried, words):
    # every byte comes in time for a limit on single reads
    with speaking(words, gap=0.1) as url:
        began = time.monotonic()
        with pytest.raises(CallTimedOut):
            fetch(url)
    assert time.monotonic() - began < 2


def test_all_redirects_share_one_time(hurried):
    def answer(visitor):
        time.sleep(0.4)
        plain(302, b"", Location="/")(visitor)

    with serving(answer) as server:
        began = time.monotonic()
        with pytest.raises(CallTimedOut):
            fetch(server.url())
    assert time.monotonic() - began < 2


def test_a_server_that_says_nothing_in_the_handshake_is_left(hurried):
    with speaking(b"\x16", gap=3) as url, pytest.raises(CallTimedOut):
        fetch(url.replace("http:", "https:"))


def test_an_address_that_takes_no_connection_is_left_in_time(monkeypatch):
    monkeypatch.setattr(outbound_network, "CONNECT_SECONDS", 0.2)
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.settimeout(0)
        one.connect_ex(listener.getsockname())
    with pytest.raises(CallTimedOut):
        fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    for one in (*waiting, listener):
        one.close()


def test_a_call_without_any_time_left_is_over():
    with pytest.raises(CallTimedOut):
        outbound_network.Deadline(time.monotonic()).left()


# connections and certificates


def test_a_closed_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefused):
        fetch(f"http://127.0.0.1:{port}/")


def test_a_host_that_cannot_be_reached_is_named(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", fail)
    with pytest.raises(ServerUnreachable):
        fetch("https://93.184.215.14/")


def test_a_trusted_certificate_of_this_name_lets_the_call_through(dns, monkeypatch, tmp_path):
    dns[0]["idp.example"] = ["127.0.0.1"]
    context = certificate(tmp_path, "idp.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with serving(plain(), context) as server:
        assert fetch(server.url("/m", "idp.example")).content == b"<md/>"


@pytest.mark.parametrize(
    ("name", "days", "is_known", "reason"),
    [
        ("idp.example", 30, False, "self-signed certificate"),
        ("other.example", 30, True, "Hostname mismatch"),
        ("idp.example", -1, True, "certificate has expired"),
    ],
)
def test_any_other_certificate_stops_it(dns, monkeypatch, tmp_path, name, days, is_known, reason):
    dns[0]["idp.example"] = ["127.0.0.1"]
    context = certificate(tmp_path, name, days=days)
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with serving(plain(), context) as server, pytest.raises(CertificateUntrusted, match=reason):
        fetch(server.url("/", "idp.example"))
    assert server.seen == []


def test_a_server_without_tls_is_told_apart():
    with serving(plain()) as server, pytest.raises(TlsFailed):
        fetch(f"https://127.0.0.1:{server.port}/")
