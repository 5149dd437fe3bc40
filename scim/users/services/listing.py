"""Members whom no directory has, shown to the identity provider so that it can match them: read-only until it does."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.text import KEY_LENGTH, text_key
from orgs.tenancy.models import Membership
from orgs.tenancy.types import MembershipState
from scim.directories.models import Directory
from scim.directories.types import MemberListing
from scim.protocol.schemas import Document
from scim.protocol.users import facts, read_user
from scim.users import queries
from scim.users.models import DirectoryUser
from scim.users.services.adopt import switch_listing
from scim.users.services.change import insert_user, update_user

PORTION = 500


@transaction.atomic
def set_listing(*, directory: Directory, listing: MemberListing, actor: Actor) -> None:
    """Begin or end to list members. To set what is set already changes nothing."""
    held = (
        Directory.objects.select_for_update(of=("self",))
        .select_related("org")
        .get(org_id=directory.org_id, pk=directory.pk)
    )
    if held.listing != listing:
        switch_listing(held, listing, actor)
    if held.lists_members:
        _list_all(held)
    directory.listing = held.listing


def _list_all(directory: Directory) -> None:
    after = 0
    while portion := list(queries.members_to_list(directory).filter(pk__gt=after)[:PORTION]):
        _list(directory, portion)
        after = portion[-1].pk


def relist(*, org_id: int, memberships: Collection[UUID], **_: object) -> None:
    """Bring what is listed of these members in line with them, in each directory that lists members.

    Receives `orgs.events.services.members_changed`, in the transaction that changes them.
    """
    for directory in queries.listing_directories(org_id):
        shown = queries.members_to_list(directory).filter(public_id__in=memberships)
        present = list(shown)
        gone = Q(membership__public_id__in=memberships) & ~Q(membership__in=present)
        queries.listed_in(directory).filter(gone).delete()
        _list(directory, present)


def _list(directory: Directory, memberships: Sequence[Membership]) -> None:
    """Insert or update their rows. Who has the userName of somebody whom the directory has isn't listed."""
    rows = queries.users_of(directory).filter(
        Q(membership__in=memberships) | Q(user_name_key__in=[text_key(member.email) for member in memberships])
    )
    by_membership = {row.membership_id: row for row in rows}
    by_name = {row.user_name_key: row for row in rows}
    for membership in memberships:
        row, document = by_membership.get(membership.pk), _document_of(membership)
        known = facts(document)
        holder = by_name.get(text_key(known.user_name), row)
        if len(text_key(known.user_name)) > KEY_LENGTH or holder is not row:
            continue
        if row is None:
            insert_user(_new_row(directory, membership), document, known)
        elif row.document != document:
            update_user(row, document, known)


def _new_row(directory: Directory, membership: Membership) -> DirectoryUser:
    return DirectoryUser(
        org_id=directory.org_id, directory=directory, membership=membership, is_listed=True, created_at=now()
    )


def _document_of(membership: Membership) -> Document:
    """Return the member as a user, in stored form."""
    name = {"givenName": membership.given_name, "familyName": membership.family_name}
    return read_user(
        {
            "userName": membership.email,
            "name": {part: text for part, text in name.items() if text} or None,
            "displayName": membership.display_name or None,
            "emails": [{"value": membership.email, "type": "work", "primary": True}],
            "active": membership.state != MembershipState.SUSPENDED,
        }
    )
