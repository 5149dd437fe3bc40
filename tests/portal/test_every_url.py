"""Every URL × method × actor with the answer that is expected. A URL that isn't in the table fails."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from orgs.base.clock import now
from orgs.domains import services as domains
from orgs.groups import services as groups
from orgs.groups.types import GroupSource
from orgs.tenancy.models import Membership
from portal.setup import NewConnection, create_connection
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.metadata import build_metadata
from sandbox.test_idp.types import App
from scim.directories.models import ScimToken
from scim.directories.queries import first_directory
from scim.rehearsal.models import Rehearsal
from scim.requests.models import RequestLog
from sso.attempts import services as attempts
from sso.attempts.types import AttemptOutcome, AttemptRecord, ClientInfo
from sso.connections.models import Connection
from sso.connections.types import SignInRules
from sso.metadata import services as metadata
from sso.saml.errors import StatusRefused
from sso.signin_tests import services as signin
from sso.versions import services as versions
from tests.conftest import ScimClient, SignIn, undone
from tests.factories import ACTOR, TokenFactory
from tests.scim.bodies import group_body, user_body

ACTORS = ("anonymous", "stranger", "greta", "gil", "uma", "adam", "olga")
LEFT_OUT = ("PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Row:
    """The answers to GET and to POST, one status for each actor in the order above; other methods are 405."""

    get: str
    post: str


# who: anonymous stranger greta gil uma adam olga
SETTINGS = "302 404 404 403 403 200 200"
EVERYBODY = "200 200 200 200 200 200 200"
NOT_ALLOWED = "405 405 405 405 405 405 405"
ORG = "orgs/<slug:org_slug>/"
CONNECTIONS = ORG + "settings/authentication/connections/"
CONNECTION = CONNECTIONS + "<uuid:public_id>/"
TABLE = {
    "": Row("302 200 302 302 302 302 302", NOT_ALLOWED),
    "look-again/": Row(NOT_ALLOWED, "302 302 302 302 302 302 302"),
    "waiting/<uuid:public_id>/accept/": Row(NOT_ALLOWED, "302 404 404 404 404 404 404"),
    ORG: Row("302 404 404 200 200 302 302", NOT_ALLOWED),
    ORG + "settings/": Row("302 404 404 403 403 302 302", NOT_ALLOWED),
    ORG + "settings/authentication/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/authentication/pulse/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/authentication/existing-members/": Row(NOT_ALLOWED, "302 404 404 403 403 302 302"),
    ORG + "settings/members/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/groups/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/groups/<uuid:public_id>/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/domains/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    ORG + "settings/domains/<uuid:public_id>/check/": Row(NOT_ALLOWED, "302 404 404 403 403 302 302"),
    ORG + "settings/domains/<uuid:public_id>/remove/": Row(SETTINGS, "302 404 404 403 403 302 302"),
    ORG + "settings/provisioning-log/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/provisioning-log/<uuid:public_id>/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/provisioning-log/export.csv": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/provisioning-log/export.json": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/sign-in-log/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/sign-in-log/<uuid:public_id>/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/sign-in-log/export.csv": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/sign-in-log/export.json": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/audit/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/audit/export.csv": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/audit/export.json": Row(SETTINGS, NOT_ALLOWED),
    CONNECTIONS + "new/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    CONNECTION: Row(SETTINGS, NOT_ALLOWED),
    CONNECTION + "sp-certificate/": Row(SETTINGS, NOT_ALLOWED),
    CONNECTION + "setup/provider/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    CONNECTION + "setup/values/": Row(SETTINGS, "302 404 404 403 403 302 302"),
    CONNECTION + "setup/attributes/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    CONNECTION + "setup/metadata/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    CONNECTION + "setup/metadata/<uuid:snapshot_id>/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    CONNECTION + "setup/domain/": Row(SETTINGS, "302 404 404 403 403 302 302"),
    CONNECTION + "setup/review/": Row(SETTINGS, "302 404 404 403 403 302 302"),
    CONNECTION + "remove-certificate/": Row(NOT_ALLOWED, "302 404 404 403 403 404 404"),
    CONNECTION + "rules/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    CONNECTION + "on/": Row(NOT_ALLOWED, "302 404 404 403 403 302 302"),
    CONNECTION + "off/": Row(SETTINGS, "302 404 404 403 403 302 302"),
    CONNECTION + "delete/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    CONNECTION + "reconfigure/": Row(NOT_ALLOWED, "302 404 404 403 403 302 302"),
    CONNECTION + "discard/": Row(NOT_ALLOWED, "302 404 404 403 403 302 302"),
    CONNECTION + "test/": Row(NOT_ALLOWED, "302 404 404 403 403 200 200"),
    ORG + "settings/authentication/tests/<uuid:public_id>/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/sign-in-log/<uuid:public_id>/forget/": Row(NOT_ALLOWED, "302 404 404 403 403 302 302"),
    "saml/<uuid:public_id>/metadata": Row(EVERYBODY, NOT_ALLOWED),
    "saml/<uuid:public_id>/login": Row("302 302 302 302 302 302 302", NOT_ALLOWED),
    "saml/<uuid:public_id>/answered": Row("303 303 303 303 303 303 303", NOT_ALLOWED),
    "saml/<uuid:public_id>/switch": Row("403 403 403 403 403 403 403", "403 403 403 403 403 403 403"),
    "saml/<uuid:public_id>/acs": Row("303 303 303 303 303 303 303", "403 403 403 403 403 403 403"),
    "saml/<uuid:public_id>/finish": Row("403 403 403 403 403 403 403", NOT_ALLOWED),
    "sso/": Row(EVERYBODY, "400 400 400 400 400 400 400"),
    "sso/continue/": Row("302 302 302 302 302 302 302", NOT_ALLOWED),
    ORG + "settings/authentication/tokens/new/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    ORG + "settings/authentication/tokens/<uuid:public_id>/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    ORG + "settings/authentication/tokens/<uuid:public_id>/rotate/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    ORG + "settings/authentication/tokens/<uuid:public_id>/saved/": Row(NOT_ALLOWED, "302 404 404 403 403 302 302"),
    ORG + "settings/authentication/tokens/<uuid:public_id>/revoke/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    ORG + "settings/authentication/rehearsals/": Row(SETTINGS, "302 404 404 403 403 400 400"),
    ORG + "settings/authentication/rehearsals/<uuid:public_id>/": Row(SETTINGS, NOT_ALLOWED),
    ORG + "settings/guides/<slug:name>/": Row(SETTINGS, NOT_ALLOWED),
    "invitations/<str:secret>/": Row("404 404 404 404 404 404 404", NOT_ALLOWED),
    "invitations/<str:secret>/accept/": Row(NOT_ALLOWED, "302 404 404 404 404 404 404"),
    "invitations/<str:secret>/new-account/": Row(NOT_ALLOWED, "404 404 404 404 404 404 404"),
    "api/v1/me": Row("401 200 200 200 200 200 200", "401 405 405 405 405 405 405"),
    "api/schema": Row("200 200 200 200 200 200 200", NOT_ALLOWED),
    "api/docs": Row("200 200 200 200 200 200 200", NOT_ALLOWED),
    "healthz": Row("200 200 200 200 200 200 200", NOT_ALLOWED),
    "readyz": Row("200 200 200 200 200 200 200", NOT_ALLOWED),
    "metrics": Row("200 200 200 200 200 200 200", NOT_ALLOWED),
}
SCIM = {
    # path below the Base URL: answers to GET, POST, PUT, PATCH, DELETE with a live token and an empty object as the body
    "Users": "200 400 405 405 405",
    "Users/<str:uuid>": "200 405 400 400 204",
    "Groups": "200 400 405 405 405",
    "Groups/<str:uuid>": "200 405 400 400 204",
    "ServiceProviderConfig": "200 405 405 405 405",
    "ResourceTypes": "200 405 405 405 405",
    "ResourceTypes/<str:name>": "200 405 405 405 405",
    "Schemas": "200 405 405 405 405",
    "Schemas/<str:name>": "200 405 405 405 405",
    ".search": "405 400 405 405 405",
    "Users/.search": "405 400 405 405 405",
    "Groups/.search": "405 400 405 405 405",
    "Bulk": "405 400 405 405 405",
    "Me": "501 501 501 501 501",
    "": "200 405 405 405 405",
    "Nowhere/Else": "404 404 404 404 404",
}
SCIM_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# allauth's own pages: what a browser gets that isn't signed in; every one of them is tried in tests.portal.test_accounts
ACCOUNT_PAGES = {
    "login/": 200,
    "logout/": 302,
    "inactive/": 200,
    "signup/": 200,
    "reauthenticate/": 302,
    "email/": 302,
    "add-address/": 302,
    "confirm-email/": 302,
    "password/change/": 302,
    "password/set/": 302,
    "password/reset/": 200,
    "login/code/confirm/": 302,
    "confirm-email/<str:key>/": 410,
    "password/reset/key/done/": 200,
    r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": 200,
    "password/reset/done/": 200,
    "2fa/": 302,
    "2fa/authenticate/": 302,
    "2fa/reauthenticate/": 302,
    "2fa/totp/activate/": 302,
    "2fa/totp/deactivate/": 302,
    "2fa/recovery-codes/": 302,
    "2fa/recovery-codes/generate/": 302,
    "2fa/recovery-codes/download/": 302,
    "2fa/webauthn/": 302,
    "2fa/webauthn/add/": 302,
    "2fa/webauthn/reauthenticate/": 302,
    "2fa/webauthn/keys/<int:pk>/remove/": 302,
    "2fa/webauthn/keys/<int:pk>/edit/": 302,
    "2fa/webauthn/login/": 302,
    "sessions/": 302,
}


def patterns(found: list[Any] | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if found is None else found:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)


def test_every_url_pattern_is_in_a_table() -> None:
    scim = {f"scim/v2/<str:directory>/{path}".rstrip("/") for path in SCIM} | {
        r"scim/v2/^(?:(?P<directory>[^/]*)(?:/[\s\S]*)?)$"
    }
    known = set(TABLE) | scim | {f"accounts/{path}" for path in ACCOUNT_PAGES}
    # support's console has its own table, in tests.portal.test_support
    assert {path for path in patterns() if not path.startswith("admin/")} - known == set()


@pytest.fixture
def ids(acme: Any, scim: ScimClient, olga: Membership) -> dict[str, Any]:
    """Rows of acme that the table's URLs name."""
    user = scim.post("/Users", user_body()).json()["id"]
    group = groups.create_group(org=acme, name="Local", source=GroupSource.LOCAL, actor=ACTOR)
    return {
        "domain": domains.add_domain(org=acme, name="acme.example", actor=ACTOR).public_id,
        "token": ScimToken.objects.get().public_id,
        "group": group.public_id,
        "request": RequestLog.objects.get().public_id,
        "user": user,
        "rehearsal": Rehearsal.objects.create(org=acme, directory=scim.directory, asked_at=now()).public_id,
    }


