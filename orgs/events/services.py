import json
import smtplib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from threading import Lock, Thread
from time import monotonic
from typing import NoReturn
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.dispatch import Signal
from django.template.loader import render_to_string

from orgs.audit import services as audit
from orgs.audit.models import AuditEvent
from orgs.audit.services import AuditTarget, Change
from orgs.base import sealed
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.base.statements import number, text
from orgs.base.text import mail_address
from orgs.base.writes import Insert, Update
from orgs.events import queries
from orgs.events.models import Heartbeat, OutboxEvent
from orgs.events.types import (
    ACCOUNT_MAIL,
    DRAIN,
    WORKER,
    DeliveryRefused,
    DeliveryTooLate,
    Mail,
    Postponed,
    TextMail,
    delivery_of,
)
from orgs.tenancy.models import Organization

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 12
FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(hours=6)
# a delivery that meets a silent mail server ends before the worker's own limit; the sweep goes on with the rest
DRAIN_SECONDS = 60

NEW_EVENTS = Insert(OutboxEvent)
WAITING_OF_KEY = Update(lambda: queries.waiting().filter(org_id=number("org"), kind=text("kind"), key=text("key")))
# within the transaction; given `org_id` and `memberships`, their public ids
members_changed = Signal()


@dataclass(slots=True)
class Changes:
    """What one transaction adds to the audit log and to the outbox of an organization: collected, then written at once.

    Whoever makes it calls `write` before the transaction ends.
    """

    org_id: int
    actor: Actor
    _acts: list[AuditEvent] = field(default_factory=list)
    _planned: list[OutboxEvent] = field(default_factory=list)

    def record(self, action: str, target: AuditTarget, change: Change | None = None) -> None:
        """Add an act to the audit log."""
        self._acts.append(
            audit.event_of(org_id=self.org_id, actor=self.actor, action=action, target=target, change=change)
        )

    def plan(self, kind: str, key: str, *, delay: timedelta) -> None:
        """Plan work for after the commit and `delay`."""
        self._planned.append(OutboxEvent(org_id=self.org_id, kind=kind, key=key, due_at=now() + delay))

    def cancel(self, kind: str, key: str, *, is_stored: bool = True) -> None:
        """Cancel the work of this kind and key that nobody has begun. Where none `is_stored`, the database isn't asked."""
        self._planned = [event for event in self._planned if (event.kind, event.key) != (kind, key)]
        if is_stored:
            WAITING_OF_KEY.run({"canceled_at": now()}, org=self.org_id, kind=kind, key=key)

    def write(self) -> None:
        """Write what was collected, on PostgreSQL in one statement, and tell who keeps a copy of members."""
        if self._acts:
            audit.insert_events(events=self._acts, before=(NEW_EVENTS, self._planned) if self._planned else None)
        elif self._planned:
            NEW_EVENTS.run(self._planned)
        acts, self._acts, self._planned = self._acts, [], []
        members = {UUID(act.target_id) for act in acts if act.target_kind == "membership"}
        # what a directory says of its own people is nothing to tell directories
        if members and self.actor.kind != ActorKind.SCIM:
            members_changed.send(sender=Changes, org_id=self.org_id, memberships=members)


def add(
    *, org: Organization, kind: str, key: str, payload: dict[str, object] | None = None, delay: timedelta = timedelta()
) -> OutboxEvent:
    """Plan work for after the commit and `delay`. The payload must hold no secret."""
    event = OutboxEvent(org=org, kind=kind, key=key, payload=payload or {}, due_at=now() + delay)
    NEW_EVENTS.one(event)
    if not delay:
        transaction.on_commit(nudge, robust=True)
    return event


def add_for_each(
    *, org: Organization, kind: str, key: str, recipients: Iterable[str], payload: dict[str, object] | None = None
) -> None:
    """Add one event for each address in `recipients`, so that nobody's mail depends on somebody else's."""
    given, moment = payload or {}, now()
    OutboxEvent.objects.bulk_create(
        OutboxEvent(org=org, kind=kind, key=key, payload={**given, "recipient": recipient}, due_at=moment)
        for recipient in recipients
    )
    transaction.on_commit(nudge, robust=True)


