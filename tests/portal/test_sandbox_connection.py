"""The demo's working connection: it follows the test IdP's address, and its log is that of life."""

import pytest

from portal.sandbox import seeds, single_sign_on
from portal.sandbox.single_sign_on import SandboxIdp
from portal.sandbox.test_idp.state import find_app
from sso.attempts.models import LoginAttempt
from sso.connections.models import Configuration, Connection
from sso.connections.types import ConnectionState

HERE, THERE = "http://127.0.0.1:8001", "http://127.0.0.1:9001"


@pytest.fixture
def folder(tmp_path, db):
    seeds.seed()
    return tmp_path


def test_it_is_on_and_the_idp_knows_its_app(folder):
    single_sign_on.connect(SandboxIdp(HERE, folder))
    connection = Connection.objects.get()
    assert connection.state == ConnectionState.ACTIVE
    assert find_app(folder, single_sign_on.APP).acs_url.endswith(f"/saml/{connection.public_id}/acs")


def test_its_log_tells_of_some_who_signed_in_and_some_who_couldnt(folder):
    single_sign_on.connect(SandboxIdp(HERE, folder))
    errors = set(LoginAttempt.objects.values_list("error", flat=True))
    assert errors == {"", "audience_mismatch", "assertion_expired", "domain_not_verified"}


def test_a_second_start_changes_nothing(folder):
    for _ in range(2):
        single_sign_on.connect(SandboxIdp(HERE, folder))
    assert Configuration.objects.count() == 1
    assert LoginAttempt.objects.count() == 7


def test_on_another_port_it_has_another_version(folder):
    for url in (HERE, THERE):
        single_sign_on.connect(SandboxIdp(url, folder))
    live = Configuration.objects.get(stage="live")
    assert (live.number, live.redirect_url) == (2, f"{THERE}/apps/{single_sign_on.APP}/sso")


def test_a_sign_in_that_ends_otherwise_stops_the_start(folder, monkeypatch):
    monkeypatch.setattr(single_sign_on, "STRANGER", single_sign_on.person_of(single_sign_on.NORTHWIND.owner))
    with pytest.raises(RuntimeError, match="were answered"):
        single_sign_on.connect(SandboxIdp(HERE, folder))
    assert not Connection.objects.exists()
