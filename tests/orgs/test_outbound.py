"""Calls to other servers, over real sockets on loopback: where they go, how long they last, what is taken."""

import socket
import threading
import time
from ipaddress import ip_address

import pytest

from orgs.base import outbound, outbound_network
from orgs.base.outbound import Fetched, OutboundRefused, fetch
from orgs.base.outbound_addresses import is_loopback, is_public
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
def test_fetch_refuses_an_invalid_url_with_the_fitting_error(url, problem):
    with pytest.raises(problem):
        fetch(url)


def test_fetch_raises_url_not_https_for_http_outside_the_sandbox(settings):
    settings.OUTBOUND_ALLOWS_LOOPBACK = False
    with pytest.raises(UrlNotHttps):
        fetch("http://127.0.0.1/")


def test_fetch_raises_url_not_https_for_http_to_the_internet_even_in_the_sandbox(dns):
    dns[0]["idp.example"] = ["93.184.215.14"]
    with pytest.raises(UrlNotHttps):
        fetch("http://idp.example/")


def test_outbound_errors_have_distinct_codes_and_sentences():
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
def test_is_public_is_true_for_internet_addresses(address):
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
def test_is_public_is_false_for_other_addresses(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("::ffff:7f00:1", False)]
)
def test_is_loopback_is_true_for_plain_loopback_addresses_only(address, expected):
    assert is_loopback(ip_address(address)) == expected


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_fetch_refuses_every_spelling_of_loopback_outside_the_sandbox(settings, host):
    settings.OUTBOUND_ALLOWS_LOOPBACK = False
    with serving(plain()) as server:
        with pytest.raises(AddressPrivate):
            fetch(f"https://{host}:{server.port}/")
        assert server.seen == []


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "[::]"])
def test_fetch_refuses_private_addresses_even_in_the_sandbox(address):
    with pytest.raises(AddressPrivate):
        fetch(f"https://{address}/")


def test_fetch_refuses_a_host_with_one_private_address_among_public_ones(dns):
    dns[0]["idp.example"] = ["93.184.215.14", "10.0.0.1"]
    with pytest.raises(AddressPrivate):
        fetch("https://idp.example/")


def test_fetch_refuses_a_host_with_loopback_beside_a_public_address(dns):
    dns[0]["idp.example"] = ["127.0.0.1", "93.184.215.14"]
    with pytest.raises(AddressPrivate):
        fetch("https://idp.example/")


def test_fetch_looks_the_host_up_once_and_connects_to_that_address(dns):
    names, asked = dns
    names["idp.example"] = ["127.0.0.1"]
    with serving(plain()) as server:
        assert fetch(server.url("/m", "idp.example")).content == b"<md/>"
    assert asked == ["idp.example"]
    assert server.seen[0]["Host"] == f"idp.example:{server.port}"


def test_fetch_tries_the_next_address_when_the_first_does_not_answer(dns):
    dns[0]["idp.example"] = ["::1", "127.0.0.1"]
    with serving(plain()) as server:
        assert fetch(server.url("/", "idp.example")).content == b"<md/>"


def test_fetch_refuses_a_connection_whose_peer_is_not_a_checked_address(monkeypatch):
    class Elsewhere(outbound_network.PinnedBackend):
        """Its checked address isn't where its connections go."""

        def _check_peer(self, stream):
            self._addresses = (ip_address("93.184.215.14"),)
            super()._check_peer(stream)

    monkeypatch.setattr(outbound, "PinnedBackend", Elsewhere)
    with serving(plain()) as server, pytest.raises(AddressPrivate):
        fetch(server.url())


def test_fetch_raises_host_not_found_for_an_unknown_host():
    with pytest.raises(HostNotFound):
        fetch(f"https://{'x' * 70}.example/")


@pytest.mark.parametrize(("code", "problem"), [(socket.EAI_NONAME, HostNotFound), (socket.EAI_AGAIN, LookUpFailed)])
def test_fetch_distinguishes_a_failed_lookup_from_an_unknown_host(monkeypatch, code, problem):
    def fail(*args, **kwargs):
        raise socket.gaierror(code, "no")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(problem):
        fetch("https://idp.example/")


def test_fetch_raises_look_up_failed_when_the_lookup_does_not_end(monkeypatch, hurried):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(20) and [])
    with pytest.raises(LookUpFailed):
        fetch("https://idp.example/")
    over.set()


# redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_fetch_follows_a_redirect(status):
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
def test_fetch_refuses_a_redirect_to_a_forbidden_url(location, sentence):
    with serving(plain(302, b"", Location=location)) as server, pytest.raises(RedirectRefused) as refused:
        fetch(server.url())
    assert refused.value.public.endswith(sentence)


def test_fetch_refuses_a_redirect_from_the_internet_to_loopback():
    route = outbound.Route(outbound.read_url("https://idp.example/"), (ip_address("93.184.215.14"),), is_loopback=False)
    deadline = outbound_network.Deadline(time.monotonic() + 5)
    for location in ("http://127.0.0.1/", "https://127.0.0.1/"):
        with pytest.raises(RedirectRefused):
            outbound._follow(route, location, deadline)


