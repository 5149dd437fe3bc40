"""PUT and PATCH of a user: the user and its membership are read and held once, and only what has changed is written."""

from collections.abc import Callable, Iterable

from django.db import IntegrityError, transaction

from orgs.base.clock import now
from orgs.base.statements import number
from orgs.base.text import KEY_LENGTH, exact_key, text_key
from orgs.base.writes import Delete, Insert, Update
from orgs.events.services import Changes
from scim.directories.types import ScimCaller
from scim.protocol import patch
from scim.protocol.operations import read_operations
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import Document
from scim.protocol.users import FilterValue, UserFacts, facts, filter_keys, filter_values, replace_user
from scim.users import queries
from scim.users.errors import UserNameTaken
from scim.users.models import TYPE_LENGTH, DirectoryUser, DirectoryUserValue
from scim.users.services.adopt import make_room, take_over
from scim.users.services.standing import apply_active, apply_role, update_membership

NEW_USER, NEW_VALUES = Insert(DirectoryUser), Insert(DirectoryUserValue)
COLUMNS = Update(lambda: DirectoryUser.objects.filter(org_id=number("org"), pk=number("pk")))
VALUES_OF_USER = Delete(
    lambda: DirectoryUserValue.objects.filter(org_id=number("org"), directory_user_id=number("user"))
)
# what follows from the document
DERIVED = ("user_name", "user_name_key", "external_id", "external_id_key", "filter_keys", "display_name_key", "active")
RACED = "Another request took this userName or externalId first. Look the user up."


@transaction.atomic(savepoint=False)
def replace(*, caller: ScimCaller, scim_id: str, body: Document, remarks: Remarks | None = None) -> DirectoryUser:
    """Replace the user by the body (RFC 7644 §3.5.1), and say in `remarks` what of it has no effect.

    Raises UserUnknown, InvalidValue and what create_user raises.
    """
    return _change(caller, scim_id, lambda document: replace_user(document, body, remarks))


@transaction.atomic(savepoint=False)
def patch_user(*, caller: ScimCaller, scim_id: str, body: Document, remarks: Remarks | None = None) -> DirectoryUser:
    """Apply all operations to the user, or none (RFC 7644 §3.5.2). Raises like replace, and InvalidPath, NoTarget."""
    operations = read_operations(body)
    return _change(caller, scim_id, lambda document: patch.apply(document, operations, remarks))


def _change(caller: ScimCaller, scim_id: str, compute: Callable[[Document], Document]) -> DirectoryUser:
    user, changes = queries.hold_user(caller, scim_id), Changes(caller.org_id, caller.actor)
    if user.is_listed:
        take_over(user, caller, changes)
    update_held(user, compute(user.document), caller, changes)
    changes.write()
    return user


def update_held(user: DirectoryUser, document: Document, caller: ScimCaller, changes: Changes) -> None:
    """Bring the user and its membership, both of which are held, in line with the document; the same changes nothing."""
    known, was_active = facts(document), user.active
    if document != user.document:
        before = facts(user.document)
        _take_names(user, before, known, caller)
        update_user(user, document, known)
        update_membership(user, before, known, caller, changes)
        apply_role(user, before.organization_role, known.organization_role, caller, changes)
    apply_active(user, known, caller, changes, is_changed=user.active != was_active)


def _take_names(user: DirectoryUser, before: UserFacts, known: UserFacts, caller: ScimCaller) -> None:
    """Raises UserNameTaken when somebody else has the new userName or externalId."""
    if (known.user_name, known.external_id) == (before.user_name, before.external_id):
        return
    holders = queries.holders_of(caller.directory, known.user_name, known.external_id)
    if caller.directory.lists_members:
        make_room(caller, known.user_name, besides=user)
    refuse_taken(known, [holder for holder in holders if holder.pk != user.pk])
    if known.external_id and known.external_id != user.external_id:
        # from now on it means this person, and nobody whom the directory deleted before
        queries.former_users_of(caller.directory).filter(external_id=exact_key(known.external_id)).delete()


def refuse_taken(known: UserFacts, holders: Iterable[DirectoryUser]) -> None:
    """Raises UserNameTaken with a sentence that says what to do. The constraints decide for those who race."""
    for holder in holders:
        if holder.user_name_key != text_key(known.user_name):
            raise UserNameTaken("Another user of this directory has this externalId. Look it up and update it.")
        if holder.active:
            raise UserNameTaken(
                f"A user with the userName {known.user_name!r} exists already. Look it up and update it."
            )
        raise UserNameTaken(
            f"A user with the userName {known.user_name!r} exists, and is inactive. If it is the same person, set active to "
            f"true by PATCH or PUT of /Users/{holder.scim_id}; if it is somebody else, delete that user first."
        )


def insert_user(user: DirectoryUser, document: Document, known: UserFacts) -> None:
    """Insert the row of a new user. Raises UserNameTaken when another request was first, which ends the transaction."""
    _fill(user, document, known)
    try:
        NEW_USER.one(user)
    except IntegrityError as error:
        raise UserNameTaken(RACED) from error
    _insert_values(user, filter_values(document))


def update_user(user: DirectoryUser, document: Document, known: UserFacts) -> None:
    """Write the document of a user that the transaction holds, and what follows from it. Raises like `insert_user`."""
    values, before = filter_values(user.document), {column: getattr(user, column) for column in DERIVED}
    user.version += 1
    _fill(user, document, known)
    columns = {column: getattr(user, column) for column in DERIVED if getattr(user, column) != before[column]}
    columns |= {"document": user.document, "version": user.version, "updated_at": user.updated_at}
    try:
        COLUMNS.run(columns, org=user.org_id, pk=user.pk)
    except IntegrityError as error:
        raise UserNameTaken(RACED) from error
    if (wanted := filter_values(document)) != values:
        VALUES_OF_USER.run(org=user.org_id, user=user.pk)
        _insert_values(user, wanted)


def _fill(user: DirectoryUser, document: Document, known: UserFacts) -> None:
    user.document = document
    user.user_name, user.user_name_key = known.user_name, text_key(known.user_name)
    user.external_id = known.external_id or ""
    user.external_id_key = exact_key(user.external_id)
    user.filter_keys = filter_keys(document)
    user.display_name_key = user.filter_keys.get("displayname", "")[:KEY_LENGTH]
    user.active = user.active if known.active is None else known.active
    user.updated_at = now()


def _insert_values(user: DirectoryUser, values: Iterable[FilterValue]) -> None:
    rows = [
        DirectoryUserValue(
            org_id=user.org_id,
            directory_id=user.directory_id,
            directory_user=user,
            attribute=value.attribute,
            type_key=text_key(value.type)[:TYPE_LENGTH],
            value_key=text_key(value.value)[:KEY_LENGTH],
            is_primary=value.primary,
        )
        for value in values
    ]
    NEW_VALUES.all(rows)
