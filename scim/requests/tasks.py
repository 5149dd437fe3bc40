from celery import shared_task

from scim.requests import services

RETENTION_DAYS = 30


@shared_task(name="scim.requests.prune", ignore_result=True)
def prune() -> int:
    """Make the log's days to come, and drop what is older than 30 days."""
    services.make_partitions()
    return services.delete_old(days=RETENTION_DAYS)
