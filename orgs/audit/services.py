from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from orgs.audit.models import AuditEvent
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.text import text_key
from orgs.base.writes import Insert
from orgs.tenancy.models import Membership, Organization

NEW_EVENTS = Insert(AuditEvent)


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
    event = event_of(org_id=org.pk, actor=actor, action=action, target=target, change=change)
    NEW_EVENTS.one(event)
    return event


def record_all(*, records: Iterable[Record]) -> None:
    """Write many acts in one statement."""
    AuditEvent.objects.bulk_create(
        event_of(org_id=one.org.pk, actor=one.actor, action=one.action, target=one.target, change=one.change)
        for one in records
    )


def insert_events(*, events: Sequence[AuditEvent], before: tuple[Insert[Any], Sequence[Any]] | None = None) -> None:
    """Write the few acts of one transaction, with `before` what goes with them, on PostgreSQL in one statement."""
    NEW_EVENTS.run(events, before=before)


def event_of(
    *, org_id: int, actor: Actor, action: str, target: AuditTarget, change: Change | None = None
) -> AuditEvent:
    """Return the row of an act that happens now; writing it is the caller's."""
    return AuditEvent(
        org_id=org_id,
        at=now(),
        actor_kind=actor.kind,
        actor_reference=actor.reference[:100],
        actor_label=actor.label[:254],
        ip=actor.ip or None,
        action=action,
        target_kind=target.kind,
        target_id=target.id,
        target_label=target.label[:400],
        search_key=text_key(f"{action} {target.label[:400]} {actor.label[:254]}")[:1500],
        before=change.before if change else {},
        after=change.after if change else {},
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
    )
