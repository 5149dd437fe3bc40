from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from orgs.base.ids import read_uuid
from orgs.base.text import KEY_LENGTH, exact_key, text_key
from orgs.groups.models import GroupMember
from orgs.tenancy.models import Membership
from scim.directories.models import Directory
from scim.endpoint.conditions import Allowed, boolean_value, text_value
from scim.protocol.errors import InvalidValue
from scim.protocol.filters import parse
from scim.protocol.schemas import USER
from scim.users.errors import UserUnknown
from scim.users.models import DirectoryUser, DirectoryUserValue, FormerDirectoryUser


def directory_user_model() -> type[DirectoryUser]:
    """Return django-scim2's user model: never the account table."""
    return DirectoryUser


def users_of(directory: Directory) -> QuerySet[DirectoryUser]:
    """Return the users of a directory; every query below starts here."""
    return DirectoryUser.objects.filter(org_id=directory.org_id, directory=directory)


def former_users_of(directory: Directory) -> QuerySet[FormerDirectoryUser]:
    """Return whose memberships the externalIds were that the directory has deleted."""
    return FormerDirectoryUser.objects.filter(org_id=directory.org_id, directory=directory)


def users_in_other_directories(user: DirectoryUser) -> QuerySet[DirectoryUser]:
    """Return what the organization's other directories have of the same member."""
    rows = DirectoryUser.objects.filter(org_id=user.org_id, membership_id=user.membership_id)
    return rows.exclude(directory_id=user.directory_id)


def directories_with(membership: Membership) -> frozenset[UUID]:
    """Return the public ids of the directories that have this member."""
    rows = DirectoryUser.objects.filter(org_id=membership.org_id, membership=membership)
    return frozenset(rows.values_list("directory__public_id", flat=True))


def holders_of(directory: Directory, user_name: str, external_id: str | None) -> Sequence[DirectoryUser]:
    """Return the users who have this userName or this externalId, the first of these first. Raises InvalidValue."""
    key = text_key(user_name)
    if len(key) > KEY_LENGTH:
        raise InvalidValue("userName is too long once its letters are compared without case. Shorten it.")
    names = Q(user_name_key=key)
    found = users_of(directory).filter(names | Q(external_id_key=exact_key(external_id)) if external_id else names)
    return sorted(found, key=lambda user: user.user_name_key != key)


def find_user(directory: Directory, scim_id: str) -> DirectoryUser:
    """Raises UserUnknown, for ids of other directories as for ids of nobody."""
    return _one(users_of(directory), scim_id)


def lock_user(directory: Directory, scim_id: str) -> DirectoryUser:
    """Return the user as it is now, held until the transaction ends. Raises UserUnknown."""
    return _one(
        users_of(directory).select_for_update(of=("self",)).select_related("membership__org", "membership__user"),
        scim_id,
    )


def lock_former(directory: Directory, external_id: str | None) -> FormerDirectoryUser | None:
    """Return whose externalId this was when its user was deleted, held until the transaction ends, or None."""
    if not external_id:
        return None
    rows = former_users_of(directory).select_for_update(of=("self",)).select_related("membership__org")
    return rows.filter(external_id=exact_key(external_id)).first()


def _one(users: QuerySet[DirectoryUser], scim_id: str) -> DirectoryUser:
    user = users.filter(public_id=read_uuid(scim_id)).first()
    if user is None:
        raise UserUnknown(f"No user of this directory has the id {scim_id[:64]!r}.")
    return user


def search(directory: Directory, filter_text: str | None) -> QuerySet[DirectoryUser]:
    """Return the users that a filter matches, in a stable order. Raises InvalidFilter."""
    users = users_of(directory).order_by("id")
    return users if filter_text is None else users.filter(ALLOWED.condition(parse(filter_text)))


def _by_email(value: object) -> Q:
    same_value = DirectoryUserValue.objects.filter(
        directory=OuterRef("directory"),
        directory_user=OuterRef("pk"),
        attribute="emails",
        value_key=text_key(text_value(value))[:KEY_LENGTH],
    )
    return Q(Exists(same_value))


ALLOWED = Allowed(
    leaves={
        "username": lambda value: Q(user_name_key=text_key(text_value(value))),
        "externalid": lambda value: Q(external_id_key=exact_key(text_value(value))) & ~Q(external_id_key=""),
        "displayname": lambda value: Q(display_name_key=text_key(text_value(value))[:KEY_LENGTH]),
        "id": lambda value: Q(public_id=read_uuid(text_value(value))),
        "active": lambda value: Q(active=boolean_value(value)),
        "emails.value": _by_email,
        "emails": _by_email,
    },
    sentence="Users are filtered by eq and and on userName, externalId, displayName, id, active and emails.value only.",
    schema=USER,
)


def group_rows(directory: Directory, users: Sequence[DirectoryUser]) -> dict[int, list[GroupMember]]:
    """Return for each membership the groups of this directory that it is in. One query."""
    rows = (
        GroupMember.objects.filter(
            org_id=directory.org_id,
            membership_id__in=[user.membership_id for user in users],
            group__directory_group__directory=directory,
        )
        .select_related("group__directory_group")
        .order_by("group__name_key", "group_id")
    )
    found: dict[int, list[GroupMember]] = defaultdict(list)
    for row in rows:
        found[row.membership_id].append(row)
    return found