def add_account_mail(*, mail: TextMail, key: str = "", ends_at: datetime | None = None) -> OutboxEvent:
    """Send this mail to the person of an account once the transaction has committed, but not after `ends_at`.

    It may hold a code or a link that opens the account, so it is sealed, and deleted from the row once it is sent.
    """
    payload = {"sealed": sealed.seal(json.dumps(asdict(mail))), "ends_at": ends_at and ends_at.isoformat()}
    event = OutboxEvent.objects.create(kind=ACCOUNT_MAIL, key=key[:100], payload=payload, due_at=now())
    transaction.on_commit(nudge, robust=True)
    return event


def send_account_mail(event: OutboxEvent) -> None:
    """Hand the sealed mail of this event to the mail server.

    Raises DeliveryTooLate, DeliveryRefused, SealBroken, or what the server does.
    """
    ends_at = event.payload.get("ends_at")
    if ends_at and datetime.fromisoformat(ends_at) <= now():
        raise DeliveryTooLate("The code or link in this mail ended before it could be sent.")
    send_text(TextMail(**json.loads(sealed.unseal(event.payload["sealed"]))))


def cancel(*, org: Organization, kind: str, key: str) -> int:
    """Cancel the events of this kind and key that nobody has begun. Returns how many there were."""
    return WAITING_OF_KEY.run({"canceled_at": now()}, org=org.pk, kind=kind, key=key)


@transaction.atomic
def retry(*, events: QuerySet[OutboxEvent]) -> int:
    """Try these events again at once, as often as new ones, except those being delivered now. Returns how many."""
    found = list(queries.idle(events).select_for_update(of=("self",)).values_list("pk", flat=True))
    OutboxEvent.objects.filter(pk__in=found).update(failed_at=None, leased_until=None, attempts=0, due_at=now())
    log.info("outbox.retried", count=len(found))
    transaction.on_commit(nudge, robust=True)
    return len(found)


@transaction.atomic
def cancel_events(*, events: QuerySet[OutboxEvent]) -> int:
    """Leave these events undone for good, and forget what they hold, except those being delivered now.

    Returns how many there were.
    """
    found = list(queries.idle(events).select_for_update(of=("self",)).values_list("pk", flat=True))
    OutboxEvent.objects.filter(pk__in=found).update(canceled_at=now(), leased_until=None, payload={})
    log.info("outbox.canceled", count=len(found))
    return len(found)


