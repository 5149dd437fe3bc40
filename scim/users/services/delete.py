"""DELETE of a user: what becomes of its membership depends on who made it and whether anybody used it (decision 8)."""

from django.db import transaction
from django.db.models import Q

from orgs.base.clock import now
from orgs.base.statements import number, text
from orgs.base.writes import Delete, DeleteCascade, Insert
from orgs.consent import queries as consent
from orgs.deprovisioning import services as deprovisioning
from orgs.deprovisioning.services import DELETED
from orgs.events.services import Changes
from orgs.groups import services as groups
from orgs.people import services as people
from orgs.tenancy.types import MembershipOrigin, SuspensionSource
from scim.directories.types import TEST_LIFE, Deleted, ScimCaller
from scim.users import queries
from scim.users.errors import ListedMember
from scim.users.models import DirectoryUser, FormerDirectoryUser

USER = DeleteCascade(lambda: DirectoryUser.objects.filter(org_id=number("org"), pk=number("pk")))
NEW_FORMER = Insert(FormerDirectoryUser)
FORMER = Delete(
    lambda: FormerDirectoryUser.objects.filter(
        Q(external_id=text("external_id")) | Q(membership_id=number("membership")),
        org_id=number("org"),
        directory_id=number("directory"),
    )
)


@transaction.atomic(savepoint=False)
def delete_user(*, caller: ScimCaller, scim_id: str) -> Deleted:
    """Delete the user; its userName is free. A membership that the directory made and nobody used goes too (decision 8).

    One that another directory has stays as it is, without the groups and the suspension of this one. Any other is
    suspended. One that was used, or whose address belongs to an account in use, gives its address free, and its externalId
    is kept: a later POST with that returns to it.

    Raises UserUnknown, ListedMember, LastOwner.
    """
    user, changes = queries.hold_user(caller, scim_id), Changes(caller.org_id, caller.actor)
    if user.is_listed:
        raise ListedMember
    membership = user.membership
    standing = queries.standing_of(user)
    was_used = standing.is_used or consent.is_address_of_own_account(membership)
    # whatever other directories took it over since, nobody but directories ever brought this member
    is_made_here = user.made_membership or membership.origin_set == {MembershipOrigin.SCIM}
    is_unused = is_made_here and not was_used and not standing.is_elsewhere
    if standing.has_claims:
        groups.leave_directory(membership=membership, directory=caller.public_id, changes=changes)
    if is_unused:
        # and the user with it
        people.remove_held(membership=membership, changes=changes)
        changes.write()
        return Deleted(name=user.user_name, was_test=now() - user.created_at < TEST_LIFE)
    USER.run(org=user.org_id, pk=user.pk)
    if standing.is_elsewhere:
        _leave_to_other_directories(user, caller, changes)
    else:
        _suspend(user, caller, changes, was_used=was_used)
    changes.write()
    return Deleted(name=user.user_name, was_test=False)


def _suspend(user: DirectoryUser, caller: ScimCaller, changes: Changes, *, was_used: bool) -> None:
    membership = user.membership
    if was_used:
        deprovisioning.deprovision_held(membership=membership, directory=caller.public_id, changes=changes)
        _keep_external_id(user)
    else:
        people.suspend_held(
            membership=membership,
            source=SuspensionSource.SCIM,
            directory=caller.public_id,
            reason=DELETED,
            changes=changes,
        )
        # the next one with this address may be somebody else: a link of an earlier mail must not open their membership
        people.withdraw_invitation(membership=membership, changes=changes)


def _leave_to_other_directories(user: DirectoryUser, caller: ScimCaller, changes: Changes) -> None:
    """Lift the suspension of this directory, and keep the externalId. Rows of others aren't touched: they may be held."""
    people.lift_held(
        membership=user.membership,
        source=SuspensionSource.SCIM,
        directories=[caller.public_id],
        changes=changes,
    )
    _keep_external_id(user)


def _keep_external_id(user: DirectoryUser) -> None:
    if not user.external_id:
        return
    whose = {"org": user.org_id, "directory": user.directory_id}
    # the newest holder of an externalId is whom it means
    FORMER.run(**whose, external_id=user.external_id_key, membership=user.membership_id)
    NEW_FORMER.one(
        FormerDirectoryUser(
            org_id=user.org_id,
            directory_id=user.directory_id,
            membership=user.membership,
            external_id=user.external_id_key,
            deleted_at=now(),
        )
    )
