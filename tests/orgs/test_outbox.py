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
    assert services.drain() == 2
    assert delivered == ["late", "first"]


def test_events_are_numbered_in_the_order_of_delivery(acme, delivered):
    second = add(acme, "second", delay=timedelta(minutes=1))
    first = add(acme, "first")
    services.drain()
    make_due()
    services.drain()
    assert stored(second).sequence == stored(first).sequence + 1


def test_a_delivered_event_is_not_delivered_again(acme, delivered):
    add(acme)
    services.drain()
    assert services.drain() == 0
    assert delivered == ["1"]


def test_an_event_waits_for_its_delay(acme, delivered):
    add(acme, delay=timedelta(minutes=1))
    assert services.drain() == 0
    make_due()
    assert services.drain() == 1


def test_one_drain_ends_at_its_limit(acme, delivered):
    for number in range(3):
        add(acme, str(number))
    assert services.drain(limit=2) == 2


def test_a_leased_event_is_left_to_its_worker(acme, delivered):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(leased_until=now() + timedelta(seconds=30))
    assert services.drain() == 0


def test_an_event_whose_lease_ran_out_is_delivered_by_another_worker(acme, delivered):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(leased_until=now() - timedelta(seconds=1), attempts=1)
    assert services.drain() == 1
    assert stored(event).attempts == 2


def test_the_lease_is_taken_before_the_delivery(acme):
    seen = []
    types.delivers(KIND)(lambda event: seen.append(stored(event).leased_until - now()))
    add(acme)
    services.drain()
    types._deliveries.pop(KIND)
    assert timedelta(minutes=1) < seen[0] <= services.LEASE


def test_a_crash_between_delivery_and_mark_delivers_again(acme, delivered, monkeypatch):
    event = add(acme)
    with monkeypatch.context() as patch:
        patch.setattr(services, "_mark_delivered", lambda event: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            services.drain()
    assert services.drain() == 0
    OutboxEvent.objects.update(leased_until=now() - timedelta(seconds=1))
    assert services.drain() == 1
    assert delivered == ["1", "1"]
    assert stored(event).delivered_at is not None


def test_a_failure_is_planned_again_and_leaves_the_others_alone(acme, delivered, failing):
    event = add(acme, kind="test.failing")
    add(acme)
    assert services.drain() == 1
    kept = stored(event)
    assert (kept.attempts, kept.leased_until, kept.last_error) == (1, None, "ConnectionError")
    assert kept.due_at > now()


def test_a_failed_event_is_delivered_once_the_cause_is_gone(acme, failing):
    event = add(acme, kind="test.failing")
    services.drain()
    failing.clear()
    make_due()
    assert services.drain() == 1
    assert stored(event).attempts == 2


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 15), (2, 30), (3, 60), (8, 1920), (11, 15_360), (12, 21_600)])
def test_the_wait_doubles_up_to_six_hours(attempts, seconds):
    assert services._next_attempt(attempts) - now() == pytest.approx(
        timedelta(seconds=seconds), abs=timedelta(seconds=2)
    )


def test_the_twelfth_failure_is_the_last(acme, failing):
    event = add(acme, kind="test.failing")
    for _ in range(services.MAX_ATTEMPTS + 1):
        make_due()
        services.drain()
    assert stored(event).failed_at is not None
    assert stored(event).attempts == services.MAX_ATTEMPTS


def test_no_failure_before_the_twelfth_gives_up(acme, failing):
    event = add(acme, kind="test.failing")
    for _ in range(services.MAX_ATTEMPTS - 1):
        make_due()
        services.drain()
    assert stored(event).failed_at is None


def test_an_unknown_kind_is_kept_and_tried_again(acme):
    event = add(acme, kind="test.unknown")
    assert services.drain() == 0
    assert (stored(event).last_error, stored(event).failed_at) == ("KeyError", None)


def test_a_canceled_event_is_not_delivered(acme, delivered):
    add(acme)
    assert services.cancel(org=acme, kind=KIND, key="1") == 1
    assert services.drain() == 0
    assert delivered == []


