"""The checks of an installation: each passes, fails with advice, or says that it cannot tell."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from orgs.base.clock import now
from orgs.events import services as outbox
from orgs.events.models import OutboxEvent
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership
from orgs.tenancy.types import Role
from portal.site import checks, tasks
from tests.factories import OrganizationFactory
from tests.portal.lost_database import lost


def test_owners_are_fine_while_one_can_sign_in(acme, olga):
    assert checks.owners().is_ok


def test_organizations_whose_owners_lost_their_addresses_are_named(acme, olga):
    tenancy.remove_account_address(user=olga.user, address=olga.user.email)
    found = checks.owners()
    assert found.verdict == f"no owner can sign in to {acme.slug}"
    assert "manage.py add_owner" in found.advice


def test_at_most_ten_organizations_without_owner_are_named(db):
    for org in OrganizationFactory.create_batch(11):
        Membership.objects.filter(org=org).update(role=Role.USER)
    verdict = checks.owners().verdict
    assert (verdict.count(", "), verdict.endswith(" and others")) == (9, True)


COLLECTED = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}


def test_schema_check_reports_a_migration_that_has_not_run(db):
    MigrationRecorder.Migration.objects.filter(app="orgs").latest("id").delete()
    found = checks.schema()
    assert (found.verdict, found.advice) == ("1 migrations haven't run", "Run manage.py migrate.")


def test_schema_check_is_unknown_when_the_database_cannot_be_read(db, monkeypatch):
    monkeypatch.setattr(checks, "MigrationExecutor", lost)
    assert checks.schema().verdict == "unknown (DatabaseError)"


def test_static_files_check_reports_files_not_collected(settings, tmp_path):
    settings.STORAGES, settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = COLLECTED, tmp_path, False
    found = checks.static_files()
    assert re.fullmatch(r"\d+ files aren't collected", found.verdict)
    assert found.advice == "Run manage.py collectstatic --noinput."


def test_static_files_check_passes_after_collectstatic(settings, tmp_path):
    settings.STORAGES, settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = COLLECTED, tmp_path, False
    call_command("collectstatic", interactive=False, verbosity=0)
    assert checks.static_files().is_ok


def test_static_files_check_passes_when_files_are_served_from_their_source(settings):
    settings.STORAGES, settings.WHITENOISE_USE_FINDERS = COLLECTED, True
    assert checks.static_files().is_ok


def test_schema_check_passes_when_all_migrations_have_run(db):
    assert checks.schema().is_ok


def test_cache_check_reports_a_cache_that_does_not_keep_values(monkeypatch):
    monkeypatch.setattr(cache, "set", lambda *args, **kwargs: None)
    monkeypatch.setattr(cache, "get", lambda *args, **kwargs: None)
    monkeypatch.setattr(cache, "delete", lambda *args, **kwargs: None)
    assert checks.shared_cache().verdict == "forgets what it is given"


def test_cache_check_advises_to_migrate_when_the_table_is_missing(db, monkeypatch):
    monkeypatch.setattr(cache, "set", lost)
    assert checks.shared_cache().advice == "Run manage.py migrate."


def test_worker_check_reports_that_no_worker_has_reported(db):
    assert checks.worker().verdict == "no worker has reported"


def test_worker_check_passes_after_a_heartbeat(db):
    tasks.heartbeat()
    assert checks.worker().is_ok


def test_worker_check_reports_late_events(acme):
    tasks.heartbeat()
    outbox.add(org=acme, kind="test.late", key="1")
    OutboxEvent.objects.update(due_at=now() - timedelta(minutes=5))
    assert checks.worker().verdict == "1 outbox events are late"


def test_worker_check_is_unknown_when_the_database_cannot_be_read(monkeypatch):
    monkeypatch.setattr(checks.outbox, "heartbeat", lost)
    assert checks.worker().verdict == "unknown (DatabaseError)"


@override_settings(FIELD_KEYS=["short"])
def test_keys_check_reports_an_unusable_key():
    assert checks.keys().verdict == "unusable (ImproperlyConfigured)"


@override_settings(FIELD_KEYS=[])
def test_keys_check_fails_without_a_key():
    assert not checks.keys().is_ok


def test_keys_check_reports_keys_that_do_not_unseal_what_they_seal(monkeypatch):
    monkeypatch.setattr("orgs.base.sealed.unseal", lambda sealed: "other")
    assert checks.keys().verdict == "don't open what they seal"


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("http://testserver", "ok"),
        ("https://testserver", "ok"),
        ("ftp://testserver", "not an origin"),
        ("testserver", "not an origin"),
        ("https://testserver/path", "not an origin"),
        ("https://elsewhere.example", "its host isn't allowed"),
    ],
)
def test_base_url_check_passes_only_for_an_origin_among_the_allowed_hosts(url, verdict):
    with override_settings(PUBLIC_BASE_URL=url, ALLOWED_HOSTS=["testserver"]):
        assert checks.base_url().verdict == verdict


@override_settings(SANDBOX=False, PUBLIC_BASE_URL="http://testserver")
def test_base_url_check_reports_http_outside_the_sandbox():
    assert checks.base_url().verdict == "not HTTPS"


def test_mail_check_reports_an_unreachable_mail_server(monkeypatch):
    monkeypatch.setattr(checks, "get_connection", lost)
    assert checks.mail().verdict == "unreachable (DatabaseError)"


def test_mail_and_clock_checks_pass(db):
    assert checks.mail().is_ok
    assert checks.clock().is_ok


@pytest.mark.parametrize(("run_in_thread", "is_ok"), [(timedelta(0), True), (timedelta(seconds=31), False)])
def test_clock_check_fails_when_the_database_clock_differs_by_over_30_seconds(monkeypatch, run_in_thread, is_ok):
    monkeypatch.setattr(checks, "connection", FakePostgres(now() - run_in_thread))
    assert checks.clock().is_ok is is_ok


def test_clock_check_is_unknown_when_the_database_clock_cannot_be_read(monkeypatch):
    monkeypatch.setattr(checks, "connection", FakePostgres(None))
    assert checks.clock().verdict == "unknown (DatabaseError)"


class FakePostgres:
    """A PostgreSQL that only knows what time it is, or not even that."""

    vendor = "postgresql"

    def __init__(self, moment):
        self.moment = moment

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def execute(self, sql):
        if self.moment is None:
            raise DatabaseError("lost")

    def fetchone(self):
        return (self.moment,)
