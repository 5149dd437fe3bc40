from celery import shared_task

from orgs.events import services as events


@shared_task(name="portal.heartbeat", ignore_result=True)
def heartbeat() -> None:
    """Remember that a worker ran: that is how `doctor`, `/readyz`, metrics and pages see one."""
    events.record_heartbeat()
