"""Events that were given up are counted, tried again or canceled."""

from datetime import timedelta

import pytest
from django.db import connection

from orgs.base.clock import now
from orgs.events import queries, services
from orgs.events.models import OutboxEvent
from orgs.events.types import Backlog
from tests.orgs.events.outbox import add, stored

pytestmark = pytest.mark.queued_mail


@pytest.fixture
def given_up(acme):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(failed_at=now(), attempts=services.MAX_ATTEMPTS, last_error="X")
    return event


def test_backlog_counts_given_up_events_separately_from_waiting_ones(given_up):
    assert queries.backlog() == Backlog(waiting=0, given_up=1, oldest_seconds=0.0)


def test_given_up_queries_use_their_index(given_up):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # a table of one row is read whole
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert all("outbox_given_up" in found.explain() for found in (queries.given_up(), queries.failed_for_us()))


def test_retry_delivers_given_up_events(given_up, delivered):
    assert services.retry(events=queries.given_up()) == 1
    assert services.deliver_due() == 1
    assert delivered == ["1"]


def test_retry_and_cancel_skip_an_event_leased_by_a_worker(acme):
    leased, free = add(acme, "1"), add(acme, "2")
    OutboxEvent.objects.filter(pk=leased.pk).update(leased_until=now() + timedelta(minutes=1), attempts=3)
    assert services.retry(events=queries.pending()) == 1
    assert (stored(leased).attempts, stored(leased).leased_until is None) == (3, False)
    assert services.cancel_events(events=queries.pending()) == 1
    assert (stored(leased).canceled_at is None, stored(free).canceled_at is None) == (True, False)
