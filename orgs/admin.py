"""Every page of support's site about this app, collected for Django."""

from orgs.audit.admin import AuditEventAdmin
from orgs.domains.admin import DomainAdmin
from orgs.events.admin import OutboxEventAdmin
from orgs.groups.admin import GroupAdmin, GroupMemberAdmin
from orgs.people.admin import InvitationAdmin
from orgs.tenancy.admin import MembershipAdmin, OrganizationAdmin, UserAdmin

__all__ = [
    "AuditEventAdmin",
    "DomainAdmin",
    "GroupAdmin",
    "GroupMemberAdmin",
    "InvitationAdmin",
    "MembershipAdmin",
    "OrganizationAdmin",
    "OutboxEventAdmin",
    "UserAdmin",
]
