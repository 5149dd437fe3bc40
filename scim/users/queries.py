from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, NullIf

from orgs.base.ids import read_uuid
from orgs.base.statements import JsonRows, Nth, Rows, Statement, number, text, uuid
from orgs.base.text import KEY_LENGTH, address_key, exact_key, text_key
from orgs.groups.models import GroupMember
from orgs.people import queries as people
from orgs.tenancy import queries as tenancy
from orgs.tenancy.models import Membership, MembershipAddress, Organization, RoleGrant
from orgs.tenancy.types import CLAIMS, Role
from scim.directories import queries as directories
from scim.directories.models import Directory
from scim.directories.types import MemberListing, ScimCaller
from scim.endpoint.conditions import (
    ConstantValues,
    Flag,
    JsonValues,
    RelatedValues,
    ResourcePlaces,
    Text,
    by_exact_id,
    by_external_id,
    common_sources,
    condition,
    equal_parts,
)
from scim.endpoint.expressions import IdText, Joined, KeyText, constant
from scim.protocol.errors import InvalidValue
from scim.protocol.filters import Operator
from scim.protocol.preconditions import require_match
from scim.protocol.resolution import Compared, Condition
from scim.protocol.schemas import USER, USER_EXTENSIONS
from scim.protocol.users import EMPLOYEE_NUMBER, UserFacts
from scim.users.errors import UserUnknown
from scim.users.models import TYPE_LENGTH, DirectoryUser, DirectoryUserValue, FormerDirectoryUser
from scim.users.types import Presence, Standing, UserRow

NOBODY = "No user of this directory has the id {id!r}."
NAME_TOO_LONG = "userName is too long once its letters are compared without case. Shorten it."


def _named() -> QuerySet[DirectoryUser]:
    rows = DirectoryUser.objects.filter(org_id=number("org"), directory_id=number("directory"), public_id=uuid("id"))
    return rows.select_related("membership").order_by()


def _presence() -> QuerySet[Organization, Any]:
    users = DirectoryUser.objects.filter(org_id=OuterRef("pk"), directory_id=number("directory"))
    former = FormerDirectoryUser.objects.filter(org_id=OuterRef("pk"), directory_id=number("directory"))
    members = Membership.objects.filter(org_id=OuterRef("pk"), email_key=text("address"), deprovisioned_at=None)
    addresses = MembershipAddress.objects.filter(org_id=OuterRef("pk"), address_key=text("address"))
    has_external_id = ~Q(external_id_key="") & Q(external_id_key=text("external_id"))
    found = Organization.objects.filter(pk=number("org")).annotate(
        is_name_taken=Exists(users.filter(Q(user_name_key=text("name")) | has_external_id)),
        is_former=Exists(former.filter(external_id=text("external_id"))),
        is_member=Exists(members),
        is_address_new=~Exists(addresses),
    )
    return found.order_by().values_list("is_name_taken", "is_former", "is_member", "is_address_new")


def _standing() -> QuerySet[Membership, Any]:
    mine = {"org_id": OuterRef("org_id"), "membership_id": OuterRef("pk")}
    others = DirectoryUser.objects.filter(**mine, is_listed=False).exclude(directory_id=number("directory"))
    in_groups = GroupMember.objects.filter(**mine, group__directory__isnull=False)
    claims = RoleGrant.objects.filter(**mine, source__in=CLAIMS)
    found = Membership.objects.filter(org_id=number("org"), pk=number("membership")).annotate(
        is_used=Case(When(people.is_used(), then=Value(value=True)), default=Value(value=False)),
        is_elsewhere=Exists(others),
        has_claims=Case(When(Exists(in_groups) | Exists(claims), then=Value(value=True)), default=Value(value=False)),
    )
    return found.order_by().values_list("is_used", "is_elsewhere", "has_claims")


FOUND = Statement(_named)
HELD = Statement(lambda: _named().exclude(membership__role=Role.OWNER).select_for_update(of=("self", "membership")))
HELD_OWNER = Statement(lambda: _named().select_for_update(of=("self", "membership")))
PRESENCE = Rows(Presence, _presence)
STANDING = Rows(Standing, _standing)


def directory_user_model() -> type[DirectoryUser]:
    """Return django-scim2's user model: never the account table."""
    return DirectoryUser


def users_of(directory: Directory) -> QuerySet[DirectoryUser]:
    """Return the users of a directory; every query below starts here."""
    return DirectoryUser.objects.filter(org_id=directory.org_id, directory=directory)


