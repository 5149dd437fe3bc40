from datetime import timedelta

from celery import shared_task

from orgs.base.clock import now
from orgs.tenancy import services

UNVERIFIED_FOR = timedelta(days=3)


@shared_task(name="orgs.tenancy.prune", ignore_result=True)
def prune() -> int:
    """Delete the accounts that nobody has verified for three days."""
    return services.delete_unverified_accounts(before=now() - UNVERIFIED_FOR)
