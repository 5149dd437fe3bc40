"""Locking a membership, and the rule that the last owner stays."""

from orgs.base.statements import Statement, number
from orgs.base.writes import Update
from orgs.people import queries
from orgs.people.errors import MembershipUnknown
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy.errors import LastOwner
from orgs.tenancy.models import Membership
from orgs.tenancy.types import Role

HELD = Statement(
    lambda: (
        Membership.objects.select_for_update(of=("self",))
        .select_related("org", "user")
        .filter(org_id=number("org"), pk=number("pk"))
        .order_by()
    )
)
COLUMNS = Update(lambda: Membership.objects.filter(org_id=number("org"), pk=number("pk")))


def lock_membership(membership: Membership, *, may_lose_owner: bool = False) -> Membership:
    """Return the membership as it is now, held until the transaction ends; an owner's organization is held first.

    Lock order is organization, then membership: only owners need the organization's row. Who has become one since the
    membership was read is refused for this time, if somebody else holds that row. Raises MembershipUnknown.
    """
    is_org_held = may_lose_owner or membership.role == Role.OWNER
    if is_org_held:
        tenancy_queries.lock_organization(membership.org_id)
    found = HELD.first(org=membership.org_id, pk=membership.pk)
    if found is None:
        raise MembershipUnknown
    if found.role == Role.OWNER and not is_org_held:
        tenancy_queries.lock_organization(found.org_id, is_late=True)
    return found


def refuse_to_lose_last_owner(membership: Membership) -> None:
    """Lock the organization. Raises LastOwner when no other active owner would remain."""
    if membership.role != Role.OWNER:
        return
    tenancy_queries.lock_organization(membership.org_id)
    if queries.active_owner_count(membership.org, without=membership) == 0:
        raise LastOwner


def save_columns(membership: Membership, *columns: str) -> None:
    """Write these columns of a membership that is held, in one statement; `user_id` is one, `user` isn't."""
    values = {column: getattr(membership, column) for column in columns}
    COLUMNS.run(values, org=membership.org_id, pk=membership.pk)
