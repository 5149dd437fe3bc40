"""A worker is nudged after the commit of what it is to deliver, and a failing broker holds nothing up."""

import os
import socket
import subprocess
import sys
from datetime import timedelta
from threading import Event
from threading import enumerate as enumerate_threads

import pytest
from celery import current_app
from django.db import transaction

from orgs.events import services, tasks
from orgs.events.models import OutboxEvent
from orgs.events.types import DRAIN
from tests.orgs.events.outbox import KIND, add

pytestmark = pytest.mark.queued_mail


@pytest.fixture
def nudges(monkeypatch):
    found = []
    monkeypatch.setattr(services, "nudge", lambda: found.append("nudge"))
    return found


class Undone(Exception):
    """What undoes a transaction."""


@transaction.atomic
def add_and_fail(org):
    add(org)
    raise Undone


def test_rolled_back_event_is_not_stored(acme, delivered):
    with pytest.raises(Undone):
        add_and_fail(acme)
    assert not OutboxEvent.objects.filter(kind=KIND).exists()


@pytest.mark.django_db(transaction=True)
def test_worker_is_nudged_after_the_commit(acme, nudges):
    with transaction.atomic():
        add(acme)
        assert nudges == []
    assert nudges == ["nudge"]


@pytest.mark.django_db(transaction=True)
def test_rolled_back_event_does_not_nudge_a_worker(acme, nudges):
    with pytest.raises(Undone):
        add_and_fail(acme)
    assert nudges == []


@pytest.mark.django_db(transaction=True)
def test_delayed_event_does_not_nudge_a_worker(acme, nudges):
    add(acme, delay=timedelta(minutes=2))
    assert nudges == []


@pytest.mark.django_db(transaction=True)
def test_failing_nudge_does_not_stop_other_on_commit_functions(acme, monkeypatch):
    after = []
    monkeypatch.setattr(services, "nudge", lambda: (_ for _ in ()).throw(RuntimeError))
    with transaction.atomic():
        add(acme)
        transaction.on_commit(lambda: after.append("reached"))
    assert after == ["reached"]


@pytest.fixture
def frozen_redis():
    """A server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def seconds_of_nudge():
    """Nudge over a broker at a URL; the result is how many seconds that took."""
    script = (
        "import django, time; django.setup(); import portal.celery;"
        "from orgs.events import services as outbox; began = time.monotonic(); outbox.nudge();"
        "print(time.monotonic() - began)"
    )

    def nudge_over(url):
        """Return how many seconds a nudge took in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "REDIS_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings.test"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr[-1000:]
        assert "outbox.nudge_failed" in done.stderr
        return float(done.stdout)

    return nudge_over


def test_nudge_ends_within_two_seconds_when_the_broker_is_down(seconds_of_nudge):
    assert seconds_of_nudge("redis://127.0.0.1:1/0") < 2


def test_nudge_ends_within_two_seconds_when_the_broker_does_not_answer(seconds_of_nudge, frozen_redis):
    assert seconds_of_nudge(frozen_redis) < 2


def test_a_nudge_that_the_broker_refuses_raises_nothing_and_is_logged(monkeypatch, caplog):
    def refuse(name, **options):
        assert (name, options) == (DRAIN, {"retry": False, "ignore_result": True})
        raise ConnectionRefusedError("redis://:canary@127.0.0.1")

    monkeypatch.setattr(current_app, "send_task", refuse)
    services.send_nudge()
    assert "ConnectionRefusedError" in caplog.text
    assert "canary" not in caplog.text


def test_drain_outbox_task_delivers_due_events(acme, delivered):
    add(acme)
    assert tasks.drain_outbox() == 1


def test_nudges_during_a_nudge_are_merged_into_one_more(monkeypatch):
    began, may_end, sent = Event(), Event(), []

    def send():
        sent.append("nudge")
        began.set()
        assert may_end.wait(30)

    monkeypatch.setattr(services, "send_nudge", send)
    nudges = services.Nudges()
    nudges.ask()
    assert began.wait(30)
    for _ in range(50):
        nudges.ask()
    threads = [thread for thread in enumerate_threads() if thread.name == "outbox-nudge"]
    may_end.set()
    for thread in threads:
        thread.join(30)
    assert (len(threads), sent) == (1, ["nudge", "nudge"])
