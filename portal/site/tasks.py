from celery import shared_task
from django.core.cache import cache

from orgs.base.clock import iso, now

HEARTBEAT = "worker.heartbeat"


@shared_task(name="portal.heartbeat", ignore_result=True)
def heartbeat() -> None:
    """The cache knows when a worker last ran: that is how `doctor` and `/readyz` see one."""
    cache.set(HEARTBEAT, iso(now()), timeout=120)
