"""The outbox: what was committed is delivered in order, once or again, and never holds up a request."""

from datetime import timedelta

import pytest

from orgs.base.clock import now
from orgs.events import queries, services, types
from orgs.events.models import Heartbeat, OutboxEvent
from orgs.events.types import Postponed
from tests.orgs.events.outbox import KIND, add, stored

pytestmark = pytest.mark.queued_mail


@pytest.fixture
def failing():
    """A delivery that fails until the list is emptied."""
    reasons = [ConnectionError("secret inside")]

    def deliver(event):
        if reasons:
            raise reasons[0]

    types.delivers("test.failing")(deliver)
    yield reasons
    types._deliveries.pop("test.failing")


def make_due():
    OutboxEvent.objects.filter(delivered_at=None).update(due_at=now() - timedelta(seconds=1))


def test_events_are_delivered_in_the_order_in_which_they_became_due(acme, delivered):
    late = add(acme, "late")
    add(acme, "first")
    OutboxEvent.objects.filter(pk=late.pk).update(due_at=now() - timedelta(hours=1))
    assert services.deliver_due() == 2
    assert delivered == ["late", "first"]


def test_outbox_events_are_numbered_in_the_order_of_delivery(acme, delivered):
    second = add(acme, "second", delay=timedelta(minutes=1))
    first = add(acme, "first")
    services.deliver_due()
    make_due()
    services.deliver_due()
    assert stored(second).sequence == stored(first).sequence + 1


def test_a_delivered_event_is_not_delivered_again(acme, delivered):
    add(acme)
    services.deliver_due()
    assert services.deliver_due() == 0
    assert delivered == ["1"]


def test_deliver_due_delivers_a_delayed_event_once_it_is_due(acme, delivered):
    add(acme, delay=timedelta(minutes=1))
    assert services.deliver_due() == 0
    make_due()
    assert services.deliver_due() == 1


def test_deliver_due_stops_at_its_limit(acme, delivered):
    for number in range(3):
        add(acme, str(number))
    assert services.deliver_due(limit=2) == 2


def test_deliver_due_skips_an_event_leased_to_another_worker(acme, delivered):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(leased_until=now() + timedelta(seconds=30))
    assert services.deliver_due() == 0


def test_deliver_due_delivers_an_event_whose_lease_expired(acme, delivered):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(leased_until=now() - timedelta(seconds=1), attempts=1)
    assert services.deliver_due() == 1
    assert stored(event).attempts == 2


def test_deliver_due_leases_an_event_before_its_delivery(acme):
    seen = []
    types.delivers(KIND)(lambda event: seen.append(stored(event).leased_until - now()))
    add(acme)
    services.deliver_due()
    types._deliveries.pop(KIND)
    assert timedelta(minutes=1) < seen[0] <= services.LEASE


def test_deliver_due_delivers_an_event_again_after_a_crash_before_it_was_marked_delivered(acme, delivered, monkeypatch):
    event = add(acme)
    with monkeypatch.context() as patch:
        patch.setattr(services, "_mark_delivered", lambda event: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            services.deliver_due()
    assert services.deliver_due() == 0
    OutboxEvent.objects.update(leased_until=now() - timedelta(seconds=1))
    assert services.deliver_due() == 1
    assert delivered == ["1", "1"]
    assert stored(event).delivered_at is not None


def test_failed_delivery_is_planned_again_and_other_events_are_delivered(acme, delivered, failing):
    event = add(acme, kind="test.failing")
    add(acme)
    assert services.deliver_due() == 1
    kept = stored(event)
    assert (kept.attempts, kept.leased_until, kept.last_error) == (1, None, "ConnectionError")
    assert kept.due_at > now()


def test_a_failed_event_is_delivered_once_the_cause_is_gone(acme, failing):
    event = add(acme, kind="test.failing")
    services.deliver_due()
    failing.clear()
    make_due()
    assert services.deliver_due() == 1
    assert stored(event).attempts == 2


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 15), (2, 30), (3, 60), (8, 1920), (11, 15_360), (12, 21_600)])
def test_delay_before_the_next_attempt_doubles_up_to_six_hours(attempts, seconds):
    assert services._next_attempt(attempts) - now() == pytest.approx(
        timedelta(seconds=seconds), abs=timedelta(seconds=2)
    )


def test_event_is_given_up_after_the_twelfth_failure(acme, failing):
    event = add(acme, kind="test.failing")
    for _ in range(services.MAX_ATTEMPTS + 1):
        make_due()
        services.deliver_due()
    assert stored(event).failed_at is not None
    assert stored(event).attempts == services.MAX_ATTEMPTS


def test_event_is_not_given_up_before_the_twelfth_failure(acme, failing):
    event = add(acme, kind="test.failing")
    for _ in range(services.MAX_ATTEMPTS - 1):
        make_due()
        services.deliver_due()
    assert stored(event).failed_at is None


