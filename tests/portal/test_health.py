"""Liveness, readiness, metrics, and what `doctor` looks at."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from orgs.base import buffers
from orgs.base.clock import now
from orgs.events import queries as outbox_queries
from orgs.events import services as outbox
from orgs.events.models import Heartbeat, OutboxEvent
from portal.celery import app, file_broker
from portal.site import checks, health, tasks
from tests.portal.lost_database import lost

DEAD = "redis://127.0.0.1:1/0"


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
