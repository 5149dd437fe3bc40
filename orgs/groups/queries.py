from collections.abc import Sequence
from uuid import UUID

from django.db.models import Count, QuerySet

from orgs.base.text import text_key
from orgs.groups.models import Group, GroupMember
from orgs.groups.types import GroupUnknown
from orgs.tenancy.models import Organization


def list_groups(org: Organization, text: str = "") -> QuerySet[Group]:
    """Return the groups of an organization by name, each with `member_count`."""
    groups = Group.objects.filter(org=org)
    for word in text_key(text).split():
        groups = groups.filter(name_key__contains=word)
    return groups.annotate(member_count=Count("members")).order_by("name_key", "id")


def find_group(org: Organization, public_id: UUID) -> Group:
    """Raises GroupUnknown."""
    try:
        return Group.objects.get(org=org, public_id=public_id)
    except Group.DoesNotExist as error:
        raise GroupUnknown from error


def member_ids(group: Group) -> Sequence[int]:
    """Return the ids of the memberships in the group."""
    members = GroupMember.objects.filter(org_id=group.org_id, group=group)
    return list(members.values_list("membership_id", flat=True))


def list_group_members(group: Group, text: str = "") -> QuerySet[GroupMember]:
    """Return the members of one group by name, each with its membership."""
    members = GroupMember.objects.filter(org_id=group.org_id, group=group)
    for word in text_key(text).split():
        members = members.filter(membership__name_key__contains=word)
    return members.select_related("membership").order_by("membership__name_key", "membership_id")
