"""Acme with a connection to an IdP of its own, and browsers that go between them."""

from pathlib import Path
from typing import Any

import pytest

from orgs.providers.idp_settings import NameIdFormat as Format
from orgs.tenancy.models import Organization
from portal.setup import add_domain
from sandbox.test_idp.keys import ensure_keys
from sandbox.test_idp.types import Keys
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.connections.types import SignInRules
from sso.metadata import services as metadata
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.idp import Browser, Idp


@pytest.fixture(scope="session")
def idp_keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The keys of every IdP of these tests: one pair that we know, one that we don't."""
    return ensure_keys(Path(tmp_path_factory.mktemp("idp")))


def connect(org: Organization, keys: Keys, name: str = "JumpCloud", **app: Any) -> tuple[Connection, Idp]:
    """Return a finished, untested connection of this organization, and its IdP."""
    connection = metadata.create_connection(org=org, name=name, rules=SignInRules(), actor=ACTOR)
    versions.choose_provider(
        connection=connection, provider="jumpcloud", name_id_format=Format.EMAIL, revision=1, actor=ACTOR
    )
    idp = Idp.for_connection(keys, connection, **app)
    snapshot = metadata.take_document(connection=connection, document=idp.metadata())
    metadata.use_snapshot(connection=connection, snapshot=snapshot, revision=2, actor=ACTOR)
    versions.finish_setup(connection=connection, actor=ACTOR)
    return connection, idp


def verify(org: Organization, name: str) -> None:
    """The organization has verified this domain."""
    add_domain(org=org, name=name, verified=True, actor=ACTOR)


@pytest.fixture
def draft(acme: Organization, idp_keys: Keys) -> tuple[Connection, Idp]:
    """Acme's connection before its first test, and its IdP."""
    verify(acme, "acme.example")
    return connect(acme, idp_keys)


@pytest.fixture
def untested(draft: tuple[Connection, Idp]) -> Connection:
    """Acme's connection before its first test."""
    return draft[0]


@pytest.fixture
def connection(draft: tuple[Connection, Idp]) -> Connection:
    """Acme's connection, turned on."""
    connections.turn_on(connection=draft[0], actor=ACTOR, without_test=True)
    return draft[0]


@pytest.fixture
def idp(draft: tuple[Connection, Idp]) -> Idp:
    return draft[1]


@pytest.fixture
def browser() -> Browser:
    return Browser()
