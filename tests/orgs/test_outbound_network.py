"""The connection under an outbound call, when the other end does its worst."""

import socket

import pytest

from orgs.base import outbound
from orgs.base.outbound import MAX_BYTES, MAX_PIECES, fetch
from orgs.base.outbound_errors import AnswerFragmented, ServerUnreachable
from orgs.base.outbound_network import BODY_BYTES, HEAD_BYTES, MAX_READS, Allowance
from tests.orgs.servers import plain, serving, speaking

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

# who is at the other end


class Gone(socket.socket):
    """A connection that was reset behind its handshake: the system no longer knows whose it is."""

    def getpeername(self):
        raise OSError(107, "Transport endpoint is not connected")


class Nameless(socket.socket):
    """A connection to what is no address."""

    def getpeername(self):
        return ("somewhere", 0)


@pytest.fixture(params=[Gone, Nameless])
def made(monkeypatch, request):
    """The connections that are made are of this kind; returns the list of them."""
    sockets = []
    connect = socket.create_connection

    def create(address, *args, **kwargs):
        plain_one = connect(address, *args, **kwargs)
        sockets.append(request.param(fileno=plain_one.detach()))
        return sockets[-1]

    monkeypatch.setattr(socket, "create_connection", create)
    return sockets


def test_fetch_sends_nothing_when_the_peer_of_the_connection_is_unknown(made):
    with serving(plain()) as server, pytest.raises(ServerUnreachable):
        fetch(server.url())
    assert server.seen == []


def test_fetch_closes_the_connection_when_its_peer_is_unknown(made):
    with serving(plain()) as server, pytest.raises(ServerUnreachable):
        fetch(server.url())
    assert [one.fileno() for one in made] == [-1]


# how much may come


def test_fetch_refuses_too_many_informational_responses():
    answers = b"HTTP/1.1 100 Continue\r\n\r\n" * (HEAD_BYTES // 20)
    with speaking(answers + CHUNKED + END) as url, pytest.raises(AnswerFragmented):
        fetch(url)


def test_fetch_ignores_a_few_informational_responses():
    answers = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 10
    with speaking(answers + CHUNKED + b"5\r\n<md/>\r\n" + END) as url:
        assert fetch(url).content == b"<md/>"


def test_fetch_accepts_the_most_chunks():
    with speaking(CHUNKED + b"1\r\nx\r\n" * MAX_PIECES + END) as url:
        assert fetch(url).content == b"x" * MAX_PIECES


def test_fetch_refuses_one_chunk_too_many():
    with speaking(CHUNKED + b"1\r\nx\r\n" * (MAX_PIECES + 1) + END) as url, pytest.raises(AnswerFragmented):
        fetch(url)


def test_fetch_counts_chunk_extensions_toward_the_size():
    around = b"1;" + b"a" * 2_000 + b"\r\nx\r\n"
    with speaking(CHUNKED + around * 700 + END) as url, pytest.raises(AnswerFragmented):
        fetch(url)


def test_fetch_accepts_the_largest_document_in_chunks_of_256_bytes():
    piece = b"100\r\n" + b"x" * 256 + b"\r\n"
    with speaking(CHUNKED + piece * (MAX_BYTES // 256) + END) as url:
        assert len(fetch(url).content) == MAX_BYTES


def test_fetch_refuses_an_answer_that_takes_too_many_reads(monkeypatch):
    monkeypatch.setattr(outbound, "Allowance", lambda: Allowance(reads=3))
    with speaking(b"HTTP/1.1 200 OK\r\n", gap=0.01) as url, pytest.raises(AnswerFragmented):
        fetch(url)


@pytest.mark.parametrize("spent", [Allowance(size=0), Allowance(reads=0)])
def test_allowance_raises_answer_fragmented_when_size_or_reads_are_used_up(spent):
    with pytest.raises(AnswerFragmented):
        spent.at_most(1)


def test_allowance_limits_a_read_to_the_bytes_left():
    allowance = Allowance()
    allowance.take(HEAD_BYTES - 10)
    assert allowance.at_most(64 * 1024) == 10
    allowance.begin_body()
    assert (allowance.size, allowance.reads) == (10 + BODY_BYTES, MAX_READS - 1)