@pytest.fixture(scope="session")
def idp_document(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The metadata of some IdP."""
    certificate = ensure_keys(tmp_path_factory.mktemp("idp")).signing.certificate
    return build_metadata(App("a", "A", "urn:idp", "", ""), "https://idp.example/sso", certificate)


@pytest.fixture
def sso_ids(acme: Any, olga: Membership, idp_document: bytes) -> dict[str, Any]:
    """A connection of acme that is on, with a version in preparation, and what hangs on it."""
    order = NewConnection("IdP", "jumpcloud", SignInRules(), idp_document, turn_on=True)
    connection = create_connection(org=acme, order=order, actor=ACTOR)
    versions.begin_reconfiguration(connection=connection, actor=ACTOR)
    entry = AttemptRecord(AttemptOutcome.REFUSED, ClientInfo(), refusal=StatusRefused())
    return {
        "connection": connection.public_id,
        "snapshot": metadata.take_document(connection=connection, document=idp_document).public_id,
        "attempt": attempts.record_attempt(connection=connection, entry=entry).public_id,
        "test": signin.start_test(connection=connection, actor=ACTOR, starter=olga.user).public_id,
    }


KINDS = {
    "tokens/": "token",
    "rehearsals/": "rehearsal",
    "provisioning-log": "request",
    "domains/": "domain",
    "sign-in-log": "attempt",
    "authentication/tests/": "test",
    "connections/": "connection",
    "saml/": "connection",
}
SSO_KINDS = ("attempt", "test", "connection")


@pytest.fixture
def place(request: pytest.FixtureRequest, ids: dict[str, Any]) -> Callable[[str], str]:
    """Return the address that a pattern of the table stands for, with ids of acme in it."""

    def of(pattern: str) -> str:
        kind = next((kind for part, kind in KINDS.items() if part in pattern), "group")
        found = request.getfixturevalue("sso_ids") if kind in SSO_KINDS and "<uuid" in pattern else ids
        public_id = found.get(kind) if "settings" in pattern or "saml/" in pattern else uuid4()
        words = {"<slug:org_slug>": "acme", "<uuid:public_id>": str(public_id), "<str:secret>": "nonsense"}
        words["<slug:name>"] = "jumpcloud"
        words["<uuid:snapshot_id>"] = str(found.get("snapshot", ""))
        for word, text in words.items():
            pattern = pattern.replace(word, text)
        return f"/{pattern}"

    return of


@pytest.fixture
def person_at(request: pytest.FixtureRequest, sign_in: SignIn) -> Any:
    """Return the browser of an actor by their name."""

    def of(actor: str) -> Client:
        return Client() if actor == "anonymous" else sign_in(request.getfixturevalue(actor))

    return of


@pytest.mark.parametrize("pattern", TABLE)
def test_page_returns_the_status_in_the_table_for_every_actor_and_method(
    pattern: str, place: Any, person_at: Any
) -> None:
    url, row = place(pattern), TABLE[pattern]
    expected = dict(zip(ACTORS, zip(row.get.split(), row.post.split(), strict=True), strict=True))
    answers = {}
    for actor in ACTORS:
        with undone():
            client = person_at(actor)
            # the post comes last: it may change what the others look at
            answers[actor] = tuple(str(client.generic(method, url).status_code) for method in ("GET", "POST"))
    assert answers == expected
    owner = person_at("olga")
    assert {method: owner.generic(method, url).status_code for method in LEFT_OUT} == dict.fromkeys(LEFT_OUT, 405)


@pytest.mark.parametrize("pattern", [pattern for pattern, row in TABLE.items() if "200" in row.get])
def test_page_has_no_uncompiled_component_and_obeys_the_content_policy(
    pattern: str, place: Any, person_at: Any
) -> None:
    response = person_at("olga").get(place(pattern))
    text = b"".join(response).decode()
    assert "<c-" not in text
    if not pattern.startswith("api/docs"):
        assert "unsafe-" not in response["Content-Security-Policy"]
        assert " style=" not in text
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"] or "private" in response["Cache-Control"]


@pytest.mark.parametrize("path", SCIM)
def test_scim_url_returns_the_status_in_the_table_for_every_caller(
    path: str, scim: ScimClient, ids: dict[str, Any], globex: Any, olga: Membership, sign_in: SignIn
) -> None:
    callers = {
        "nobody": (Client(), None),
        "a browser": (sign_in(olga), None),
        "a wrong token": (Client(), "ghs_wrong"),
        "globex": (Client(), TokenFactory(directory=first_directory(globex)).plain),
        # the right one comes last: it removes what the others may not touch
        "acme": (Client(), scim.token),
    }
    group = scim.post("/Groups", group_body()).json()["id"]
    url = f"/scim/v2/{scim.directory.public_id}/{_scim_path(path, ids['user'], group)}"
    answers = {caller: _scim_statuses(client, url, token) for caller, (client, token) in callers.items()}
    assert answers == dict.fromkeys(callers, [401] * 5) | {"acme": [int(status) for status in SCIM[path].split()]}


def _scim_statuses(client: Client, url: str, token: str | None) -> list[int]:
    given = {"Authorization": f"Bearer {token}"} if token else {}
    return [
        client.generic(method, url, json.dumps({}), content_type="application/scim+json", headers=given).status_code
        for method in SCIM_METHODS
    ]


def _scim_path(path: str, user: str, group: str) -> str:
    name = "User" if path.startswith("ResourceTypes") else "urn:ietf:params:scim:schemas:core:2.0:User"
    return path.replace("<str:uuid>", group if path.startswith("Groups") else user).replace("<str:name>", name)


@pytest.mark.parametrize("page", ACCOUNT_PAGES)
def test_account_page_returns_the_status_in_the_table_when_nobody_is_signed_in(db: None, page: str) -> None:
    path = page.replace("<str:key>", "nonsense").replace(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", "password/reset/key/1-nonsense/"
    )
    assert Client().get(f"/accounts/{path.replace('<int:pk>', '1')}").status_code == ACCOUNT_PAGES[page]


def test_pages_create_no_session_for_an_anonymous_get(place: Any, subtests: pytest.Subtests) -> None:
    account_pages = [f"accounts/{page}" for page in ACCOUNT_PAGES if "(" not in page and "<" not in page]
    urls = [place(pattern) for pattern in TABLE] + [f"/{page}" for page in account_pages]
    for url in urls:
        for headers in ({}, {"X-Requested-With": "XMLHttpRequest"}):
            with subtests.test(url=url, headers=headers), undone():
                before = Session.objects.count()
                Client().get(url, headers=headers)
                assert Session.objects.count() == before


@pytest.mark.parametrize("pattern", [pattern for pattern in TABLE if pattern.startswith(ORG)])
def test_organization_page_answers_a_stranger_the_same_as_an_unknown_organization(
    pattern: str, place: Any, person_at: Any, subtests: pytest.Subtests
) -> None:
    url = place(pattern)
    other = url.replace("/acme/", "/no-such-org/")
    method = "GET" if TABLE[pattern].get != NOT_ALLOWED else "POST"
    for actor in ("stranger", "greta"):
        client = person_at(actor)
        with subtests.test(actor):
            real, absent = client.generic(method, url), client.generic(method, other)
            assert real.status_code == absent.status_code == 404
            assert len(b"".join(real)) == len(b"".join(absent))


@pytest.mark.parametrize(
    "pattern", [pattern for pattern in TABLE if pattern.startswith(ORG) and "<uuid:public_id>" in pattern]
)
def test_page_returns_404_for_another_organizations_id_under_the_own_slug(
    pattern: str, place: Any, greta: Membership, sign_in: SignIn
) -> None:
    client, url = sign_in(greta), place(pattern).replace("/orgs/acme/", "/orgs/globex/")
    before = [*ScimToken.objects.values(), *Connection.objects.values()]
    allowed = {405, 404}
    assert {client.get(url).status_code, client.post(url).status_code} | {404} <= allowed
    assert [*ScimToken.objects.values(), *Connection.objects.values()] == before