def test_cancelling_touches_one_organization_kind_and_key_only(acme, globex, delivered):
    add(acme, "2")
    add(globex, "1")
    add(acme, "1", kind="test.other")
    assert services.cancel(org=acme, kind=KIND, key="1") == 0


def test_what_was_delivered_cannot_be_canceled(acme, delivered):
    add(acme)
    services.drain()
    assert services.cancel(org=acme, kind=KIND, key="1") == 0


def test_a_rolled_back_event_was_never_there(acme, delivered):
    with pytest.raises(Undone):
        add_and_fail(acme)
    assert not OutboxEvent.objects.filter(kind=KIND).exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_nudged_after_the_commit_and_not_before(acme, nudges):
    with transaction.atomic():
        add(acme)
        assert nudges == []
    assert nudges == ["nudge"]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_event_nudges_nobody(acme, nudges):
    with pytest.raises(Undone):
        add_and_fail(acme)
    assert nudges == []


@pytest.mark.django_db(transaction=True)
def test_a_delayed_event_nudges_nobody(acme, nudges):
    add(acme, delay=timedelta(minutes=2))
    assert nudges == []


@pytest.mark.django_db(transaction=True)
def test_a_nudge_that_breaks_does_not_stop_what_else_follows_the_commit(acme, monkeypatch):
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


def test_a_nudge_gives_up_a_dead_broker_within_two_seconds(seconds_of_nudge):
    assert seconds_of_nudge("redis://127.0.0.1:1/0") < 2


def test_a_nudge_gives_up_a_frozen_broker_within_two_seconds(seconds_of_nudge, frozen_redis):
    assert seconds_of_nudge(frozen_redis) < 2


def test_a_nudge_that_the_broker_refuses_raises_nothing_and_is_logged(monkeypatch, caplog):
    def refuse(name, **options):
        assert (name, options) == (DRAIN, {"retry": False, "ignore_result": True})
        raise ConnectionRefusedError("redis://:canary@127.0.0.1")

    monkeypatch.setattr(current_app, "send_task", refuse)
    services.send_nudge()
    assert "ConnectionRefusedError" in caplog.text
    assert "canary" not in caplog.text


def test_the_sweep_delivers_what_is_due(acme, delivered):
    add(acme)
    assert tasks.drain_outbox() == 1


def test_finished_events_go_after_thirty_days_and_waiting_ones_stay(acme, delivered):
    old, waiting, recent = add(acme, "old"), add(acme, "waiting", delay=timedelta(days=90)), add(acme, "recent")
    services.drain()
    OutboxEvent.objects.filter(pk__in=[old.pk, waiting.pk]).update(created_at=now() - timedelta(days=31))
    tasks.prune()
    kept = set(OutboxEvent.objects.filter(kind=KIND).values_list("key", flat=True))
    assert kept == {"waiting", "recent"}
    assert recent.key in kept


@pytest.mark.parametrize("ended", ["canceled_at", "failed_at"])
def test_canceled_and_failed_events_go_too(acme, ended):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(**{ended: now(), "created_at": now() - timedelta(days=31)})
    assert services.delete_finished(before=now() - tasks.RETENTION) == 1


def test_session_grants_go_thirty_days_after_their_end(olga):
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


def test_late_events_are_counted(acme):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(due_at=now() - timedelta(minutes=5))
    assert queries.overdue_count(since=now() - timedelta(minutes=2)) == 1
    assert queries.overdue_count(since=now() - timedelta(minutes=10)) == 0


def test_the_public_sequence_goes_on_after_everything_was_pruned(acme, delivered):
    first = add(acme)
    services.drain()
    OutboxEvent.objects.update(created_at=now() - timedelta(days=40))
    tasks.prune()
    second = add(acme)
    services.drain()
    assert stored(second).sequence == stored(first).sequence + 1


