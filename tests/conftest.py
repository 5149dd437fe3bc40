"""One cast for all tests: acme with Olga, Adam, Uma and Gil; globex with Greta; a stranger who belongs nowhere."""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Playwright, sync_playwright

from orgs.base import buffers, credentials
from orgs.events import services as outbox
from orgs.tenancy import access
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import Role, SignInMethod
from portal.site import accounts, health
from scim.directories.models import Directory
from scim.directories.queries import admit, first_directory
from scim.directories.types import ScimCaller
from scim.endpoint.limits import RequestLimits, limits
from scim.requests import services as requests
from sso.saml import certificates
from tests import dns, machine
from tests.factories import MembershipFactory, OrganizationFactory, TokenFactory, UserFactory

SignIn = Callable[[Membership | User], Client]
SP_KEYS = 12
# all others that lead to a database ask for the first; the last asks for its own only while it runs
DATABASE_FIXTURES = {"django_db_setup", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="leave out the tests that no database can change")


def pytest_configure() -> None:
    # how long an example takes depends on what else the machine does
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
    if unknown := machine.required() - machine.NEEDS.keys():
        raise pytest.UsageError(f"REQUIRE names {', '.join(sorted(unknown))}; it may name {', '.join(machine.NEEDS)}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out a test that needs what this machine, or this run, hasn't got, and say why."""
    for name in machine.NEEDS:
        if item.get_closest_marker(name) is not None:
            machine.need(name)
    if item.get_closest_marker("postgres") is not None and connection.vendor != "postgresql":
        machine.lack("postgres", "DATABASE_URL doesn't name PostgreSQL")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        config.hook.pytest_deselected(items=[item for item in items if not reaches_database(item)])
        items[:] = filter(reaches_database, items)


def reaches_database(item: pytest.Item) -> bool:
    """Return whether a test may use a database at all; pytest-django refuses it to all others."""
    assert isinstance(item, pytest.Function)
    if item.cls is not None and issubclass(item.cls, TransactionTestCase):
        return True
    return item.get_closest_marker("django_db") is not None or not DATABASE_FIXTURES.isdisjoint(item.fixturenames)


def pytest_collection_finish() -> None:
    """What has been imported and collected stays to the end: nobody need look for garbage among it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver of the browser, for one module: its event loop is in the thread of the tests, also of those that follow."""
    with pytest.MonkeyPatch.context() as patch:
        # Django would take each query for one inside of that loop
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as started:
            yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    started = playwright.chromium.launch(executable_path=machine.browser(), args=options)
    yield started
    started.close()


@pytest.fixture(scope="module")
def browser_context_args() -> dict[str, Any]:
    """What each context of the browser is opened with."""
    return {}


@pytest.fixture(scope="session", autouse=True)
def sp_keys_take_turns() -> Iterator[None]:
    """Our own keys are real, and few: to make one takes longer than most tests that need it."""
    numbers, make = count(), certificates._new_key
    made: list[Any] = []

    def take() -> Any:
        number = next(numbers)
        if number < SP_KEYS:
            made.append(make())
        return made[number % len(made)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "_new_key", take)
        yield


@pytest.fixture(autouse=True)
def account_mail_leaves_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a worker that runs; tests marked `queued_mail` find the mail in the outbox."""
    if request.node.get_closest_marker("queued_mail") is None:
        monkeypatch.setattr(accounts.events, "add_account_mail", lambda *, mail, **_: outbox.send_text(mail))


@pytest.fixture
def dns_records() -> Iterator[dns.DnsRecords]:
    """The TXT records that DNS holds, or how it fails, by name."""
    yield dns.RECORDS
    dns.RECORDS.clear()


@pytest.fixture(autouse=True)
def nothing_is_known_of_readiness() -> None:
    """A test finds what it has made, not what /readyz found a moment ago."""
    health.optional.forget()


@contextmanager
def undone() -> Iterator[None]:
    """What is done to the database within is gone at its end; a test's own transaction may lie within too."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True)
class ScimClient:
    """Calls one directory's endpoint as an identity provider does; paths follow the Base URL."""

    directory: Directory
    token: str
    client: Client

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a JSON body, or text as it is. Returns the response; `response.json()` reads it."""
        content = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        given = {"Authorization": f"Bearer {self.token}"}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}
        url = f"/scim/v2/{self.directory.public_id}{path}"
        return self.client.generic(method, url, content, content_type="application/scim+json", headers=given)

    @property
    def caller(self) -> ScimCaller:
        """Return whom the endpoint sees, for services and queries that are called without a request."""
        return admit(directory=str(self.directory.public_id), digest=credentials.digest(self.token), ip="")

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self("DELETE", path, **headers)


@pytest.fixture
def acme(db: None) -> Organization:
    return OrganizationFactory(name="Acme", slug="acme", owner_email="olga@acme.example")


@pytest.fixture
def globex(db: None) -> Organization:
    return OrganizationFactory(name="Globex", slug="globex", owner_email="greta@globex.example")


@pytest.fixture
def olga(acme: Organization) -> Membership:
    """Acme's only owner."""
    return acme.memberships.get()


@pytest.fixture
def adam(acme: Organization, olga: Membership) -> Membership:
    """An admin of acme."""
    return MembershipFactory(org=acme, email="adam@acme.example", role=Role.ADMIN)


@pytest.fixture
def uma(acme: Organization, olga: Membership) -> Membership:
    """A plain user of acme."""
    return MembershipFactory(org=acme, email="uma@acme.example", role=Role.USER)


@pytest.fixture
def gil(acme: Organization, olga: Membership) -> Membership:
    """A guest of acme."""
    return MembershipFactory(org=acme, email="gil@elsewhere.example", role=Role.GUEST)


@pytest.fixture
def greta(globex: Organization) -> Membership:
    """Globex' only owner, who must see nothing of acme."""
    return globex.memberships.get()


@pytest.fixture
def stranger(db: None) -> User:
    """An account that belongs to no organization."""
    return UserFactory(email="stranger@nowhere.example")


@pytest.fixture
def acme_directory(acme: Organization) -> Directory:
    return first_directory(acme)


@pytest.fixture
def acme_token(acme_directory: Directory) -> str:
    """The plain text of a live token of acme's directory."""
    plain = TokenFactory(directory=acme_directory).plain
    assert plain is not None
    return plain


@pytest.fixture
def scim(acme_directory: Directory, acme_token: str) -> ScimClient:
    """Acme's identity provider."""
    return ScimClient(acme_directory, acme_token, Client())


@pytest.fixture
def sign_in() -> SignIn:
    """Sign a membership's person or an account in by password, and return the browser in which they are."""

    def start(person: Membership | User) -> Client:
        user = person.user if isinstance(person, Membership) else person
        assert user is not None
        client = Client()
        client.force_login(user)
        session = client.session
        if access.SESSION_GRANT_ID not in session:
            access.open_session_grants(session, user, SignInMethod.PASSWORD)
            session.save()
        return client

    return start


@pytest.fixture(autouse=True)
def fresh_request_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as a process does: no request has been counted yet."""
    fresh = RequestLimits()
    for name in ("of_token", "of_stranger", "of_log_row", "admitted"):
        monkeypatch.setattr(limits, name, getattr(fresh, name))


@pytest.fixture(autouse=True)
def no_subject_is_known() -> None:
    """What a process remembers to be stored was rolled back with the test before."""
    requests.forget_subjects()


@pytest.fixture
def held_rows(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rows that may leave their request stay in their buffers, until a test flushes them; no thread does."""
    settings.BUFFERED_WRITES = True
    monkeypatch.setattr(buffers._writer, "start", lambda **_: None)
    yield
    buffers._after_fork()