def test_event_of_an_unknown_kind_is_kept_and_retried(acme):
    event = add(acme, kind="test.unknown")
    assert services.deliver_due() == 0
    assert (stored(event).last_error, stored(event).failed_at) == ("KeyError", None)


def test_a_canceled_event_is_not_delivered(acme, delivered):
    add(acme)
    assert services.cancel(org=acme, kind=KIND, key="1") == 1
    assert services.deliver_due() == 0
    assert delivered == []


def test_cancel_affects_one_organization_kind_and_key_only(acme, globex, delivered):
    add(acme, "2")
    add(globex, "1")
    add(acme, "1", kind="test.other")
    assert services.cancel(org=acme, kind=KIND, key="1") == 0


def test_cancel_ignores_a_delivered_event(acme, delivered):
    add(acme)
    services.deliver_due()
    assert services.cancel(org=acme, kind=KIND, key="1") == 0


def test_overdue_count_counts_events_due_before_the_given_time(acme):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(due_at=now() - timedelta(minutes=5))
    assert queries.overdue_count(since=now() - timedelta(minutes=2)) == 1
    assert queries.overdue_count(since=now() - timedelta(minutes=10)) == 0


def test_events_that_crashed_their_workers_are_given_up_and_the_next_is_delivered(acme, delivered):
    lost = [add(acme, key=str(place)) for place in range(3)]
    OutboxEvent.objects.update(attempts=services.MAX_ATTEMPTS)
    add(acme, key="next")
    assert services.deliver_due() == 1
    assert delivered == ["next"]
    assert {(stored(event).last_error, stored(event).failed_at is not None) for event in lost} == {("WorkerLost", True)}


def test_lock_sequence_takes_an_advisory_lock_on_postgresql(monkeypatch):
    asked = []

    class Cursor:
        vendor = "postgresql"
        cursor = __enter__ = lambda self: self
        __exit__ = lambda self, *error: False  # noqa: E731
        execute = lambda self, *statement: asked.append(statement)  # noqa: E731

    monkeypatch.setattr(services, "connection", Cursor())
    services.lock_sequence()
    assert asked == [("SELECT pg_advisory_xact_lock(%s)", [services.SEQUENCE_LOCK])]


def test_postponed_event_does_not_count_as_an_attempt(acme):
    def wait(event):
        raise Postponed(now() + timedelta(hours=1), "Not yet.")

    types.delivers("test.postponed")(wait)
    event = add(acme, kind="test.postponed")
    assert services.deliver_due() == 0
    types._deliveries.pop("test.postponed")
    event = stored(event)
    assert (event.attempts, event.leased_until, event.last_error) == (0, None, "Not yet.")
    assert event.due_at > now() + timedelta(minutes=59)


# one event, one recipient


def test_add_for_each_adds_events_that_fail_separately(acme):
    sent = []

    def deliver(event):
        if event.payload["recipient"] == "first":
            raise ConnectionError
        sent.append(event.payload)

    types.delivers(KIND)(deliver)
    services.add_for_each(org=acme, kind=KIND, key="1", recipients=["first", "second"], payload={"what": "on"})
    assert services.deliver_due() == 1
    types._deliveries.pop(KIND)
    assert sent == [{"what": "on", "recipient": "second"}]
    assert {(event.payload["recipient"], event.attempts) for event in queries.waiting()} == {("first", 1)}


def test_add_for_each_without_recipients_adds_no_event(acme):
    services.add_for_each(org=acme, kind=KIND, key="1", recipients=[])
    assert not OutboxEvent.objects.exists()


def test_deliver_due_stops_at_its_time_limit_and_leaves_the_rest_to_the_next_run(acme, delivered, monkeypatch):
    add(acme, "1")
    add(acme, "2")
    monkeypatch.setattr(services, "DRAIN_SECONDS", -1)
    assert services.deliver_due() == 1
    assert services.deliver_due() == 1


# the worker's heartbeat


def test_is_waiting_for_worker_is_true_unless_a_worker_reported_within_a_minute(acme):
    add(acme)
    assert queries.is_waiting_for_worker(acme)
    services.record_heartbeat()
    services.record_heartbeat()
    assert not queries.is_waiting_for_worker(acme)
    Heartbeat.objects.update(at=now() - timedelta(seconds=61))
    assert queries.is_waiting_for_worker(acme)


def test_is_waiting_for_worker_counts_due_events_of_that_organization_only(acme, globex):
    add(acme)
    assert [queries.is_waiting_for_worker(org) for org in (acme, globex, None)] == [True, False, False]
    add(globex, delay=timedelta(minutes=1))
    assert not queries.is_waiting_for_worker(globex)
