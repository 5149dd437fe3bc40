"""The outbox: what was committed is delivered in order, once or again, and never holds up a request."""

import os
import socket
import subprocess
import sys
from datetime import timedelta
from smtplib import SMTPAuthenticationError, SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused
from threading import Event
from threading import enumerate as enumerate_threads
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from celery import current_app
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction

from orgs.base.clock import now
from orgs.base.models import CacheEntry
from orgs.events import queries, services, tasks, types
from orgs.events.models import Heartbeat, OutboxEvent
from orgs.events.types import DRAIN, Backlog, Postponed, TextMail
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import SignInMethod

KIND = "test.noted"
pytestmark = pytest.mark.queued_mail


@pytest.fixture
def delivered():
    """The keys that were delivered, in their order."""
    found = []
    types.delivers(KIND)(lambda event: found.append(event.key))
    yield found
    types._deliveries.pop(KIND)


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


@pytest.fixture
def nudges(monkeypatch):
    found = []
    monkeypatch.setattr(services, "nudge", lambda: found.append("nudge"))
    return found


def add(org, key="1", kind=KIND, **options):
    return services.add(org=org, kind=kind, key=key, **options)


class Undone(Exception):
    """What undoes a transaction."""


@transaction.atomic
def add_and_fail(org):
    add(org)
    raise Undone


def stored(event):
    return OutboxEvent.objects.get(pk=event.pk)


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


def test_overdue_count_counts_events_due_before_the_given_time(acme):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(due_at=now() - timedelta(minutes=5))
    assert queries.overdue_count(since=now() - timedelta(minutes=2)) == 1
    assert queries.overdue_count(since=now() - timedelta(minutes=10)) == 0


def test_sequence_continues_after_all_events_were_pruned(acme, delivered):
    first = add(acme)
    services.deliver_due()
    OutboxEvent.objects.update(created_at=now() - timedelta(days=40))
    tasks.prune()
    second = add(acme)
    services.deliver_due()
    assert stored(second).sequence == stored(first).sequence + 1


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


# sessions and cached values


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


# mail to accounts

MAIL = TextMail(to="ivy@elsewhere.example", subject="Your code", body="CANARY-7731")


def test_account_mail_is_sealed_until_sent_and_deleted_afterwards(db, mailoutbox):
    event = services.add_account_mail(mail=MAIL, key="account/email/code")
    assert "CANARY" not in str(OutboxEvent.objects.values().get())
    assert services.deliver_due() == 1
    assert [(mail.to, mail.subject, mail.body) for mail in mailoutbox] == [([MAIL.to], MAIL.subject, MAIL.body)]
    assert (stored(event).payload, stored(event).org) == ({}, None)


@pytest.mark.parametrize(("minutes", "sent"), [(1, 1), (-1, 0)])
def test_account_mail_is_sent_until_its_code_expires_and_canceled_afterwards(db, mailoutbox, minutes, sent):
    event = services.add_account_mail(mail=MAIL, ends_at=now() + timedelta(minutes=minutes))
    assert (services.deliver_due(), len(mailoutbox)) == (sent, sent)
    found = stored(event)
    assert (found.canceled_at is None, found.payload, found.failed_at) == (bool(sent), {}, None)
    assert found.last_error == ("" if sent else "The code or link in this mail ended before it could be sent.")


def test_retry_of_given_up_mail_whose_code_has_ended_cancels_it(db, mailoutbox):
    event = services.add_account_mail(mail=MAIL, ends_at=now() - timedelta(hours=1))
    OutboxEvent.objects.update(failed_at=now(), attempts=services.MAX_ATTEMPTS)
    services.retry(events=queries.given_up())
    services.deliver_due()
    assert (mailoutbox, stored(event).canceled_at is None, queries.pending().count()) == ([], False, 0)


def test_outbox_event_without_organization_is_refused_unless_it_is_account_mail(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxEvent.objects.create(kind=KIND, due_at=now())


def test_account_mail_raises_lookup_error_when_asked_for_its_organization(db):
    with pytest.raises(LookupError):
        _ = services.add_account_mail(mail=MAIL).organization


@pytest.fixture
def mail_server(monkeypatch):
    """What the mail server answers to every message, as an exception."""
    answers = []

    def send(self, fail_silently=False):
        raise answers[0]

    monkeypatch.setattr("django.core.mail.EmailMessage.send", send)
    return answers


@pytest.mark.parametrize(
    ("answer", "last_error", "gave_up"),
    [
        (SMTPRecipientsRefused({"a": (550, b"unknown")}), "DeliveryRefused 550", True),
        (SMTPRecipientsRefused({"a": (450, b"busy")}), "SMTPRecipientsRefused", False),
        (SMTPDataError(554, b"spam"), "DeliveryRefused 554", True),
        (SMTPDataError(451, b"later"), "SMTPDataError", False),
        (SMTPSenderRefused(550, b"who?", "us"), "SMTPSenderRefused", False),
        (SMTPAuthenticationError(535, b"no"), "SMTPAuthenticationError", False),
        (TimeoutError(), "TimeoutError", False),
    ],
)
def test_account_mail_is_given_up_at_once_only_for_a_permanent_refusal_of_this_mail(
    db, mail_server, answer, last_error, gave_up
):
    mail_server.append(answer)
    event = services.add_account_mail(mail=MAIL)
    services.deliver_due()
    found = stored(event)
    assert (found.last_error, found.failed_at is not None, found.attempts) == (last_error, gave_up, 1)


def test_deliver_due_stops_at_its_time_limit_and_leaves_the_rest_to_the_next_run(acme, delivered, monkeypatch):
    add(acme, "1")
    add(acme, "2")
    monkeypatch.setattr(services, "DRAIN_SECONDS", -1)
    assert services.deliver_due() == 1
    assert services.deliver_due() == 1


# given up, tried again, canceled


@pytest.fixture
def given_up(acme):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(failed_at=now(), attempts=services.MAX_ATTEMPTS, last_error="X")
    return event


def test_backlog_counts_given_up_events_separately_from_waiting_ones(given_up):
    assert queries.backlog() == Backlog(waiting=0, given_up=1, oldest_seconds=0.0)


def test_account_mail_refused_by_the_recipients_server_is_not_counted_in_the_backlog(db, mail_server):
    mail_server.append(SMTPRecipientsRefused({"a": (550, b"unknown")}))
    services.add_account_mail(mail=MAIL)
    services.deliver_due()
    assert (queries.given_up().count(), queries.failed_for_us().count(), queries.backlog().given_up) == (1, 0, 0)


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


def test_canceled_account_mail_is_neither_retried_nor_kept_in_its_payload(db):
    event = services.add_account_mail(mail=MAIL)
    assert services.cancel_events(events=queries.pending()) == 1
    assert (stored(event).payload, services.deliver_due(), queries.pending().count()) == ({}, 0, 0)


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
