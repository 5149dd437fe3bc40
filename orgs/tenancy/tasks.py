from celery import shared_task

from orgs.base.clock import now
from orgs.tenancy import services
from orgs.tenancy.types import UNVERIFIED_FOR


@shared_task(name="orgs.tenancy.prune", ignore_result=True)
def prune() -> int:
    """Delete the accounts that nobody has verified for three days, or whose last address was lost so long ago."""
    return services.delete_unverified_accounts(before=now() - UNVERIFIED_FOR)
