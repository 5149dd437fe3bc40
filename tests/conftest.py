"""One cast for all tests: acme with Olga, Adam, Uma and Gil; globex with Greta; a stranger who belongs nowhere."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from orgs.tenancy import access
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import Role, SignInMethod
from scim.directories.models import Directory
from scim.directories.queries import first_directory
from tests.factories import MembershipFactory, OrganizationFactory, TokenFactory, UserFactory

SignIn = Callable[[Membership | User], Client]


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
    """An account that belongs to no organisation."""
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
    """Sign a seat's person or an account in by password, and return the browser in which they are."""

    def start(person: Membership | User) -> Client:
        user = person.user if isinstance(person, Membership) else person
        assert user is not None
        client = Client()
        client.force_login(user)
        session = client.session
        if access.MARK not in session:
            access.open_reach(session, user, SignInMethod.PASSWORD)
            session.save()
        return client

    return start
