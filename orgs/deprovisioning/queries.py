from collections.abc import Sequence

from orgs.base.text import address_key
from orgs.tenancy.models import Membership, MembershipAddress, Suspension
from orgs.tenancy.types import AddressKind, SuspensionSource


def suspensions_by_people(membership: Membership, address: str) -> Sequence[SuspensionSource]:
    """Return why the last other member with this address, whom the directory deleted, was suspended besides that."""
    addresses = MembershipAddress.objects.filter(
        org_id=membership.org_id, address_key=address_key(address), kind=AddressKind.FORMER
    )
    # the last holder may have been renamed before they were deleted
    last = addresses.exclude(membership=membership).select_related("membership").order_by("-since", "-pk").first()
    if last is None or last.membership.deprovisioned_at is None:
        return []
    suspensions = Suspension.objects.filter(org_id=membership.org_id, membership=last.membership)
    return [
        SuspensionSource(suspension.source)
        for suspension in suspensions.exclude(source=SuspensionSource.SCIM).order_by("source")
    ]