def kept_by(directory: Directory) -> QuerySet[DirectoryUser]:
    """Return the users whom the directory has: not those whom it only sees."""
    return users_of(directory).filter(is_listed=False)


def listed_in(directory: Directory) -> QuerySet[DirectoryUser]:
    """Return the members whom the directory only sees."""
    return users_of(directory).filter(is_listed=True)


def members_to_list(directory: Directory) -> QuerySet[Membership]:
    """Return the members whom no directory of the organization has, and no directory has deleted, in a stable order."""
    kept = DirectoryUser.objects.filter(org_id=OuterRef("org_id"), membership=OuterRef("pk"), is_listed=False)
    members = Membership.objects.filter(org_id=directory.org_id, deprovisioned_at=None)
    return members.filter(~Exists(kept)).order_by("pk")


def listing_directories(org_id: int) -> QuerySet[Directory]:
    """Return the directories of an organization that list members."""
    return Directory.objects.filter(org_id=org_id).exclude(listing=MemberListing.OFF).order_by("pk")


def former_users_of(directory: Directory) -> QuerySet[FormerDirectoryUser]:
    """Return whose memberships the externalIds were that the directory has deleted."""
    return FormerDirectoryUser.objects.filter(org_id=directory.org_id, directory=directory)


def standing_of(user: DirectoryUser) -> Standing:
    """Return what decides what becomes of the membership, which is held, when the user is deleted. One statement."""
    found = STANDING.first(org=user.org_id, directory=user.directory_id, membership=user.membership_id)
    # the transaction holds the membership
    assert found is not None  # noqa: S101
    return found


def directories_with(membership: Membership) -> frozenset[UUID]:
    """Return the public ids of the directories that have this member."""
    rows = DirectoryUser.objects.filter(org_id=membership.org_id, membership=membership, is_listed=False)
    return frozenset(rows.values_list("directory__public_id", flat=True))


def holders_of(directory: Directory, user_name: str, external_id: str | None) -> Sequence[DirectoryUser]:
    """Return the users who have this userName or this externalId, the first of these first. Raises InvalidValue."""
    key = text_key(user_name)
    if len(key) > KEY_LENGTH:
        raise InvalidValue(NAME_TOO_LONG)
    names = Q(user_name_key=key)
    found = kept_by(directory).filter(names | Q(external_id_key=exact_key(external_id)) if external_id else names)
    return sorted(found, key=lambda user: user.user_name_key != key)


def find_user(directory: Directory, scim_id: str) -> DirectoryUser:
    """Raises UserUnknown, for ids of other directories as for ids of nobody."""
    return _one(users_of(directory), scim_id)


def hold_user(caller: ScimCaller, scim_id: str) -> DirectoryUser:
    """Return the user and its membership as they are now, both held until the transaction ends. Raises UserUnknown.

    An owner's organization is held before (`orgs.people.services.lock_membership` says why); who isn't one takes one
    statement. Raises PreconditionFailed for another version than the caller's If-Match names.
    """
    whom = {"org": caller.org_id, "directory": caller.directory_id, "id": read_uuid(scim_id)}
    user = HELD.first(**whom)
    if user is None and FOUND.first(**whom) is not None:
        tenancy.lock_organization(caller.org_id)
        user = HELD_OWNER.first(**whom)
    if user is None:
        raise UserUnknown(f"No user of this directory has the id {scim_id[:64]!r}.")
    if caller.if_match is not None:
        require_match(caller.if_match, user.version)
    user.directory, user.membership.org = caller.directory, caller.org
    return user


def presence_of(caller: ScimCaller, known: UserFacts, address: str | None) -> Presence:
    """Return what is there already of this person. One statement. Raises InvalidValue."""
    key = text_key(known.user_name)
    if len(key) > KEY_LENGTH:
        raise InvalidValue(NAME_TOO_LONG)
    found = PRESENCE.first(
        org=caller.org_id,
        directory=caller.directory_id,
        name=key,
        external_id=exact_key(known.external_id or ""),
        address=address_key(address or ""),
    )
    # the organization is there: its token was admitted in this transaction
    assert found is not None  # noqa: S101
    return found


