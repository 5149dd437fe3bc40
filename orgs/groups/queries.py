from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Count, QuerySet

from orgs.base.text import text_key
from orgs.groups.models import Group, GroupMember
from orgs.groups.types import GroupUnknown
from orgs.tenancy.models import Membership, Organization


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


def member_ids_among(group: Group, memberships: Collection[Membership]) -> Sequence[int]:
    """Return the ids of those of these memberships that are in the group."""
    rows = GroupMember.objects.filter(org_id=group.org_id, group=group, membership__in=memberships)
    return list(rows.values_list("membership_id", flat=True))


def has_more_members(group: Group, count: int) -> bool:
    """Say whether the group has more members than this; no more of them are looked at. One query."""
    members = GroupMember.objects.filter(org_id=group.org_id, group_id=group.pk).order_by()
    return members[count : count + 1].exists()


def list_group_members(group: Group, text: str = "") -> QuerySet[GroupMember]:
    """Return the members of one group by name, each with its membership."""
    members = GroupMember.objects.filter(org_id=group.org_id, group=group)
    for word in text_key(text).split():
        members = members.filter(membership__name_key__contains=word)
    return members.select_related("membership").order_by("membership__name_key", "membership_id")
