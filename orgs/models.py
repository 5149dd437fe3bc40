"""Every table of this app, collected for Django."""

from orgs.audit.models import AuditEvent
from orgs.base.models import CacheEntry
from orgs.domains.models import Domain
from orgs.events.models import Heartbeat, OutboxEvent
from orgs.groups.models import Group, GroupMember
from orgs.people.models import Invitation, InvitationLink
from orgs.tenancy.models import (
    AddressVerification,
    Membership,
    MembershipAddress,
    Organization,
    RoleGrant,
    SessionGrant,
    Suspension,
    User,
)

__all__ = [
    "AddressVerification",
    "AuditEvent",
    "CacheEntry",
    "Domain",
    "Group",
    "GroupMember",
    "Heartbeat",
    "Invitation",
    "InvitationLink",
    "Membership",
    "MembershipAddress",
    "Organization",
    "OutboxEvent",
    "RoleGrant",
    "SessionGrant",
    "Suspension",
    "User",
]