def lock_former(directory: Directory, external_id: str | None) -> FormerDirectoryUser | None:
    """Return whose externalId this was when its user was deleted, held until the transaction ends, or None."""
    if not external_id:
        return None
    rows = former_users_of(directory).select_for_update(of=("self",)).select_related("membership__org")
    return rows.filter(external_id=exact_key(external_id)).first()


def _one(users: QuerySet[DirectoryUser], scim_id: str) -> DirectoryUser:
    user = users.filter(public_id=read_uuid(scim_id)).first()
    if user is None:
        raise UserUnknown(NOBODY.format(id=scim_id[:64]))
    return user


def name_of(directory: Directory, scim_id: str) -> str:
    """Return the userName of the user with this id; empty when there is none."""
    return users_of(directory).filter(public_id=read_uuid(scim_id)).values_list("user_name", flat=True).first() or ""


def search(directory: Directory, term: Condition | None) -> QuerySet[DirectoryUser]:
    """Return the users that a filter matches, in a stable order."""
    users = users_of(directory).order_by("id")
    return users if term is None else users.filter(condition(term, places_of(directory)))


def in_order(directory: Directory, ids: list[int]) -> list[UserRow]:
    """Return the users with these primary keys, in their order."""
    rows = as_rows(users_of(directory).filter(pk__in=ids))
    found = {row[0]: UserRow(*row) for row in rows}
    return [found[pk] for pk in ids if pk in found]


def places_of(directory: Directory) -> ResourcePlaces:
    """Return where the users of a directory have what filters and sorting ask about."""
    base_url = directories.base_url(directory)
    return ResourcePlaces(
        sources={
            "username": Text(F("user_name_key"), lambda key: Q(user_name_key=key)),
            "externalid": Text(NullIf(F("external_id"), Value("")), by_external_id),
            "displayname": Text(KeyText("filter_keys", "displayname"), _by_display_name),
            "active": Flag("active"),
            "employeenumber": Text(KeyText("filter_keys", "employeenumber"), _by_employee_number),
            **common_sources("User", f"{base_url}/Users/"),
        },
        lists={
            "emails": JsonValues("filter_keys", "emails", partial(_by_value, "emails")),
            "phonenumbers": JsonValues("filter_keys", "phonenumbers", partial(_by_value, "phoneNumbers")),
            "groups": _groups(directory, base_url),
            "schemas": ConstantValues(
                {text_key(USER): Q(pk__isnull=False)}
                | {text_key(urn): Q(document__has_key=urn) for urn in USER_EXTENSIONS}
            ),
        },
        column="filter_keys",
    )


def _groups(directory: Directory, base_url: str) -> RelatedValues:
    group_id = "group__directory_group__public_id"
    return RelatedValues(
        rows=GroupMember.objects.filter(org_id=directory.org_id),
        within=Q(membership_id=OuterRef("membership_id"), group__directory_group__directory=directory),
        subs={
            "value": Text(IdText(F(group_id)), partial(by_exact_id, group_id)),
            "$ref": Text(Joined(constant(f"{base_url}/Groups/"), IdText(F(group_id)))),
            "display": Text(F("group__name_key")),
            "type": Text(constant("direct")),
        },
    )


def _by_display_name(key: str) -> Q | None:
    return Q(display_name_key=key) if 0 < len(key) < KEY_LENGTH else None


def _by_employee_number(key: str) -> Q | None:
    return Q(Exists(_values(EMPLOYEE_NUMBER).filter(value_key=key))) if len(key) < KEY_LENGTH else None


def _by_value(attribute: str, term: Condition) -> Q | None:
    """Return what finds `value eq` by the index, alone or together with `type eq` and `primary eq`; else None."""
    wanted = equal_parts(term)
    value, kind = wanted.get("value", ""), wanted.get("type", "-")
    if not wanted.keys() <= {"value", "type", "primary"} or "value" not in wanted:
        return None
    if len(str(value)) >= KEY_LENGTH or not 0 < len(str(kind)) < TYPE_LENGTH:
        # the table keeps the beginning of what is longer, and no difference between an empty type and none
        return None
    columns = {"value": "value_key", "type": "type_key", "primary": "is_primary"}
    return Q(Exists(_values(attribute).filter(**{columns[name]: part for name, part in wanted.items()})))


def _values(attribute: str) -> QuerySet[DirectoryUserValue]:
    return DirectoryUserValue.objects.filter(
        directory=OuterRef("directory"), directory_user=OuterRef("pk"), attribute=attribute
    )


