"""The demo's working connection: it follows the test IdP's address, and its log is that of life."""

import shutil
from dataclasses import replace

import pytest

from orgs.audit.models import AuditEvent
from orgs.domains import services as domains
from orgs.tenancy.queries import find_organization
from sandbox import seeds, single_sign_on
from sandbox.processes import CannotStart
from sandbox.single_sign_on import SandboxIdp
from sandbox.test_idp.state import delete_app, find_app, load_apps, save_app
from sso.attempts.models import LoginAttempt
from sso.connections import services
from sso.connections.models import Configuration, Connection
from sso.connections.types import ConnectionState
from sso.versions import services as versions
from tests.conftest import undone
from tests.factories import ACTOR

HERE, THERE = "http://127.0.0.1:8001", "http://127.0.0.1:9001"


@pytest.fixture(scope="module")
def seeded(django_db_setup, django_db_blocker):
    """The demo's organizations, made once: each test's own transaction lies within this one."""
    with django_db_blocker.unblock(), undone():
        seeds.seed()
        yield


@pytest.fixture
def folder(seeded, db, tmp_path):
    return tmp_path


def test_connect_twice_changes_nothing(folder):
    for _ in range(2):
        single_sign_on.connect(SandboxIdp(HERE, folder))
    assert Configuration.objects.count() == 1
    assert LoginAttempt.objects.count() == 7


def test_connect_updates_the_version_in_force_to_another_idp_port(folder):
    for url in (HERE, THERE):
        single_sign_on.connect(SandboxIdp(url, folder))
    live = Configuration.objects.get()
    assert (live.redirect_url, live.post_url) == (f"{THERE}/apps/{single_sign_on.APP}/sso",) * 2


class TestAfterTheFirstStart:
    @pytest.fixture(scope="class")
    @staticmethod
    def first_start(seeded, django_db_blocker, tmp_path_factory):
        """What the IdP has in its folder after the first start, whose rows are there as long as this class runs."""
        folder = tmp_path_factory.mktemp("idp")
        with django_db_blocker.unblock(), undone():
            single_sign_on.connect(SandboxIdp(HERE, folder))
            yield folder

    @pytest.fixture
    def connected(self, first_start, folder):
        """The connection as the first start leaves it."""
        shutil.copytree(first_start, folder, dirs_exist_ok=True)
        return Connection.objects.get()

    def test_connect_activates_the_connection_and_creates_the_idp_app(self, connected, folder):
        assert connected.state == ConnectionState.ACTIVE
        assert find_app(folder, single_sign_on.APP).acs_url.endswith(f"/saml/{connected.public_id}/acs")

    def test_connect_fills_the_log_with_successful_and_refused_sign_ins(self, connected):
        errors = set(LoginAttempt.objects.values_list("error", flat=True))
        assert errors == {"", "audience_mismatch", "assertion_expired", "domain_not_verified"}

    def test_connect_updates_the_idp_app_to_another_portal_url(self, connected, folder, settings):
        settings.PUBLIC_BASE_URL = "http://localhost:9000"
        single_sign_on.connect(SandboxIdp(THERE, folder))
        app, base = find_app(folder, single_sign_on.APP), f"http://localhost:9000/saml/{connected.public_id}"
        assert (app.sp_entity_id, app.acs_url, app.login_url) == (f"{base}/metadata", f"{base}/acs", f"{base}/login")

    def test_connect_audits_a_changed_idp_url(self, connected, folder):
        single_sign_on.connect(SandboxIdp(THERE, folder))
        event = AuditEvent.objects.filter(action="connection.idp_changed").first()
        assert (event.before["redirect_url"][:21], event.after["redirect_url"][:21]) == (HERE, THERE)

    def test_connect_keeps_a_renamed_connection(self, connected, folder):
        services.rename_connection(connection=connected, name="Ours", actor=ACTOR)
        single_sign_on.connect(SandboxIdp(HERE, folder))
        assert Connection.objects.get().name == "Ours"

    def test_connect_updates_a_disabled_connection_and_keeps_it_disabled(self, connected, folder):
        services.turn_off(connection=connected, actor=ACTOR)
        single_sign_on.connect(SandboxIdp(THERE, folder))
        assert Connection.objects.get().state == ConnectionState.DISABLED
        assert Configuration.objects.get().redirect_url.startswith(THERE)

    def test_connect_updates_a_version_in_preparation_and_keeps_it_there(self, connected, folder):
        versions.begin_reconfiguration(connection=connected, actor=ACTOR)
        single_sign_on.connect(SandboxIdp(THERE, folder))
        found = {one.stage: one.redirect_url[:21] for one in Configuration.objects.all()}
        assert found == {"live": THERE, "draft": THERE}

    def test_connect_keeps_another_idp_chosen_by_an_admin(self, connected, folder):
        elsewhere = "http://127.0.0.1:7000/sso"
        Configuration.objects.update(redirect_url=elsewhere, post_url=elsewhere)
        single_sign_on.connect(SandboxIdp(THERE, folder))
        live = Configuration.objects.get()
        assert (live.redirect_url, live.post_url) == (elsewhere, elsewhere)

    def test_connect_does_not_recreate_a_deleted_connection(self, connected, folder):
        domains.remove_domain(domain=connected.org.domains.get(), actor=ACTOR)
        services.delete_connection(connection=connected, typed_name=connected.name, actor=ACTOR)
        single_sign_on.connect(SandboxIdp(HERE, folder), is_new=False)
        assert not Connection.objects.exists()

    def test_connect_keeps_changes_made_to_the_idp_app(self, connected, folder):
        save_app(
            folder, replace(find_app(folder, single_sign_on.APP), label="Ours", sign_in_as="mara@northwind.example")
        )
        single_sign_on.connect(SandboxIdp(THERE, folder))
        app = find_app(folder, single_sign_on.APP)
        assert (app.label, app.sign_in_as) == ("Ours", "mara@northwind.example")

    def test_connect_does_not_recreate_a_deleted_idp_app(self, connected, folder):
        delete_app(folder, single_sign_on.APP)
        single_sign_on.connect(SandboxIdp(THERE, folder))
        assert load_apps(folder) == ()


def test_connect_makes_a_connection_without_sign_ins_for_an_existing_organization(folder):
    domains.remove_domain(domain=find_organization("northwind").domains.get(), actor=ACTOR)
    single_sign_on.connect(SandboxIdp(HERE, folder), is_new=False)
    assert (Connection.objects.get().is_active, LoginAttempt.objects.exists()) == (True, False)


def test_connect_raises_cannot_start_and_creates_nothing_when_a_sign_in_ends_unexpectedly(folder, monkeypatch):
    monkeypatch.setattr(single_sign_on, "STRANGER", single_sign_on.person_of(single_sign_on.NORTHWIND.owner))
    with pytest.raises(CannotStart, match="were answered"):
        single_sign_on.connect(SandboxIdp(HERE, folder))
    assert not Connection.objects.exists()
