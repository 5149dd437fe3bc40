from datetime import datetime, timedelta
from threading import Thread

import structlog
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import Max
from django.template.loader import render_to_string

from orgs.base.clock import now
from orgs.events import queries
from orgs.events.models import OutboxEvent
from orgs.events.types import DRAIN, Mail, Postponed, delivery_of
from orgs.tenancy.models import Organization

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 12
FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(hours=6)


def add(
    *, org: Organization, kind: str, key: str, payload: dict[str, object] | None = None, delay: timedelta = timedelta()
) -> OutboxEvent:
    """The work is done once the transaction has committed and `delay` has passed. The payload holds no secret."""
    event = OutboxEvent.objects.create(org=org, kind=kind, key=key, payload=payload or {}, due_at=now() + delay)
    if not delay:
        transaction.on_commit(nudge, robust=True)
    return event


def cancel(*, org: Organization, kind: str, key: str) -> int:
    """Work of this kind and key that nobody has begun is not done any more. Returns how much there was."""
    return queries.waiting().filter(org=org, kind=kind, key=key).update(cancelled_at=now())


def nudge() -> None:
    """Ask a worker to look now, without waiting for the broker: a dead one must not hold a request."""
    Thread(target=send_nudge, name="outbox-nudge").start()


def send_nudge() -> None:
    """A worker has the message; or the log says why not, and the sweep finds the row within seconds anyway."""
    try:
        current_app.send_task(DRAIN, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 - brokers raise what they like, and none of it may fail a request
        log.warning("outbox.nudge_failed", error=type(error).__name__)


def drain(*, limit: int = 100) -> int:
    """Every due event was delivered once, or has its next attempt planned. Returns how many were delivered."""
    delivered = 0
    for _ in range(limit):
        event = _lease_next()
        if event is None:
            break
        delivered += _deliver(event)
    return delivered


@transaction.atomic
def _lease_next() -> OutboxEvent | None:
    moment = now()
    # workers pass each other by; SQLite has one writer at a time and knows no row locks
    skip_locked = connection.features.has_select_for_update_skip_locked
    waiting = queries.due(moment).select_for_update(skip_locked=skip_locked)
    while (event := waiting.first()) is not None and event.attempts >= MAX_ATTEMPTS:
        # its last lease ran out: it takes workers down, and mustn't take the next one
        _plan_next_attempt(event, "WorkerLost")
    if event is None:
        return None
    event.leased_until = moment + LEASE
    event.attempts += 1
    event.save(update_fields=["leased_until", "attempts"])
    return event


def _deliver(event: OutboxEvent) -> bool:
    try:
        delivery_of(event.kind)(event)
    except Postponed as wait:
        _postpone(event, wait)
        return False
    except Exception as error:  # noqa: BLE001 - whatever a delivery raises is retried, and must not stop the others
        _plan_next_attempt(event, type(error).__name__)
        return False
    _mark_delivered(event)
    return True


@transaction.atomic
def _mark_delivered(event: OutboxEvent) -> None:
    # one drainer at a time numbers events, so that the public sequence has the order of delivery
    lock_sequence()
    last = OutboxEvent.objects.aggregate(last=Max("sequence"))["last"] or 0
    OutboxEvent.objects.filter(pk=event.pk).update(
        delivered_at=now(), failed_at=None, leased_until=None, sequence=last + 1
    )


def lock_sequence() -> None:
    """Hold the numbering of events until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEQUENCE_LOCK])


SEQUENCE_LOCK = 7_364_001


def _postpone(event: OutboxEvent, wait: Postponed) -> None:
    OutboxEvent.objects.filter(pk=event.pk).update(
        due_at=wait.until, leased_until=None, attempts=event.attempts - 1, last_error=wait.reason[:300]
    )


def _plan_next_attempt(event: OutboxEvent, error: str) -> None:
    gave_up = event.attempts >= MAX_ATTEMPTS
    log.warning("outbox.delivery_failed", kind=event.kind, event_id=str(event.public_id), error=error, gave_up=gave_up)
    OutboxEvent.objects.filter(pk=event.pk).update(
        due_at=_next_attempt(event.attempts),
        leased_until=None,
        last_error=error[:300],
        failed_at=now() if gave_up else None,
    )


def _next_attempt(attempts: int) -> datetime:
    """Double the wait each time, up to six hours."""
    wait: timedelta = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
    return now() + wait


def send_mail(mail: Mail) -> None:
    """The message was handed to the mail server, or an exception tells why not."""
    text = render_to_string(f"emails/{mail.template}.txt", mail.context)
    subject, _, body = text.partition("\n")
    # a name that an IdP sent can hold a line break, which would begin a header of its own
    EmailMessage(
        subject=" ".join(subject.split()), body=body.lstrip(), from_email=settings.DEFAULT_FROM_EMAIL, to=[mail.to]
    ).send()


def delete_finished(*, before: datetime) -> int:
    """Events that were finished before this time are gone. Returns how many there were."""
    last = OutboxEvent.objects.exclude(sequence=None).order_by("-sequence").values_list("pk", flat=True).first()
    # the last number stays, or the public sequence would begin anew after a quiet month
    finished = OutboxEvent.objects.exclude(delivered_at=None, cancelled_at=None, failed_at=None).exclude(pk=last or 0)
    deleted, _ = finished.filter(created_at__lt=before).delete()
    return deleted
