from datetime import datetime

from django.db.models import Exists, Min, QuerySet

from orgs.base.clock import now
from orgs.events.models import Heartbeat, OutboxEvent
from orgs.events.types import ACCOUNT_MAIL, HEARTBEAT_OVERDUE, WORKER, Backlog, DeliveryRefused
from orgs.tenancy.models import Organization


def waiting() -> QuerySet[OutboxEvent]:
    """Return events that are neither done, nor canceled, nor given up."""
    return OutboxEvent.objects.filter(delivered_at=None, canceled_at=None, failed_at=None)


def given_up() -> QuerySet[OutboxEvent]:
    """Return events that nobody tries any more, and that nobody has canceled."""
    return OutboxEvent.objects.filter(delivered_at=None, canceled_at=None, failed_at__isnull=False)


def failed_for_us() -> QuerySet[OutboxEvent]:
    """Return what was given up for a reason of ours.

    Mail about an account that the recipient's server refused for good isn't one: anybody can sign up with a wrong address.
    """
    return given_up().exclude(kind=ACCOUNT_MAIL, last_error__startswith=DeliveryRefused.__name__)


def due(moment: datetime) -> QuerySet[OutboxEvent]:
    """Return waiting events whose time has come and that no worker holds a lease on, oldest first."""
    free = waiting().filter(due_at__lte=moment).exclude(leased_until__gt=moment)
    return free.order_by("due_at", "id")


def idle(events: QuerySet[OutboxEvent]) -> QuerySet[OutboxEvent]:
    """Return those of these events that no worker is delivering now."""
    return events.exclude(leased_until__gt=now())


def overdue_count(*, since: datetime) -> int:
    """Say how many events should have been delivered before this time: more than none means that no worker runs."""
    return waiting().filter(due_at__lt=since).count()


def pending() -> QuerySet[OutboxEvent]:
    """Return what waits or was given up."""
    return waiting() | given_up()


def backlog() -> Backlog:
    """Count what waits and what was given up, and say since when the oldest due event has been due."""
    moment = now()
    oldest = waiting().filter(due_at__lte=moment).aggregate(oldest=Min("due_at"))["oldest"]
    lateness = (moment - oldest).total_seconds() if oldest else 0.0
    return Backlog(waiting=waiting().count(), given_up=failed_for_us().count(), oldest_seconds=lateness)


def is_waiting_for_worker(org: Organization | None) -> bool:
    """Say whether work of this organization, or mail to accounts when there is none, is due while no worker reports.

    One query.
    """
    moment = now()
    running = Heartbeat.objects.filter(name=WORKER, at__gte=moment - HEARTBEAT_OVERDUE)
    return waiting().filter(~Exists(running), org=org, due_at__lte=moment).exists()


def heartbeat() -> datetime | None:
    """Return when a worker last did what beat asked for, or None when none ever did."""
    return Heartbeat.objects.filter(name=WORKER).values_list("at", flat=True).first()
