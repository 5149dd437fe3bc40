"""What changes between the look at a seat and the session: nobody gets in by what was true a moment ago."""

from urllib.parse import parse_qs, urlsplit

import pytest

from orgs.people import services as people
from orgs.tenancy.models import Membership, SessionGrant
from orgs.tenancy.types import Visitor
from portal.sandbox.test_idp.authn_request import read_redirect
from sso.attempts.types import Caller
from sso.connections import queries as connection_queries
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.connections.types import SignInRules
from sso.signin import services
from sso.signin.services import Refused
from sso.signin.types import Arrival, Return
from tests.factories import ACTOR

UMA = "uma@acme.example"


@pytest.fixture
def back(connection, idp, uma) -> Return:
    """Uma's browser, come back with a response that was verified."""
    departure = services.begin(connection=connection, return_to="")
    sent = parse_qs(urlsplit(departure.request.url).query)["SAMLRequest"][0]
    arrival = Arrival(idp.respond(UMA, read_redirect(sent, is_signed=True)), "", Caller())
    landing = services.receive(connection=connection, arrival=arrival)
    assert landing.pending
    return Return(landing.pending, landing.handle, (departure.flow,), Visitor(), Caller())


def turn_off(connection):
    connections.turn_off(connection=connection, actor=ACTOR)


def put_another_version_in_force(connection):
    connections.begin_reconfiguration(connection=connection, actor=ACTOR)
    connections.turn_on(connection=connection, actor=ACTOR, without_test=True)


@pytest.mark.parametrize("change", [turn_off, put_another_version_in_force])
def test_a_connection_that_was_changed_at_that_moment_lets_nobody_in(connection, back, monkeypatch, change):
    lock = connections.lock_connection

    def change_first(locked):
        monkeypatch.setattr(connections, "lock_connection", lock)
        change(connection_queries.connection_at(locked.public_id))
        return lock(locked)

    monkeypatch.setattr(connections, "lock_connection", change_first)
    with pytest.raises(Refused, match="connection_off"):
        services.complete(connection=connection, back=back)
    assert not SessionGrant.objects.exists()


def test_a_seat_that_got_another_address_at_that_moment_is_not_entered(connection, uma, back, monkeypatch):
    connections.change_rules(connection=connection, rules=SignInRules(jit=True), actor=ACTOR)
    lock = people.lock_seat

    def rename_first(seat):
        Membership.objects.filter(pk=seat.pk).update(email="vera@acme.example", email_key="vera@acme.example")
        return lock(seat)

    monkeypatch.setattr(people, "lock_seat", rename_first)
    with pytest.raises(Refused, match="subject_changed"):
        services.complete(connection=connection_queries.connection_at(connection.public_id), back=back)
    assert not SessionGrant.objects.exists()


def test_a_connection_that_was_deleted_at_that_moment_is_unknown(connection, idp, uma, browser, monkeypatch):
    landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
    lock = connections.lock_connection

    def delete_first(locked):
        Connection.objects.filter(pk=locked.pk).delete()
        return lock(locked)

    monkeypatch.setattr(connections, "lock_connection", delete_first)
    assert browser.follow(landed).status_code == 404
    assert not SessionGrant.objects.exists()


def test_a_seat_that_was_removed_at_that_moment_is_not_entered(connection, uma, back, monkeypatch):
    lock = people.lock_seat

    def remove_first(seat):
        monkeypatch.setattr(people, "lock_seat", lock)
        people.remove_seat(membership=seat, actor=ACTOR)
        return lock(seat)

    monkeypatch.setattr(people, "lock_seat", remove_first)
    with pytest.raises(Refused, match="not_a_member"):
        services.complete(connection=connection, back=back)
