from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from orgs.audit.models import AuditEvent
from orgs.audit.types import EXPORTED, AuditFilter
from orgs.base.text import text_key
from orgs.tenancy.models import Organization


def was_done_to_membership(*, org: Organization, action: str, target: str, since: datetime) -> bool:
    """Say whether this was done to the membership with this public id at this time or later."""
    return AuditEvent.objects.filter(
        org=org, target_kind="membership", target_id=target, action=action, at__gte=since
    ).exists()


def list_events(org: Organization, shown: AuditFilter) -> QuerySet[AuditEvent]:
    """Return the acts in an organization."""
    events = shown.within(AuditEvent.objects.filter(org=org))
    if shown.actor:
        events = events.filter(actor_kind=shown.actor)
    if shown.action:
        is_whole = "." in shown.action
        events = (
            events.filter(action=shown.action) if is_whole else events.filter(action__startswith=f"{shown.action}.")
        )
    if key := text_key(shown.text):
        exact = shown.text.strip()
        events = events.filter(Q(search_key__contains=key) | Q(target_id=exact) | Q(request_id=exact))
    return events


def exported(event: AuditEvent) -> Mapping[str, Any]:
    """Return the cells of one act in a file of the log; what changed is an object."""
    cells = {name: getattr(event, name) for name in EXPORTED}
    return cells | {"at": event.at.isoformat(), "ip": event.ip or "", "public_id": str(event.public_id)}
