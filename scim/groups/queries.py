from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Q, QuerySet

from orgs.base.ids import read_uuid
from orgs.base.text import text_key
from orgs.groups.models import GroupMember
from orgs.tenancy.models import Membership
from scim.directories.models import Directory
from scim.groups.errors import DirectoryGroupUnknown
from scim.groups.models import DirectoryGroup
from scim.endpoint.conditions import Allowed, text_value
from scim.protocol.filters import parse
from scim.protocol.schemas import GROUP
from scim.users.models import DirectoryUser


def groups_of(directory: Directory) -> QuerySet[DirectoryGroup]:
    """The only door to a directory's groups; everything below starts here."""
    return DirectoryGroup.objects.filter(org_id=directory.org_id, directory=directory).select_related("group__org")


def find_group(directory: Directory, scim_id: str) -> DirectoryGroup:
    """Raises DirectoryGroupUnknown, for ids of other directories as for ids of nobody."""
    group = groups_of(directory).filter(public_id=read_uuid(scim_id)).first()
    if group is None:
        raise DirectoryGroupUnknown(f"No group of this directory has the id {scim_id[:64]!r}.")
    return group


def lock_group(directory: Directory, scim_id: str) -> DirectoryGroup:
    """Return the group as it is now, held until the transaction ends. Raises DirectoryGroupUnknown."""
    group = groups_of(directory).filter(public_id=read_uuid(scim_id)).select_for_update(of=("self",)).first()
    if group is None:
        raise DirectoryGroupUnknown(f"No group of this directory has the id {scim_id[:64]!r}.")
    return group


def search(directory: Directory, filter_text: str | None) -> QuerySet[DirectoryGroup]:
    """The groups that a filter matches, in a stable order. Raises InvalidFilter."""
    groups = groups_of(directory).order_by("id")
    return groups if filter_text is None else groups.filter(ALLOWED.condition(parse(filter_text)))


ALLOWED = Allowed(
    leaves={
        "displayname": lambda value: Q(group__name_key=text_key(text_value(value))),
        "externalid": lambda value: Q(external_id=text_value(value)) & ~Q(external_id=""),
        "id": lambda value: Q(public_id=read_uuid(text_value(value))),
    },
    sentence="Groups are filtered by eq and and on displayName, externalId and id only.",
    schema=GROUP,
)


def member_users(directory: Directory, groups: Sequence[DirectoryGroup]) -> dict[int, list[DirectoryUser]]:
    """Return for each group the users of this directory in it. One query for the pairs, one for the users."""
    pairs = list(
        GroupMember.objects.filter(
            org_id=directory.org_id, group_id__in=[group.group_id for group in groups]
        ).values_list("group_id", "membership_id")
    )
    users = DirectoryUser.objects.filter(
        org_id=directory.org_id, directory=directory, membership_id__in={seat for _, seat in pairs}
    )
    by_seat = {user.membership_id: user for user in users.select_related("membership")}
    found: dict[int, list[DirectoryUser]] = defaultdict(list)
    for group_id, seat in pairs:
        if seat in by_seat:
            found[group_id].append(by_seat[seat])
    return found


def scim_members_except(row: DirectoryGroup, kept: Sequence[Membership]) -> list[Membership]:
    """Return the seats in the group that aren't among these."""
    seats = Membership.objects.filter(org_id=row.org_id, group_members__group_id=row.group_id)
    return list(seats.exclude(pk__in=[seat.pk for seat in kept]).order_by("id"))
