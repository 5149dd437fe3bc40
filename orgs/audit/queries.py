from datetime import datetime

from orgs.audit.models import AuditEvent
from orgs.tenancy.models import Organization


def was_done_to_membership(*, org: Organization, action: str, target: str, since: datetime) -> bool:
    """Say whether this was done to the membership with this public id at this time or later."""
    return AuditEvent.objects.filter(
        org=org, target_kind="membership", target_id=target, action=action, at__gte=since
    ).exists()
