from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog

from orgs.audit.models import AuditEvent
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.tenancy.models import Membership, Organization


@dataclass(frozen=True, slots=True)
class AuditTarget:
    """What was changed: a kind of thing, its public id, and the name it had then."""

    kind: str
    id: str
    label: str = ""

    @classmethod
    def of_membership(cls, membership: Membership) -> "AuditTarget":
        return cls("membership", str(membership.public_id), membership.email)


@dataclass(frozen=True, slots=True)
class Change:
    """Values before and after, in plain JSON types. Never a secret, a digest or a SCIM body."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """One act, as the audit log of an organization keeps it."""

    org: Organization
    actor: Actor
    action: str
    target: AuditTarget
    change: Change = field(default_factory=Change)


def record(
    *, org: Organization, actor: Actor, action: str, target: AuditTarget, change: Change | None = None
) -> AuditEvent:
    """Add the act to the organization's audit log, in the caller's transaction."""
    event = _event_of(Record(org, actor, action, target, change or Change()))
    event.save(force_insert=True)
    return event


def record_all(*, records: Iterable[Record]) -> None:
    """Write many acts in one statement."""
    AuditEvent.objects.bulk_create([_event_of(each) for each in records])


def _event_of(record: Record) -> AuditEvent:
    actor, target = record.actor, record.target
    return AuditEvent(
        org=record.org,
        at=now(),
        actor_kind=actor.kind,
        actor_reference=actor.reference[:100],
        actor_label=actor.label[:254],
        ip=actor.ip or None,
        action=record.action,
        target_kind=target.kind,
        target_id=target.id,
        target_label=target.label[:400],
        before=record.change.before,
        after=record.change.after,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
    )
