from datetime import timedelta

from celery import shared_task

from orgs.base.clock import now
from orgs.base.models import delete_expired_entries
from orgs.events import services
from orgs.events.models import OutboxEvent
from orgs.events.types import ACCOUNT_MAIL, DRAIN, delivers
from orgs.tenancy import services as tenancy

RETENTION = timedelta(days=30)


@shared_task(name=DRAIN, ignore_result=True)
def drain_outbox() -> int:
    """Deliver what is due. The outbox row is the job: running this twice, or never, loses nothing."""
    return services.deliver_due()


@delivers(ACCOUNT_MAIL)
def send_account_mail(event: OutboxEvent) -> None:
    """Send a mail that belongs to an account."""
    services.send_account_mail(event)


@shared_task(name="orgs.events.prune", ignore_result=True)
def prune() -> None:
    """Delete finished events and ended session grants of 30 days ago, and what has expired: sessions, cached values."""
    services.delete_finished(before=now() - RETENTION)
    tenancy.delete_expired_grants(before=now() - RETENTION)
    tenancy.delete_ended_sessions()
    delete_expired_entries()
