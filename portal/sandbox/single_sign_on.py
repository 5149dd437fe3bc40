"""The demo's working connection: Northwind signs in at the test IdP, and the log tells of some who did and some who couldn't."""

import base64
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from django.conf import settings
from django.db import transaction
from django.test import Client

from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.tenancy.queries import find_organization
from portal.sandbox.cast import COLLEAGUES, NORTHWIND
from portal.sandbox.idp import FROM_ADDRESS, expected_failures_unlogged
from portal.sandbox.people import person_of
from portal.sandbox.test_idp.assertion import answer
from portal.sandbox.test_idp.authn_request import read_redirect
from portal.sandbox.test_idp.keys import ensure_keys
from portal.sandbox.test_idp.metadata import build_metadata
from portal.sandbox.test_idp.state import save_app
from portal.sandbox.test_idp.types import App, Fault, Person
from portal.setup import NewConnection, create_connection
from sso.connections import queries, services
from sso.connections.models import Connection
from sso.connections.types import SignInRules
from sso.metadata import services as metadata
from sso.metadata.queries import read_document
from sso.versions import services as versions

ACTOR = Actor.command("seed_demo")
NAME = "JumpCloud (sandbox)"
APP = "northwind"
STRANGER = Person("sam.outside@elsewhere.example", "Sam", "Outside")


ENTITY_ID = "urn:gatehouse:northwind:sandbox"


@dataclass(frozen=True, slots=True)
class SandboxIdp:
    """Where the test IdP is, and where it keeps its apps and keys."""

    url: str
    folder: Path

    def metadata(self) -> bytes:
        """Return the metadata of Northwind's app, which doesn't say anything of our side."""
        app = App(APP, "Gatehouse", ENTITY_ID, sp_entity_id="", acs_url="")
        return build_metadata(app, f"{self.url}/apps/{APP}/sso", ensure_keys(self.folder).signing.certificate)


def connect(idp: SandboxIdp) -> None:
    """Northwind's connection works with the test IdP at this address. Doing it twice changes nothing."""
    org = find_organization(NORTHWIND.slug)
    document = idp.metadata()
    with transaction.atomic():
        connection = queries.list_connections(org).filter(name=NAME).first()
        if connection is None:
            order = NewConnection(NAME, "jumpcloud", SignInRules(), document, turn_on=True)
            connection = create_connection(org=org, order=order, actor=ACTOR)
            with expected_failures_unlogged():
                _practise(connection, idp)
        else:
            _follow(connection, document)
    save_app(idp.folder, _app(connection))


def _app(connection: Connection) -> App:
    """Return the app as an admin enters it who copies the connection's values."""
    ours = queries.addresses(connection)
    return App(APP, "Gatehouse", ENTITY_ID, ours.sp_entity_id, ours.acs_url, login_url=ours.login_url)


def _follow(connection: Connection, document: bytes) -> None:
    """The version in force says what the IdP says now: on another port it has another address."""
    live, said = queries.in_force(connection), read_document(document)
    if live is not None and (live.idp_entity_id, live.endpoints) == (said.entity_id, said.endpoints):
        return
    draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    snapshot = metadata.take_document(connection=connection, document=document)
    metadata.use_snapshot(connection=connection, snapshot=snapshot, revision=draft.revision, actor=ACTOR)
    services.turn_on(connection=connection, actor=ACTOR, without_test=True)


def _practise(connection: Connection, idp: SandboxIdp) -> None:
    """Some have signed in already, and some couldn't: the log is that of life. Raises RuntimeError when a stop fails."""
    people = [person_of(NORTHWIND.owner), *map(person_of, COLLEAGUES.values())]
    outcomes = [
        *(_sign_in(connection, idp, person, Fault.NONE) for person in people),
        _sign_in(connection, idp, people[0], Fault.WRONG_AUDIENCE),
        _sign_in(connection, idp, people[1], Fault.EXPIRED),
        _sign_in(connection, idp, STRANGER, Fault.NONE),
    ]
    if outcomes != [httpx.codes.OK] * len(people) + [httpx.codes.FORBIDDEN] * 3:
        raise RuntimeError(f"The demo's sign-ins were answered {outcomes}.")


def _sign_in(connection: Connection, idp: SandboxIdp, person: Person, fault: Fault) -> int:
    """Return the status of the page on which the person ends."""
    # the test client, since it leaves the connection open: one transaction holds the whole demo
    client = Client(REMOTE_ADDR=FROM_ADDRESS, HTTP_HOST=urlsplit(settings.PUBLIC_BASE_URL).netloc)
    left = client.get(f"/saml/{connection.public_id}/login")
    request = read_redirect(parse_qs(urlsplit(left["Location"]).query)["SAMLRequest"][0], is_signed=True)
    app = _app(connection)
    document = answer(app, person, request, app.usual_choice(fault), keys=ensure_keys(idp.folder), now=now())
    fields = {"SAMLResponse": base64.b64encode(document).decode(), "RelayState": ""}
    return int(client.post(f"/saml/{connection.public_id}/acs", fields, follow=True).status_code)
