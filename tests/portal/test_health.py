"""Liveness, readiness, metrics, and what `doctor` looks at."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from orgs.base import buffers
from orgs.base.clock import now
from orgs.events import queries as outbox_queries
from orgs.events import services as outbox
from orgs.events.models import Heartbeat, OutboxEvent
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership
from orgs.tenancy.types import Role
from portal.celery import app, file_broker
from portal.site import checks, health, tasks
from tests.factories import OrganizationFactory

DEAD = "redis://127.0.0.1:1/0"


def lost(*args, **kwargs):
    raise DatabaseError("lost")


def verdicts(client):
    response = client.get("/readyz")
    return response.status_code, response.json()


def test_readyz_writes_nothing_to_the_database(client, db):
    with CaptureQueriesContext(connection) as asked:
        client.get("/readyz")
    assert [query["sql"] for query in asked if not query["sql"].startswith("SELECT")] == []


def test_healthz_answers_without_a_query(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"ok"


def test_readyz_is_ok_when_every_part_answers(client, db):
    tasks.heartbeat()
    status, found = verdicts(client)
    assert found.pop("heartbeat_age_seconds") < 5
    whole = {"status": "ok", "database": "ok", "cache": "ok", "broker": "ok", "worker": "ok", "given_up": "ok"}
    assert (status, found) == (200, whole)


@pytest.mark.parametrize("host", ["10.0.0.7", "10.0.0.7:8000", "elsewhere.example", "bad host", ""])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probe_answers_whatever_the_host_header_is(client, db, path, host):
    assert client.get(path, headers={"Host": host}).status_code == 200


def test_healthz_reads_no_session(client, db, django_assert_num_queries):
    client.cookies["sessionid"] = "m" * 32
    with django_assert_num_queries(0):
        client.get("/healthz")


def test_readyz_is_degraded_without_a_worker_and_gives_the_heartbeat_age(client, db):
    Heartbeat.objects.create(name="worker", at=now() - timedelta(minutes=5))
    status, found = verdicts(client)
    assert (status, found["status"]) == (200, "degraded")
    assert found["worker"].startswith("no worker has reported for 30")
    assert 299 < found["heartbeat_age_seconds"] < 330


def test_readyz_is_degraded_while_there_are_given_up_events(client, acme):
    tasks.heartbeat()
    give_up(acme)
    status, found = verdicts(client)
    assert (status, found["status"], found["given_up"]) == (200, "degraded", "1 outbox events were given up")


def give_up(org):
    outbox.add(org=org, kind="test.given-up", key="1")
    OutboxEvent.objects.update(failed_at=now())


def test_readyz_reuses_optional_checks_within_a_second(client, db, monkeypatch, django_assert_num_queries):
    looked: list[str] = []
    real = app.connection_for_write
    monkeypatch.setattr(app, "connection_for_write", lambda **more: looked.append("broker") or real(**more))
    first = verdicts(client)
    with django_assert_num_queries(1):
        assert verdicts(client) == first
    assert looked == ["broker"]


def test_concurrent_readyz_requests_share_one_run_of_the_optional_checks(monkeypatch):
    looked: list[None] = []

    def slow() -> checks.HealthCheck:
        looked.append(None)
        time.sleep(0.2)
        return checks.HealthCheck("slow", "ok")

    monkeypatch.setattr(checks, "OPTIONAL", (slow,))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: health.optional.read(), range(8)))
    assert (len(looked), set(found)) == (1, {(checks.HealthCheck("slow", "ok"),)})


def test_readyz_runs_optional_checks_again_after_a_second(client, db, monkeypatch):
    moment = [100.0]
    monkeypatch.setattr(health, "monotonic", lambda: moment[0])
    assert verdicts(client)[1]["worker"] == "no worker has reported"
    tasks.heartbeat()
    moment[0] += 0.9
    assert verdicts(client)[1]["worker"] == "no worker has reported"
    moment[0] += 0.2
    assert verdicts(client)[1]["worker"] == "ok"


def test_readyz_is_degraded_when_the_database_fails_during_the_worker_check(client, db, monkeypatch):
    tasks.heartbeat()
    monkeypatch.setattr(outbox_queries, "heartbeat", lost)
    status, found = verdicts(client)
    assert (status, found["status"], found["worker"]) == (200, "degraded", "unknown (DatabaseError)")
    assert found["heartbeat_age_seconds"] is None


def test_readyz_reads_the_heartbeat_once(client, db, monkeypatch):
    asked: list[None] = []
    monkeypatch.setattr(outbox_queries, "heartbeat", lambda: asked.append(None))
    verdicts(client)
    assert len(asked) == 1


def test_readyz_returns_503_without_the_database(client, db, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", lost)
        status, found = verdicts(client)
    assert (status, found) == (503, {"status": "unavailable", "database": "unreachable (DatabaseError)"})


def test_readyz_is_degraded_without_the_cache(client, db, monkeypatch):
    monkeypatch.setattr(cache, "get", lost)
    status, found = verdicts(client)
    assert (status, found["status"], found["cache"]) == (200, "degraded", "unreachable (DatabaseError)")
    assert found["database"] == found["broker"] == "ok"


@pytest.fixture
def dead_broker(monkeypatch):
    """The application as with a Redis that is gone."""
    options = {"socket_timeout": 1, "socket_connect_timeout": 1}
    real = app.connection_for_write
    monkeypatch.setattr(app, "connection_for_write", lambda **more: real(DEAD, transport_options=options, **more))


def test_readyz_is_degraded_without_the_broker(client, db, dead_broker):
    status, found = verdicts(client)
    assert (status, found["status"]) == (200, "degraded")
    assert found["broker"].startswith("unreachable (")


def test_readyz_shows_no_address_and_no_password(client, db, dead_broker):
    assert "127.0.0.1" not in str(verdicts(client))


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_healthz_and_readyz_return_405_for_post(client, db, path):
    assert client.post(path).status_code == 405


# metrics


@pytest.mark.parametrize(("address", "expected"), [("127.0.0.1", 200), ("::1", 200), ("192.0.2.1", 404), ("", 404)])
def test_metrics_are_readable_from_loopback_only_when_no_token_is_set(client, db, address, expected):
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == expected


@override_settings(METRICS_TOKEN="figures")
@pytest.mark.parametrize(
    ("given", "expected"),
    [("Bearer figures", 200), ("Bearer wrong", 404), ("Bearer ", 404), ("", 404), ("Bearer ünïcode", 404)],
)
def test_metrics_are_readable_with_the_token_only_when_one_is_set(client, db, given, expected):
    assert client.get("/metrics", headers={"Authorization": given}).status_code == expected


@override_settings(TRUSTED_PROXY_COUNT=1)
def test_metrics_return_404_for_a_forged_loopback_in_x_forwarded_for(client, db):
    response = client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1, 198.51.100.1"})
    assert response.status_code == 404


def figures(client):
    lines = client.get("/metrics").content.decode().splitlines()
    return dict(line.split(" ") for line in lines if line.startswith("gatehouse_"))


def test_metrics_show_figures_of_the_outbox_and_the_worker(client, acme):
    Heartbeat.objects.create(name="worker", at=now() - timedelta(minutes=5))
    give_up(acme)
    outbox.add(org=acme, kind="test.late", key="1")
    OutboxEvent.objects.filter(kind="test.late").update(due_at=now() - timedelta(minutes=2))
    found = figures(client)
    assert (found["gatehouse_outbox_waiting"], found["gatehouse_outbox_given_up"]) == ("1.0", "1.0")
    assert 119 < float(found["gatehouse_outbox_oldest_seconds"]) < 150
    assert 299 < float(found["gatehouse_worker_heartbeat_age_seconds"]) < 330
    assert found["gatehouse_database_up"] == "1.0"


def test_metrics_show_nan_as_heartbeat_age_without_a_heartbeat(client, db):
    assert figures(client)["gatehouse_worker_heartbeat_age_seconds"] == "NaN"


def test_metrics_show_database_up_as_zero_without_the_database(client, db, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", lost)
        assert figures(client) == {"gatehouse_database_up": "0.0"}


def test_metrics_have_no_token(scim, client):
    scim.get("/Users")
    assert scim.token[4:] not in client.get("/metrics").content.decode()


# doctor's checks


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


# the worker's application


def test_file_broker_creates_its_folders(tmp_path):
    options = file_broker(tmp_path)
    assert options["data_folder_in"] == options["data_folder_out"] == str(tmp_path / "messages")
    assert all((tmp_path / name).is_dir() for name in ("messages", "processed", "control"))


def test_celery_settings_redeliver_a_task_when_its_worker_dies():
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1


def test_beat_schedule_names_existing_tasks_only():
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_metrics_return_404_behind_a_trusted_proxy_without_a_token(client, db, settings):
    settings.TRUSTED_PROXY_COUNT = 1
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_metrics_return_404_with_a_forwarding_header_when_no_proxy_is_trusted(client, db, header):
    assert client.get("/metrics", headers={header: "for=8.8.8.8"}).status_code == 404


def test_metrics_show_how_many_buffered_rows_were_lost(client, db):
    buffers.add_lost_rows("provisioning_log", 3)
    assert figures(client)['gatehouse_buffered_rows_lost{buffer="provisioning_log"}'] == "3.0"
