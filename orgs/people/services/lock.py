"""What goes with holding a membership: the rule that the last owner stays, and writing the row at once."""

from orgs.base.statements import number
from orgs.base.writes import Update
from orgs.people import queries
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy.errors import LastOwner
from orgs.tenancy.models import Membership
from orgs.tenancy.types import Role

COLUMNS = Update(lambda: Membership.objects.filter(org_id=number("org"), pk=number("pk")))


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
