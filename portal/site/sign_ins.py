"""The audit rows of password and passkey sign-ins, good and bad.

A refused one is recorded after the answer has been sent: how long an answer takes mustn't tell whether an account exists.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.core.signals import request_finished, request_started
from django.db import DatabaseError, connection
from django.dispatch import receiver

from orgs.audit import queries as audit_log
from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change, Record
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.tenancy import queries as tenancy
from orgs.tenancy.models import User
from orgs.tenancy.types import SignInMethod

log = structlog.get_logger(__name__)
SIGNED_IN = "membership.signed_in"
REFUSED = "membership.sign_in_refused"
# of a flood of wrong passwords, one row for each member and minute is kept
REFUSED_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RefusedSignIn:
    """What is recorded of a wrong password once the answer has been sent."""

    address: str
    ip: str
    request_id: str


_refused: ContextVar[RefusedSignIn | None] = ContextVar("refused_sign_in", default=None)


def record_sign_in(user: User, method: SignInMethod, *, ip: str) -> None:
    """Record the sign-in in every organization that it reaches."""
    change = Change(after={"method": str(method)})
    audit.record_all(
        records=[
            Record(
                membership.org,
                Actor(ActorKind.PERSON, reference=str(user.public_id), label=membership.email, ip=ip),
                SIGNED_IN,
                AuditTarget.of_membership(membership),
                change,
            )
            for membership in tenancy.active_memberships_of(user)
        ]
    )


def note_refused(refused: RefusedSignIn) -> None:
    """Remember a wrong password until this request's answer has been sent."""
    log.info("sign_in.refused", ip=refused.ip)
    _refused.set(refused)


@receiver(request_started, dispatch_uid="gatehouse.forget_refused_sign_in")
def forget_refused(**kwargs: Any) -> None:
    """Forget what an earlier request on this thread has left."""
    _refused.set(None)


@receiver(request_finished, dispatch_uid="gatehouse.record_refused_sign_in")
def record_refused_after_answer(**kwargs: Any) -> None:
    """Record the wrong password of the request that has just been answered, if there was one."""
    refused = _refused.get()
    if refused is None:
        return
    _refused.set(None)
    was_open = connection.connection is not None
    try:
        with structlog.contextvars.bound_contextvars(request_id=refused.request_id):
            _record_refused(refused)
    except DatabaseError as error:
        # the answer is out: there is nobody left to tell but the log
        log.warning("sign_in.refusal_not_recorded", error=type(error).__name__)
    finally:
        # Django has closed this thread's connection before, and won't do it again
        if not was_open:
            connection.close()


def _record_refused(refused: RefusedSignIn) -> None:
    user = tenancy.account_for_address(refused.address)
    if user is None:
        return
    for membership in tenancy.active_memberships_of(user).select_related("org"):
        target = AuditTarget.of_membership(membership)
        if audit_log.was_done_to_membership(
            org=membership.org, action=REFUSED, target=target.id, since=now() - REFUSED_INTERVAL
        ):
            continue
        # whoever typed the password is somebody unknown at this address, not the member
        actor = Actor(ActorKind.SYSTEM, label="Somebody who isn't signed in", ip=refused.ip)
        audit.record(org=membership.org, actor=actor, action=REFUSED, target=target)
