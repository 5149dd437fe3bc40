"""What is finished or expired is deleted by the daily task."""

from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache

from orgs.base.clock import now
from orgs.base.models import CacheEntry
from orgs.events import services, tasks
from orgs.events.models import OutboxEvent
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import SignInMethod
from tests.orgs.events.outbox import KIND, add, stored

pytestmark = pytest.mark.queued_mail


def test_prune_deletes_finished_events_after_thirty_days_and_keeps_waiting_ones(acme, delivered):
    old, waiting, recent = add(acme, "old"), add(acme, "waiting", delay=timedelta(days=90)), add(acme, "recent")
    services.deliver_due()
    OutboxEvent.objects.filter(pk__in=[old.pk, waiting.pk]).update(created_at=now() - timedelta(days=31))
    tasks.prune()
    kept = set(OutboxEvent.objects.filter(kind=KIND).values_list("key", flat=True))
    assert kept == {"waiting", "recent"}
    assert recent.key in kept


@pytest.mark.parametrize("ended", ["canceled_at", "failed_at"])
def test_delete_finished_deletes_canceled_and_failed_events(acme, ended):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(**{ended: now(), "created_at": now() - timedelta(days=31)})
    assert services.delete_finished(before=now() - tasks.RETENTION) == 1


def test_prune_deletes_session_grants_thirty_days_after_their_expiry(olga):
    for days in (29, 31):
        SessionGrant.objects.create(
            org=olga.org,
            membership=olga,
            session=uuid4(),
            method=SignInMethod.PASSWORD,
            expires_at=now() - timedelta(days=days),
        )
    tasks.prune()
    assert SessionGrant.objects.count() == 1


def test_sequence_continues_after_all_events_were_pruned(acme, delivered):
    first = add(acme)
    services.deliver_due()
    OutboxEvent.objects.update(created_at=now() - timedelta(days=40))
    tasks.prune()
    second = add(acme)
    services.deliver_due()
    assert stored(second).sequence == stored(first).sequence + 1


def test_prune_deletes_expired_sessions_with_their_records_and_keeps_live_ones(sign_in, olga, uma):
    for person in (olga, uma):
        sign_in(person).get("/accounts/sessions/")
    Session.objects.filter(pk=Session.objects.first().pk).update(expire_date=now() - timedelta(seconds=1))
    tasks.prune()
    assert Session.objects.count() == 1
    assert set(UserSession.objects.values_list("session_key", flat=True)) <= {Session.objects.get().session_key}


def test_prune_deletes_the_record_of_a_missing_session(olga):
    UserSession.objects.create(user=olga.user, ip="192.0.2.1", session_key="x" * 32)
    tasks.prune()
    assert not UserSession.objects.exists()


def test_prune_deletes_expired_cache_entries(db, monkeypatch):
    cache.set("short", 1, -1)
    cache.set("long", 1, 60)
    tasks.prune()
    assert CacheEntry.objects.count() == 1
