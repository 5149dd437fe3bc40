"""A connection whose sign-ins add people."""

from sso.connections import services as connections
from sso.connections.types import SignInRules
from tests.factories import ACTOR

UMA = "uma@acme.example"


def allow(connection, **rules):
    connections.change_rules(connection=connection, rules=SignInRules(**rules), actor=ACTOR)
    connection.refresh_from_db()
