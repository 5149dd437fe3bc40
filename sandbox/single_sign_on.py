"""The demo's working connection: Northwind signs in at the test IdP, and the log tells of some who did and some who couldn't."""

import base64
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from django.conf import settings
from django.db import transaction
from django.test import Client

from orgs.audit.services import Change
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.tenancy.models import Organization
from orgs.tenancy.queries import find_organization
from portal.setup import NewConnection, create_connection
from sandbox.cast import COLLEAGUES, NORTHWIND, person_of
from sandbox.idp import FROM_ADDRESS, expected_failures_unlogged
from sandbox.processes import CannotStart
from sandbox.queries import connection_made
from sandbox.test_idp.assertion import answer
from sandbox.test_idp.authn_request import read_redirect
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.metadata import build_metadata
from sandbox.test_idp.state import find_app, load_apps, save_app
from sandbox.test_idp.types import App, Fault, IdpPerson
from sso.connections import queries, services
from sso.connections.models import Configuration, Connection
from sso.connections.types import SignInRules, Stage

ACTOR = Actor.command("seed_demo")
NAME = "JumpCloud (sandbox)"
APP = "northwind"
ENTITY_ID = "urn:gatehouse:northwind:sandbox"
STRANGER = IdpPerson("sam.outside@elsewhere.example", "Sam", "Outside")
# what a version knows of the test IdP's port
MOVING = ("redirect_url", "post_url", "metadata_url")


@dataclass(frozen=True, slots=True)
class SandboxIdp:
    """Where the test IdP is, and where it keeps its apps and keys."""

    url: str
    folder: Path

    def metadata(self) -> bytes:
        """Return the metadata of Northwind's app, which doesn't say anything of our side."""
        app = App(APP, "Gatehouse", ENTITY_ID, sp_entity_id="", acs_url="")
        return build_metadata(app, f"{self.url}/apps/{APP}/sso", ensure_keys(self.folder).signing.certificate)

    def moved(self, address: str) -> str:
        """Return where the address is now, when it is one of Northwind's app on any port; others stay as they are."""
        there, here = urlsplit(address), urlsplit(self.url)
        is_ours = there.hostname == here.hostname and there.path.startswith(f"/apps/{APP}/")
        return there._replace(netloc=here.netloc).geturl() if is_ours else address


def connect(idp: SandboxIdp, *, is_new: bool = True) -> None:
    """Create Northwind's connection with the test IdP at this address, once; later changes to it stay.

    `is_new` says that the organization is: then some sign in, so that the log isn't empty. Raises CannotStart, DomainError.
    """
    org = find_organization(NORTHWIND.slug)
    with transaction.atomic():
        made = connection_made(org, ACTOR)
        if made is None:
            connection = _make(org, idp)
            if is_new:
                with expected_failures_unlogged():
                    _practise(connection, idp)
        elif (kept := queries.list_connections(org).filter(public_id=made).first()) is not None:
            _follow(kept, idp)


def _make(org: Organization, idp: SandboxIdp) -> Connection:
    order = NewConnection(NAME, "jumpcloud", SignInRules(), idp.metadata(), turn_on=True)
    connection = create_connection(org=org, order=order, actor=ACTOR)
    save_app(idp.folder, _addressed(App(APP, "Gatehouse", ENTITY_ID, sp_entity_id="", acs_url=""), connection))
    return connection


def _addressed(app: App, connection: Connection) -> App:
    """Return the app with the connection's values, as an admin copies them."""
    ours = queries.addresses(connection)
    return replace(app, sp_entity_id=ours.sp_entity_id, acs_url=ours.acs_url, login_url=ours.login_url)


def _follow(connection: Connection, idp: SandboxIdp) -> None:
    """Give each side the other's new addresses after a change of port, and change nothing else."""
    for stage in (Stage.LIVE, Stage.DRAFT):
        version = queries.configuration(connection, stage)
        if version is not None:
            _readdress(connection, version, idp)
    for app in load_apps(idp.folder):
        if app.id == APP:
            save_app(idp.folder, _addressed(app, connection))


def _readdress(connection: Connection, version: Configuration, idp: SandboxIdp) -> None:
    before = {name: getattr(version, name) for name in MOVING}
    after = {name: idp.moved(address) for name, address in before.items()}
    if before == after:
        return
    # in place: a version of its own would have to be turned on, and would take what is being prepared with it
    for name, address in after.items():
        setattr(version, name, address)
    version.save(update_fields=MOVING)
    services.record_change(connection, ACTOR, "connection.idp_changed", Change(before=before, after=after))


def _practise(connection: Connection, idp: SandboxIdp) -> None:
    """Sign some people in and refuse some, so that the log has rows of both. Raises CannotStart."""
    people = [person_of(NORTHWIND.owner), *map(person_of, COLLEAGUES.values())]
    outcomes = [
        *(_sign_in(connection, idp, person, Fault.NONE) for person in people),
        _sign_in(connection, idp, people[0], Fault.WRONG_AUDIENCE),
        _sign_in(connection, idp, people[1], Fault.EXPIRED),
        _sign_in(connection, idp, STRANGER, Fault.NONE),
    ]
    if outcomes != [httpx.codes.OK] * len(people) + [httpx.codes.FORBIDDEN] * 3:
        raise CannotStart(f"its sign-ins were answered {[int(one) for one in outcomes]}.")


def _sign_in(connection: Connection, idp: SandboxIdp, person: IdpPerson, fault: Fault) -> int:
    """Return the status of the page on which the person ends."""
    # the test client, since it leaves the connection open: one transaction holds the whole demo
    client = Client(REMOTE_ADDR=FROM_ADDRESS, HTTP_HOST=urlsplit(settings.PUBLIC_BASE_URL).netloc)
    left = client.get(f"/saml/{connection.public_id}/login")
    request = read_redirect(parse_qs(urlsplit(left["Location"]).query)["SAMLRequest"][0], is_signed=True)
    app = find_app(idp.folder, APP)
    document = answer(app, person, request, app.usual_choice(fault), keys=ensure_keys(idp.folder), now=now())
    fields = {"SAMLResponse": base64.b64encode(document).decode(), "RelayState": ""}
    kind = "application/x-www-form-urlencoded"
    acs = f"/saml/{connection.public_id}/acs"
    return int(client.post(acs, urlencode(fields), content_type=kind, follow=True).status_code)