def test_events_that_take_their_workers_down_are_given_up_and_hold_up_no_other(acme, delivered):
    lost = [add(acme, key=str(place)) for place in range(3)]
    OutboxEvent.objects.update(attempts=services.MAX_ATTEMPTS)
    add(acme, key="next")
    assert services.drain() == 1
    assert delivered == ["next"]
    assert {(stored(event).last_error, stored(event).failed_at is not None) for event in lost} == {("WorkerLost", True)}


def test_postgresql_numbers_events_under_one_lock(monkeypatch):
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


def test_expired_sessions_go_with_their_records_and_live_ones_stay(sign_in, olga, uma):
    for person in (olga, uma):
        sign_in(person).get("/accounts/sessions/")
    Session.objects.filter(pk=Session.objects.first().pk).update(expire_date=now() - timedelta(seconds=1))
    tasks.prune()
    assert Session.objects.count() == 1
    assert set(UserSession.objects.values_list("session_key", flat=True)) <= {Session.objects.get().session_key}


def test_the_record_of_a_session_that_is_gone_goes(olga):
    UserSession.objects.create(user=olga.user, ip="192.0.2.1", session_key="x" * 32)
    tasks.prune()
    assert not UserSession.objects.exists()


def test_expired_cached_values_go(db, monkeypatch):
    cache.set("short", 1, -1)
    cache.set("long", 1, 60)
    tasks.prune()
    assert CacheEntry.objects.count() == 1


def test_a_postponed_event_uses_up_no_attempt(acme):
    def wait(event):
        raise Postponed(now() + timedelta(hours=1), "Not yet.")

    types.delivers("test.postponed")(wait)
    event = add(acme, kind="test.postponed")
    assert services.drain() == 0
    types._deliveries.pop("test.postponed")
    event = stored(event)
    assert (event.attempts, event.leased_until, event.last_error) == (0, None, "Not yet.")
    assert event.due_at > now() + timedelta(minutes=59)


# one event, one recipient


def test_events_for_each_recipient_fail_alone(acme):
    sent = []

    def deliver(event):
        if event.payload["recipient"] == "first":
            raise ConnectionError
        sent.append(event.payload)

    types.delivers(KIND)(deliver)
    services.add_for_each(org=acme, kind=KIND, key="1", recipients=["first", "second"], payload={"what": "on"})
    assert services.drain() == 1
    types._deliveries.pop(KIND)
    assert sent == [{"what": "on", "recipient": "second"}]
    assert {(event.payload["recipient"], event.attempts) for event in queries.waiting()} == {("first", 1)}


def test_events_for_nobody_are_none(acme):
    services.add_for_each(org=acme, kind=KIND, key="1", recipients=[])
    assert not OutboxEvent.objects.exists()


# mail to accounts

MAIL = TextMail(to="ivy@elsewhere.example", subject="Your code", body="CANARY-7731")


def test_mail_to_an_account_is_sealed_until_sent_and_forgotten_then(db, mailoutbox):
    event = services.add_account_mail(mail=MAIL, key="account/email/code")
    assert "CANARY" not in str(OutboxEvent.objects.values().get())
    assert services.drain() == 1
    assert [(mail.to, mail.subject, mail.body) for mail in mailoutbox] == [([MAIL.to], MAIL.subject, MAIL.body)]
    assert (stored(event).payload, stored(event).org) == ({}, None)


@pytest.mark.parametrize(("minutes", "sent"), [(1, 1), (-1, 0)])
def test_account_mail_is_sent_until_its_code_ends_and_canceled_then(db, mailoutbox, minutes, sent):
    event = services.add_account_mail(mail=MAIL, ends_at=now() + timedelta(minutes=minutes))
    assert (services.drain(), len(mailoutbox)) == (sent, sent)
    found = stored(event)
    assert (found.canceled_at is None, found.payload, found.failed_at) == (bool(sent), {}, None)
    assert found.last_error == ("" if sent else "The code or link in this mail ended before it could be sent.")