class Nudges:
    """At most one thread of this process talks to the broker; nudges that come meanwhile become one more."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_running = self._is_wanted = False

    def ask(self) -> None:
        with self._lock:
            self._is_wanted = True
            if self._is_running:
                return
            self._is_running = True
        Thread(target=self._run, name="outbox-nudge").start()

    def _run(self) -> None:
        while self._is_still_wanted():
            send_nudge()

    def _is_still_wanted(self) -> bool:
        with self._lock:
            self._is_running, self._is_wanted = self._is_wanted, False
            return self._is_running


_nudges = Nudges()


def nudge() -> None:
    """Ask a worker to look now, without waiting for the broker: a dead one must not hold a request."""
    _nudges.ask()


def send_nudge() -> None:
    """Send the worker a message; when that fails it is logged, and the sweep finds the row within seconds."""
    try:
        current_app.send_task(DRAIN, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 - brokers raise what they like, and none of it may fail a request
        log.warning("outbox.nudge_failed", error=type(error).__name__)


def deliver_due(*, limit: int = 100) -> int:
    """Deliver each due event once, or plan its next attempt. Returns how many were delivered."""
    delivered, deadline = 0, monotonic() + DRAIN_SECONDS
    for _ in range(limit):
        event = _lease_next()
        if event is None:
            break
        delivered += _deliver(event)
        if monotonic() > deadline:
            break
    return delivered


@transaction.atomic
def _lease_next() -> OutboxEvent | None:
    moment = now()
    # workers pass each other by; SQLite has one writer at a time and knows no row locks
    skip_locked = connection.features.has_select_for_update_skip_locked
    waiting = queries.due(moment).select_for_update(skip_locked=skip_locked, of=("self",))
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
    except DeliveryTooLate as error:
        _cancel_late(event, error)
        return False
    except DeliveryRefused as error:
        _give_up(event, f"{type(error).__name__} {error.code}")
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
    if event.kind == ACCOUNT_MAIL:
        # the code or link was sent: don't keep it
        OutboxEvent.objects.filter(pk=event.pk).update(payload={})


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


def _cancel_late(event: OutboxEvent, error: DeliveryTooLate) -> None:
    log.warning("outbox.too_late", kind=event.kind, event_id=str(event.public_id))
    OutboxEvent.objects.filter(pk=event.pk).update(
        canceled_at=now(), failed_at=None, leased_until=None, payload={}, last_error=error.reason[:300]
    )


def _plan_next_attempt(event: OutboxEvent, error: str) -> None:
    if event.attempts >= MAX_ATTEMPTS:
        _give_up(event, error)
        return
    log.warning("outbox.delivery_failed", kind=event.kind, event_id=str(event.public_id), error=error, gave_up=False)
    due_at = _next_attempt(event.attempts)
    OutboxEvent.objects.filter(pk=event.pk).update(due_at=due_at, leased_until=None, last_error=error[:300])


def _give_up(event: OutboxEvent, error: str) -> None:
    log.warning("outbox.delivery_failed", kind=event.kind, event_id=str(event.public_id), error=error, gave_up=True)
    OutboxEvent.objects.filter(pk=event.pk).update(failed_at=now(), leased_until=None, last_error=error[:300])


def _next_attempt(attempts: int) -> datetime:
    """Double the wait each time, up to six hours."""
    wait: timedelta = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
    return now() + wait


def send_mail(mail: Mail) -> None:
    """Hand a message to the mail server. Raises DeliveryRefused when it never takes it, or what else the server raises."""
    send_text(render_mail(mail))


def render_mail(mail: Mail) -> TextMail:
    """Return the subject and body that the mail's template makes of its context."""
    text = render_to_string(f"emails/{mail.template}.txt", mail.context)
    subject, _, body = text.partition("\n")
    # a name that an IdP sent can hold a line break, which would begin a header of its own
    return TextMail(to=mail.to, subject=" ".join(subject.split()), body=body.lstrip())


def send_text(mail: TextMail) -> None:
    """Hand a message to the mail server. Raises DeliveryRefused when it never takes it, or what else the server raises."""
    to = [mail_address(mail.to)]
    message = EmailMessage(subject=mail.subject, body=mail.body, from_email=settings.DEFAULT_FROM_EMAIL, to=to)
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        raise_if_permanent(error, max(code for code, _ in error.recipients.values()))
    except smtplib.SMTPDataError as error:
        raise_if_permanent(error, error.smtp_code)


def raise_if_permanent(error: smtplib.SMTPException, code: int) -> NoReturn:
    """Raise DeliveryRefused for 5yz, which is a permanent refusal (RFC 5321 §4.2.1), else the error itself.

    A refused sender or password isn't one: that is for the operator to mend, and the mail waits for it.
    """
    if code >= 500:
        raise DeliveryRefused(code) from error
    raise error


def record_heartbeat() -> None:
    """Remember that a worker runs, and that beat does."""
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"at": now()})


def delete_finished(*, before: datetime) -> int:
    """Delete the events that were finished before this time. Returns how many there were."""
    last = OutboxEvent.objects.exclude(sequence=None).order_by("-sequence").values_list("pk", flat=True).first()
    # the last number stays, or the public sequence would begin anew after a quiet month
    finished = OutboxEvent.objects.exclude(delivered_at=None, canceled_at=None, failed_at=None).exclude(pk=last or 0)
    deleted, _ = finished.filter(created_at__lt=before).delete()
    return deleted
