from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

from django.db.models import F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import NullIf

from orgs.base.ids import read_uuid
from orgs.base.statements import Statement, number, uuid
from orgs.base.text import text_key
from orgs.groups.models import GroupMember
from orgs.tenancy.models import Membership
from scim.directories import queries as directories
from scim.directories.models import Directory
from scim.endpoint.conditions import (
    ConstantValues,
    RelatedValues,
    ResourcePlaces,
    Text,
    by_exact_id,
    by_external_id,
    common_sources,
    condition,
)
from scim.endpoint.expressions import IdText, Joined, constant
from scim.groups.errors import DirectoryGroupUnknown
from scim.groups.models import DirectoryGroup
from scim.protocol.filters import parse
from scim.protocol.queryable import GROUPS
from scim.protocol.resolution import resolve
from scim.protocol.schemas import GATEHOUSE_GROUP, GROUP

HELD = Statement(
    lambda: (
        DirectoryGroup.objects.filter(org_id=number("org"), directory_id=number("directory"), public_id=uuid("id"))
        .select_for_update(of=("self",))
        .select_related("group__org")
        .order_by()
    )
)
MEMBER = Statement(
    lambda: Membership.objects.filter(
        org_id=number("org"),
        directory_users__directory_id=number("directory"),
        directory_users__public_id=uuid("id"),
        directory_users__is_listed=False,
    ).order_by()
)


def groups_of(directory: Directory) -> QuerySet[DirectoryGroup]:
    """Return the groups of a directory; every query below starts here."""
    return DirectoryGroup.objects.filter(org_id=directory.org_id, directory=directory).select_related("group__org")


def find_group(directory: Directory, scim_id: str) -> DirectoryGroup:
    """Raises DirectoryGroupUnknown, for ids of other directories as for ids of nobody."""
    return _one(groups_of(directory), scim_id)


def lock_group(directory: Directory, scim_id: str) -> DirectoryGroup:
    """Return the group as it is now, held until the transaction ends. Raises DirectoryGroupUnknown."""
    group = HELD.first(org=directory.org_id, directory=directory.pk, id=read_uuid(scim_id))
    if group is None:
        raise _unknown(scim_id)
    return group


def _one(groups: QuerySet[DirectoryGroup], scim_id: str) -> DirectoryGroup:
    group = groups.filter(public_id=read_uuid(scim_id)).first()
    if group is None:
        raise _unknown(scim_id)
    return group


def _unknown(scim_id: str) -> DirectoryGroupUnknown:
    return DirectoryGroupUnknown(f"No group of this directory has the id {scim_id[:64]!r}.")


def name_of(directory: Directory, scim_id: str) -> str:
    """Return the name of the group with this id; empty when there is none."""
    return groups_of(directory).filter(public_id=read_uuid(scim_id)).values_list("group__name", flat=True).first() or ""


def search(directory: Directory, filter_text: str | None) -> QuerySet[DirectoryGroup]:
    """Return the groups that a filter matches, in a stable order; a blank one matches all. Raises InvalidFilter."""
    groups = groups_of(directory).order_by("id")
    if filter_text is None or not filter_text.strip():
        return groups
    return groups.filter(condition(resolve(parse(filter_text), GROUPS), places_of(directory)))


def in_order(directory: Directory, ids: list[int]) -> list[DirectoryGroup]:
    """Return the groups with these primary keys, in their order."""
    found = groups_of(directory).in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def places_of(directory: Directory) -> ResourcePlaces:
    """Return where the groups of a directory have what filters and sorting ask about."""
    base_url = directories.base_url(directory)
    return ResourcePlaces(
        sources={
            "displayname": Text(F("group__name_key"), partial(_by_name, directory)),
            "externalid": Text(NullIf(F("external_id"), Value("")), by_external_id),
            "organizationrole": Text(NullIf(F("organization_role"), Value(""))),
            **common_sources("Group", f"{base_url}/Groups/"),
        },
        lists={
            "members": _members(directory, base_url),
            "schemas": ConstantValues(
                {text_key(GROUP): Q(pk__isnull=False), text_key(GATEHOUSE_GROUP): ~Q(organization_role="")}
            ),
        },
    )


def _by_name(directory: Directory, key: str) -> Q:
    # the directory once more: the index of names begins with it
    return Q(group__directory=directory.public_id, group__name_key=key)


def _members(directory: Directory, base_url: str) -> RelatedValues:
    user_id = "membership__directory_users__public_id"
    return RelatedValues(
        rows=GroupMember.objects.filter(org_id=directory.org_id),
        within=Q(group_id=OuterRef("group_id"), membership__directory_users__directory=directory),
        subs={
            "value": Text(IdText(F(user_id)), partial(by_exact_id, user_id)),
            "$ref": Text(Joined(constant(f"{base_url}/Users/"), IdText(F(user_id)))),
            "type": Text(constant(text_key("User"))),
        },
    )


def members_of(directory: Directory, groups: Sequence[DirectoryGroup]) -> dict[int, list[str]]:
    """Return for each group the ids of the people of this directory in it, oldest member first. One query."""
    rows = (
        GroupMember.objects.filter(
            org_id=directory.org_id,
            group_id__in=[row.group_id for row in groups],
            membership__directory_users__directory=directory,
        )
        .order_by("id")
        .values_list("group_id", "membership__directory_users__public_id")
    )
    found: dict[int, list[str]] = defaultdict(list)
    for group_id, public_id in rows:
        found[group_id].append(str(public_id))
    return found


def memberships_by_scim_id(directory: Directory, scim_ids: Iterable[str]) -> dict[str, Membership]:
    """Return the memberships of those ids that are users of this directory."""
    wanted = {read_uuid(scim_id) for scim_id in scim_ids}
    if len(wanted) <= 1:
        found = [(str(key), MEMBER.first(org=directory.org_id, directory=directory.pk, id=key)) for key in wanted]
        return {key: membership for key, membership in found if membership is not None}
    memberships = Membership.objects.filter(
        org_id=directory.org_id,
        directory_users__directory=directory,
        directory_users__public_id__in=wanted,
        directory_users__is_listed=False,
    ).annotate(scim_id=F("directory_users__public_id"))
    return {str(membership.scim_id): membership for membership in memberships.order_by("id")}


def scim_members_except(row: DirectoryGroup, kept: Sequence[Membership]) -> list[Membership]:
    """Return the memberships in the group that aren't among these."""
    memberships = Membership.objects.filter(org_id=row.org_id, group_members__group_id=row.group_id)
    return list(memberships.exclude(pk__in=[membership.pk for membership in kept]).order_by("id"))