def test_retry_of_given_up_mail_whose_code_has_ended_cancels_it(db, mailoutbox):
    event = services.add_account_mail(mail=MAIL, ends_at=now() - timedelta(hours=1))
    OutboxEvent.objects.update(failed_at=now(), attempts=services.MAX_ATTEMPTS)
    services.retry(events=queries.given_up())
    services.drain()
    assert (mailoutbox, stored(event).canceled_at is None, queries.pending().count()) == ([], False, 0)


def test_work_of_an_organization_has_one(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxEvent.objects.create(kind=KIND, due_at=now())


def test_mail_to_an_account_has_no_organization(db):
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
def test_only_a_permanent_refusal_of_this_mail_ends_it_at_once(db, mail_server, answer, last_error, gave_up):
    mail_server.append(answer)
    event = services.add_account_mail(mail=MAIL)
    services.drain()
    found = stored(event)
    assert (found.last_error, found.failed_at is not None, found.attempts) == (last_error, gave_up, 1)


def test_a_drain_ends_after_a_minute_and_leaves_the_rest_to_the_next(acme, delivered, monkeypatch):
    add(acme, "1")
    add(acme, "2")
    monkeypatch.setattr(services, "DRAIN_SECONDS", -1)
    assert services.drain() == 1
    assert services.drain() == 1


# given up, tried again, canceled


@pytest.fixture
def given_up(acme):
    event = add(acme)
    OutboxEvent.objects.filter(pk=event.pk).update(failed_at=now(), attempts=services.MAX_ATTEMPTS, last_error="X")
    return event


def test_what_was_given_up_is_counted_and_no_longer_waits(given_up):
    assert queries.backlog() == Backlog(waiting=0, given_up=1, oldest_seconds=0.0)


def test_account_mail_that_the_recipients_server_refused_is_no_failure_of_ours(db, mail_server):
    mail_server.append(SMTPRecipientsRefused({"a": (550, b"unknown")}))
    services.add_account_mail(mail=MAIL)
    services.drain()
    assert (queries.given_up().count(), queries.failed_for_us().count(), queries.backlog().given_up) == (1, 0, 0)


def test_what_was_given_up_is_found_by_its_index_however_much_was_delivered(given_up):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # a table of one row is read whole
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert all("outbox_given_up" in found.explain() for found in (queries.given_up(), queries.failed_for_us()))


def test_retry_delivers_what_was_given_up(given_up, delivered):
    assert services.retry(events=queries.given_up()) == 1
    assert services.drain() == 1
    assert delivered == ["1"]


def test_retry_and_cancel_leave_what_a_worker_is_delivering(acme):
    leased, free = add(acme, "1"), add(acme, "2")
    OutboxEvent.objects.filter(pk=leased.pk).update(leased_until=now() + timedelta(minutes=1), attempts=3)
    assert services.retry(events=queries.pending()) == 1
    assert (stored(leased).attempts, stored(leased).leased_until is None) == (3, False)
    assert services.cancel_events(events=queries.pending()) == 1
    assert (stored(leased).canceled_at is None, stored(free).canceled_at is None) == (True, False)


def test_canceled_work_is_neither_given_up_nor_retried_and_holds_nothing(db):
    event = services.add_account_mail(mail=MAIL)
    assert services.cancel_events(events=queries.pending()) == 1
    assert (stored(event).payload, services.drain(), queries.pending().count()) == ({}, 0, 0)


def test_nudges_meanwhile_become_one_more(monkeypatch):
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


def test_work_waits_for_a_worker_until_one_reports_and_again_a_minute_after_the_last(acme):
    add(acme)
    assert queries.is_waiting_for_worker(acme)
    services.record_heartbeat()
    services.record_heartbeat()
    assert not queries.is_waiting_for_worker(acme)
    Heartbeat.objects.update(at=now() - timedelta(seconds=61))
    assert queries.is_waiting_for_worker(acme)


def test_due_work_is_told_apart_by_organization(acme, globex):
    add(acme)
    assert [queries.is_waiting_for_worker(org) for org in (acme, globex, None)] == [True, False, False]
    add(globex, delay=timedelta(minutes=1))
    assert not queries.is_waiting_for_worker(globex)