def _joined_groups() -> JsonRows:
    """Return id and name of each group of this directory that a user is in."""
    rows = GroupMember.objects.filter(
        org_id=OuterRef("org_id"),
        membership_id=OuterRef("membership_id"),
        group__directory_group__directory_id=OuterRef("directory_id"),
    ).order_by("group__name_key", "group_id")
    return JsonRows(
        rows.annotate(scim_id=F("group__directory_group__public_id"), name=F("group__name")), "scim_id", "name"
    )


def as_rows(users: QuerySet[DirectoryUser]) -> QuerySet[DirectoryUser, Any]:
    """Return what `UserRow` takes of users, all in one statement."""
    return users.annotate(text=Cast("document", TextField()), groups=_joined_groups()).values_list(
        "id", "public_id", "user_name", "version", "created_at", "updated_at", "text", "groups"
    )


def _rows(
    build: Callable[[QuerySet[DirectoryUser]], QuerySet[DirectoryUser]], *, is_paged: bool = False
) -> Rows[UserRow]:
    def built() -> QuerySet[DirectoryUser, Any]:
        mine = DirectoryUser.objects.filter(org_id=number("org"), directory_id=number("directory"))
        return as_rows(build(mine.order_by("id")))

    return Rows(UserRow, built, is_paged=is_paged)


def _ids() -> QuerySet[DirectoryUser, Any]:
    return DirectoryUser.objects.filter(directory_id=number("directory")).order_by("id").values("id")


def _having_email(users: QuerySet[DirectoryUser]) -> QuerySet[DirectoryUser]:
    same_value = DirectoryUserValue.objects.filter(
        directory_id=number("directory"), attribute="emails", value_key=text("key")
    )
    return users.filter(pk__in=same_value.values("directory_user_id"))


BY_ID = _rows(lambda users: users.filter(public_id=uuid("id")))
BY_NAME = _rows(lambda users: users.filter(user_name_key=text("key")))
BY_EXTERNAL_ID = _rows(lambda users: users.filter(external_id_key=text("key")).exclude(external_id_key=""))
BY_EMAIL = _rows(_having_email)
# the index that leads to the first row is walked, not the rows before it
PAGE = _rows(lambda users: users.filter(pk__gte=Nth(_ids())), is_paged=True)
TOTAL = Rows(
    int,
    lambda: (
        DirectoryUser.objects.filter(org_id=number("org"), directory_id=number("directory"))
        .order_by()
        .values("directory_id")
        .annotate(total=Count("id"))
        .values_list("total")
    ),
)


def read_user(caller: ScimCaller, scim_id: str) -> UserRow:
    """Raises UserUnknown, for ids of other directories as for ids of nobody."""
    found = BY_ID.first(org=caller.org_id, directory=caller.directory_id, id=read_uuid(scim_id))
    if found is None:
        raise UserUnknown(NOBODY.format(id=scim_id[:64]))
    return found


def looked_up(caller: ScimCaller, term: Condition) -> list[UserRow] | None:
    """Return all users whom one of the filters finds by which identity providers look somebody up; None for any other."""
    if not isinstance(term, Compared) or term.op is not Operator.EQ:
        return None
    mine, value = {"org": caller.org_id, "directory": caller.directory_id}, str(term.value)
    match term.attribute.key:
        case "username":
            return BY_NAME.all(**mine, key=value)
        case "externalid":
            return BY_EXTERNAL_ID.all(**mine, key=exact_key(value))
        case "id":
            return BY_ID.all(**mine, id=read_uuid(value))
        case "emails.value" if len(value) < KEY_LENGTH:
            return BY_EMAIL.all(**mine, key=value)
    return None


def rows_found(found: QuerySet[DirectoryUser], *, limit: int, offset: int) -> list[UserRow]:
    """Return a page of what `search` finds."""
    return [UserRow(*row) for row in as_rows(found)[offset : offset + limit]]


def read_page_of(caller: ScimCaller, *, limit: int, offset: int) -> list[UserRow]:
    """Return users of the directory in a stable order."""
    return PAGE.all(org=caller.org_id, directory=caller.directory_id, limit=limit, offset=offset)


def total_of(caller: ScimCaller) -> int:
    """Return how many users the directory has."""
    kept = directories.kept_count(org_id=caller.org_id, directory_id=caller.directory_id, kind="users")
    return TOTAL.first(org=caller.org_id, directory=caller.directory_id) or 0 if kept is None else kept
