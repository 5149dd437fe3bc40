from datetime import datetime

from django.db.models import QuerySet

from orgs.events.models import OutboxEvent


def waiting() -> QuerySet[OutboxEvent]:
    """Events that are neither done, nor cancelled, nor given up."""
    return OutboxEvent.objects.filter(delivered_at=None, cancelled_at=None, failed_at=None)


def due(moment: datetime) -> QuerySet[OutboxEvent]:
    """Waiting events whose time has come and that no worker holds a lease on, oldest first."""
    free = waiting().filter(due_at__lte=moment).exclude(leased_until__gt=moment)
    return free.order_by("due_at", "id")


def overdue_count(*, since: datetime) -> int:
    """Say how many events should have been delivered before this time: more than none means that no worker runs."""
    return waiting().filter(due_at__lt=since).count()
