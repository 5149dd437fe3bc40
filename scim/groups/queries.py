from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import NullIf

from orgs.base.ids import read_uuid
from orgs.base.statements import JsonRows, Nth, Rows, Statement, number, text, uuid
from orgs.base.text import text_key
from orgs.groups.models import GroupMember
from orgs.tenancy.models import Membership
from scim.directories import queries as directories
from scim.directories.models import Directory
from scim.directories.types import ScimCaller
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
from scim.groups.types import GroupRow
from scim.protocol.filters import Operator
from scim.protocol.resolution import Compared, Condition
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


def search(directory: Directory, term: Condition | None) -> QuerySet[DirectoryGroup]:
    """Return the groups that a filter matches, in a stable order."""
    groups = groups_of(directory).order_by("id")
    return groups if term is None else groups.filter(condition(term, places_of(directory)))


def in_order(directory: Directory, ids: list[int], *, with_members: bool) -> list[GroupRow]:
    """Return the groups with these primary keys, in their order."""
    rows = as_rows(groups_of(directory).filter(pk__in=ids), with_members=with_members)
    found = {row[0]: GroupRow(*row) for row in rows}
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


def as_rows(groups: QuerySet[DirectoryGroup], *, with_members: bool) -> QuerySet[DirectoryGroup, Any]:
    """Return what `GroupRow` takes of groups, all in one statement; the members, oldest first, cost nothing unless wanted."""
    columns = (
        "id",
        "public_id",
        "group__name",
        "external_id",
        "organization_role",
        "version",
        "created_at",
        "updated_at",
    )
    groups = groups.select_related(None)
    if not with_members:
        return groups.values_list(*columns)
    rows = GroupMember.objects.filter(
        org_id=OuterRef("org_id"),
        group_id=OuterRef("group_id"),
        membership__directory_users__directory_id=OuterRef("directory_id"),
    ).order_by("id")
    members = JsonRows(rows.annotate(scim_id=F("membership__directory_users__public_id")), "scim_id")
    return groups.annotate(members=members).values_list(*columns, "members")


def _rows(
    build: Callable[[QuerySet[DirectoryGroup]], QuerySet[DirectoryGroup]], *, with_members: bool, is_paged: bool = False
) -> Rows[GroupRow]:
    def built() -> QuerySet[DirectoryGroup, Any]:
        mine = DirectoryGroup.objects.filter(org_id=number("org"), directory_id=number("directory"))
        return as_rows(build(mine.order_by("id")), with_members=with_members)

    return Rows(GroupRow, built, is_paged=is_paged)


def _ids() -> QuerySet[DirectoryGroup, Any]:
    return DirectoryGroup.objects.filter(directory_id=number("directory")).order_by("id").values("id")


# the directory once more: the index of names begins with it
_NAMED = {"group__directory": uuid("public_id"), "group__name_key": text("key")}
# of each two the second leaves out the members
BY_ID = tuple(
    _rows(lambda groups: groups.filter(public_id=uuid("id")), with_members=wanted) for wanted in (True, False)
)
BY_NAME = tuple(_rows(lambda groups: groups.filter(**_NAMED), with_members=wanted) for wanted in (True, False))
# the index that leads to the first row is walked, not the rows before it
PAGE = tuple(
    _rows(lambda groups: groups.filter(pk__gte=Nth(_ids())), with_members=wanted, is_paged=True)
    for wanted in (True, False)
)
TOTAL = Rows(
    int,
    lambda: (
        DirectoryGroup.objects.filter(org_id=number("org"), directory_id=number("directory"))
        .order_by()
        .values("directory_id")
        .annotate(total=Count("id"))
        .values_list("total")
    ),
)


def read_group_row(caller: ScimCaller, scim_id: str, *, with_members: bool) -> GroupRow:
    """Raises DirectoryGroupUnknown, for ids of other directories as for ids of nobody."""
    statement = BY_ID[not with_members]
    found = statement.first(org=caller.org_id, directory=caller.directory_id, id=read_uuid(scim_id))
    if found is None:
        raise _unknown(scim_id)
    return found


def looked_up(caller: ScimCaller, term: Condition, *, with_members: bool) -> list[GroupRow] | None:
    """Return all groups that a filter by displayName or id finds; None for any other filter."""
    if not isinstance(term, Compared) or term.op is not Operator.EQ:
        return None
    mine, value = {"org": caller.org_id, "directory": caller.directory_id}, str(term.value)
    match term.attribute.key:
        case "displayname":
            return BY_NAME[not with_members].all(**mine, public_id=caller.public_id, key=value)
        case "id":
            return BY_ID[not with_members].all(**mine, id=read_uuid(value))
    return None


def rows_found(found: QuerySet[DirectoryGroup], *, limit: int, offset: int, with_members: bool) -> list[GroupRow]:
    """Return a page of what `search` finds."""
    return [GroupRow(*row) for row in as_rows(found, with_members=with_members)[offset : offset + limit]]


def read_page_of(caller: ScimCaller, *, limit: int, offset: int, with_members: bool) -> list[GroupRow]:
    """Return groups of the directory in a stable order."""
    statement = PAGE[not with_members]
    return statement.all(org=caller.org_id, directory=caller.directory_id, limit=limit, offset=offset)


def total_of(caller: ScimCaller) -> int:
    """Return how many groups the directory has."""
    kept = directories.kept_count(org_id=caller.org_id, directory_id=caller.directory_id, kind="groups")
    return TOTAL.first(org=caller.org_id, directory=caller.directory_id) or 0 if kept is None else kept


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
