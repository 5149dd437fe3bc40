"""Taking over members whom the directory only saw, and no longer listing them elsewhere."""

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.text import text_key
from orgs.events.services import Changes
from orgs.people import services as people
from orgs.tenancy.models import Membership
from orgs.tenancy.types import MembershipOrigin
from scim.directories.models import Directory
from scim.directories.types import FIRST_SYNC, MemberListing, ScimCaller
from scim.protocol.users import UserFacts
from scim.users import queries
from scim.users.models import DirectoryUser


def take_listed(caller: ScimCaller, known: UserFacts, membership: Membership) -> DirectoryUser | None:
    """Return the row by which this member was listed, as one that the directory has from now on, or None.

    A userName that somebody is only listed by is free. The caller holds the membership.
    """
    _end_after_first_sync(caller)
    make_room(caller, known.user_name, besides=None, membership=membership)
    row = queries.listed_in(caller.directory).filter(membership=membership).first()
    if row is not None:
        row.directory, row.membership = caller.directory, membership
        _keep(row)
    return row


def take_over(user: DirectoryUser, caller: ScimCaller, changes: Changes) -> None:
    """Make a listed member, whose row and membership are held, one whom the directory has."""
    people.adopt_held(membership=user.membership, origin=MembershipOrigin.SCIM, changes=changes)
    _keep(user)
    unlist_elsewhere(user)
    _end_after_first_sync(caller)


def _keep(row: DirectoryUser) -> None:
    row.is_listed, row.created_at = False, now()
    row.save(update_fields=["is_listed", "created_at"])


def make_room(
    caller: ScimCaller, user_name: str, *, besides: DirectoryUser | None, membership: Membership | None = None
) -> None:
    """List nobody else by this userName: whom the directory has comes first."""
    others = queries.listed_in(caller.directory).filter(user_name_key=text_key(user_name))
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    if membership is not None:
        others = others.exclude(membership=membership)
    others.delete()


def unlist_elsewhere(user: DirectoryUser) -> None:
    """List in no other directory whom this one has. A row that is held there is being taken over: it isn't waited for."""
    rows = DirectoryUser.objects.filter(org_id=user.org_id, membership_id=user.membership_id, is_listed=True)
    elsewhere = rows.exclude(directory_id=user.directory_id).select_for_update(skip_locked=True)
    if ids := list(elsewhere.values_list("pk", flat=True)):
        DirectoryUser.objects.filter(org_id=user.org_id, pk__in=ids).delete()


def _end_after_first_sync(caller: ScimCaller) -> None:
    """End the listing that was to last until the first sync, a day after that has brought somebody who stayed."""
    directory = caller.directory
    if directory.listing != MemberListing.UNTIL_SYNC:
        return
    if queries.kept_by(directory).filter(created_at__lt=now() - FIRST_SYNC).exists():
        switch_listing(directory, MemberListing.OFF, caller.actor)


def switch_listing(directory: Directory, listing: MemberListing, actor: Actor) -> None:
    """Store whether the directory lists members, and list nobody any more where it doesn't."""
    change = Change(before={"listing": directory.listing}, after={"listing": str(listing)})
    directory.listing = listing
    directory.save(update_fields=["listing"])
    if not directory.lists_members:
        queries.listed_in(directory).delete()
    target = AuditTarget("directory", str(directory.public_id))
    audit.record(
        org=directory.org, actor=actor, action="directory.member_listing_changed", target=target, change=change
    )
