from celery import shared_task

from orgs.base.clock import now
from sso.signin import services


@shared_task(name="sso.signin.prune", ignore_result=True)
def prune() -> None:
    """Drop what nobody can use any more: consumed assertions, unfinished sign-ins, old tests and attempts."""
    services.delete_finished(moment=now())
