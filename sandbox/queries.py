"""What the demo has made before, from the audit log: that outlives renames and deletions."""

from uuid import UUID

from orgs.audit.models import AuditEvent
from orgs.base.actor import Actor
from orgs.tenancy.models import Organization, User


def connection_made(org: Organization, actor: Actor) -> UUID | None:
    """Return the public id of the connection that this actor made last, be it deleted since; None when none ever was."""
    made = AuditEvent.objects.filter(org=org, action="connection.created", actor_label=actor.label)
    target = made.order_by("-id").values_list("target_id", flat=True).first()
    return None if target is None else UUID(target)


def was_seeded(actor: Actor) -> bool:
    """Say whether this actor has made an organization here; whatever became of it since."""
    return AuditEvent.objects.filter(action="organization.created", actor_label=actor.label).exists()


def is_in_use() -> bool:
    """Say whether there is any organization or account."""
    return Organization.objects.exists() or User.objects.exists()
