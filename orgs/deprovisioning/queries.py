from collections.abc import Sequence

from orgs.tenancy.models import Membership, MembershipAddress, MembershipHold
from orgs.tenancy.types import AddressKind, HoldSource


def suspensions_by_people(membership: Membership) -> Sequence[HoldSource]:
    """Return why the last member with this address, whom the directory deleted, was suspended besides that."""
    addresses = MembershipAddress.objects.filter(
        org_id=membership.org_id, address_key=membership.email_key, kind=AddressKind.FORMER
    )
    # the last holder may have been renamed before they were deleted
    last = addresses.exclude(membership=membership).select_related("membership").order_by("-since", "-pk").first()
    if last is None or last.membership.deprovisioned_at is None:
        return []
    holds = MembershipHold.objects.filter(org_id=membership.org_id, membership=last.membership)
    return [HoldSource(hold.source) for hold in holds.exclude(source=HoldSource.SCIM).order_by("source")]