def test_fetch_follows_three_redirects_and_no_fourth():
    def answer(visitor):
        left = int(visitor.path[1:])
        (plain(302, b"", Location=f"/{left - 1}") if left else plain())(visitor)

    with serving(answer) as server:
        assert fetch(server.url("/3")).url == server.url("/0")
        with pytest.raises(TooManyRedirects):
            fetch(server.url("/4"))
        assert server.seen[-1]["path"] == "/1"


def test_fetch_raises_status_unexpected_for_a_redirect_without_location():
    with serving(plain(302, b"")) as server, pytest.raises(StatusUnexpected) as refused:
        fetch(server.url())
    assert refused.value.status == 302


# what is sent and what is taken


def test_fetch_returns_url_content_and_content_type():
    with serving(plain(Content_Type="application/samlmetadata+xml; charset=utf-8")) as server:
        found = fetch(f"  {server.url('/m?a=1')} ")
    assert found == Fetched(server.url("/m?a=1"), b"<md/>", "application/samlmetadata+xml; charset=utf-8")


def test_fetch_sends_only_its_own_headers_and_ignores_proxy_variables(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    def answer(visitor):
        (plain() if visitor.path == "/end" else plain(302, b"", Location="/end", Set_Cookie="a=b"))(visitor)

    with serving(answer) as server:
        fetch(server.url("/start"))
    assert set(server.seen[1]) == {"path", "Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert (server.seen[1]["User-Agent"], server.seen[1]["Accept-Encoding"]) == ("Gatehouse", "identity")


@pytest.mark.parametrize("status", [201, 204, 400, 401, 404, 500, 503])
def test_fetch_raises_status_unexpected_for_any_status_but_200(status):
    with serving(plain(status)) as server, pytest.raises(StatusUnexpected, match=str(status)):
        fetch(server.url())


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "nonsense"])
def test_fetch_refuses_a_compressed_answer(coding):
    with serving(plain(Content_Encoding=coding)) as server, pytest.raises(AnswerCompressed):
        fetch(server.url())


def test_fetch_returns_an_answer_of_one_mebibyte():
    with serving(plain(body=b"x" * 2**20)) as server:
        assert len(fetch(server.url()).content) == 2**20


def test_fetch_stops_reading_an_answer_over_one_mebibyte():
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
def test_fetch_raises_answer_broken_for_a_malformed_or_incomplete_answer(words):
    with speaking(words) as url, pytest.raises(AnswerBroken):
        fetch(url)


def test_fetch_raises_answer_broken_for_too_many_headers():
    words = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(400))
    with speaking(words) as url, pytest.raises(AnswerBroken):
        fetch(url)


# how long a call lasts


@pytest.mark.parametrize(
    "words",
    [b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 100, b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 100],
    ids=["headers", "body"],
)
def test_fetch_times_out_when_the_server_sends_slowly(hurried, words):
    # every byte comes in time for a limit on single reads
    with speaking(words, gap=0.1) as url:
        began = time.monotonic()
        with pytest.raises(CallTimedOut):
            fetch(url)
    assert time.monotonic() - began < 2


def test_fetch_gives_all_redirects_one_deadline(hurried):
    def answer(visitor):
        time.sleep(0.4)
        plain(302, b"", Location="/")(visitor)

    with serving(answer) as server:
        began = time.monotonic()
        with pytest.raises(CallTimedOut):
            fetch(server.url())
    assert time.monotonic() - began < 2


def test_fetch_times_out_when_the_tls_handshake_does_not_answer(hurried):
    with speaking(b"\x16", gap=3) as url, pytest.raises(CallTimedOut):
        fetch(url.replace("http:", "https:"))


def test_fetch_times_out_when_the_connection_is_not_accepted(monkeypatch):
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


def test_deadline_raises_call_timed_out_when_no_time_is_left():
    with pytest.raises(CallTimedOut):
        outbound_network.Deadline(time.monotonic()).left()


# connections and certificates


def test_fetch_raises_connection_refused_for_a_closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefused):
        fetch(f"http://127.0.0.1:{port}/")


def test_fetch_raises_server_unreachable_when_the_network_is_unreachable(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", fail)
    with pytest.raises(ServerUnreachable):
        fetch("https://93.184.215.14/")


def test_fetch_accepts_a_trusted_certificate_of_the_host(dns, monkeypatch, tmp_path):
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
def test_fetch_raises_certificate_untrusted_for_any_other_certificate(
    dns, monkeypatch, tmp_path, name, days, is_known, reason
):
    dns[0]["idp.example"] = ["127.0.0.1"]
    context = certificate(tmp_path, name, days=days)
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with serving(plain(), context) as server, pytest.raises(CertificateUntrusted, match=reason):
        fetch(server.url("/", "idp.example"))
    assert server.seen == []


def test_fetch_raises_tls_failed_when_the_server_has_no_tls():
    with serving(plain()) as server, pytest.raises(TlsFailed):
        fetch(f"https://127.0.0.1:{server.port}/")
