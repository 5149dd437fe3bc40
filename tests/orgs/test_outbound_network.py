"""The connection under an outbound call, when the other end does its worst."""

import socket

import pytest

from orgs.base.outbound import fetch
from orgs.base.outbound_errors import ServerUnreachable
from tests.orgs.servers import plain, serving

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


def test_a_connection_that_cannot_say_where_it_leads_is_none(made):
    with serving(plain()) as server, pytest.raises(ServerUnreachable):
        fetch(server.url())
    assert server.seen == []


def test_a_connection_that_cannot_say_where_it_leads_is_closed(made):
    with serving(plain()) as server, pytest.raises(ServerUnreachable):
        fetch(server.url())
    assert [one.fileno() for one in made] == [-1]
