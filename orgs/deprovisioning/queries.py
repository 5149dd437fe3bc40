from collections.abc import Sequence

from orgs.tenancy.models import Membership, MembershipHold
from orgs.tenancy.types import HoldSource


def suspensions_by_people(membership: Membership) -> Sequence[HoldSource]:
    """Return why the last member with this address, whom the directory deleted, was suspended besides that."""
    former = Membership.objects.filter(
        org_id=membership.org_id, email_key=membership.email_key, deprovisioned_at__isnull=False
    )
    last = former.order_by("-deprovisioned_at").first()
    if last is None:
        return []
    holds = MembershipHold.objects.filter(org_id=membership.org_id, membership=last).exclude(source=HoldSource.SCIM)
    return [HoldSource(hold.source) for hold in holds.order_by("source")]
