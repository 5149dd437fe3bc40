from celery import shared_task

from scim.requests import services

RETENTION_DAYS = 30


@shared_task(name="scim.requests.prune", ignore_result=True)
def prune() -> int:
    """Drop log rows that are older than 30 days."""
    return services.delete_old(days=RETENTION_DAYS)
