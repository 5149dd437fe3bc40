from collections.abc import Sequence
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from orgs.base import credentials
from orgs.base.clock import now
from orgs.base.text import text_key
from orgs.people.errors import InvitationUnknown, MembershipUnknown
from orgs.people.models import Invitation
from orgs.people.types import MemberFilter
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import SETTINGS_ROLES, MembershipState, Origin, Role


def list_members(org: Organization, shown: MemberFilter) -> QuerySet[Membership]:
    """The seats of an organisation by name, with their grants and holds; the query count doesn't grow with the rows."""
    seats = Membership.objects.filter(org=org)
    for word in text_key(shown.text).split():
        seats = seats.filter(Q(name_key__contains=word) | Q(email_key__contains=word))
    if shown.origin in Origin.values:
        seats = seats.filter(origins__contains=shown.origin)
    if shown.state in MembershipState.values:
        seats = seats.filter(state=shown.state)
    return seats.prefetch_related("grants", "holds").order_by("name_key", "id")


def find_member(org: Organization, public_id: UUID) -> Membership:
    """Raises MembershipUnknown."""
    try:
        return Membership.objects.get(org=org, public_id=public_id)
    except Membership.DoesNotExist as error:
        raise MembershipUnknown from error


def seat_of_address(org: Organization, address: str) -> Membership | None:
    """Return the seat that has this address now. Former addresses don't count: they may have gone to somebody else."""
    return Membership.objects.filter(org=org, email_key=text_key(address)).select_related("org", "user").first()


def waiting_in_domain(org: Organization, domain: str) -> Sequence[Membership]:
    """Return the seats that wait for consent under one domain, in the order in which they are locked."""
    # an address may spell the domain in ASCII, or in its own letters
    spelt = Q(email_key__endswith=f"@{domain}") | Q(email_key__endswith=f"@{domain.encode().decode('idna')}")
    return list(Membership.objects.filter(spelt, org=org, user=None).order_by("id"))


def active_owner_count(org: Organization, *, without: Membership) -> int:
    """Say how many active owners the organisation keeps when this one is gone."""
    owners = Membership.objects.filter(org=org, role=Role.OWNER, state=MembershipState.ACTIVE)
    return owners.exclude(pk=without.pk).count()


def find_invitation(secret: str) -> Invitation:
    """Return the open invitation that this link's secret belongs to. Raises InvitationUnknown."""
    invitation = (
        Invitation.objects.filter(digest=credentials.digest(secret), accepted_at=None, expires_at__gt=now())
        .select_related("org", "membership")
        .first()
    )
    if invitation is None or invitation.membership.user_id is not None:
        raise InvitationUnknown
    return invitation


def count_by_state(org: Organization) -> dict[str, int]:
    """Return how many seats are in each state that any seat is in."""
    counted = Membership.objects.filter(org=org).order_by().values_list("state").annotate(Count("id"))
    return dict(counted)


def settings_addresses(org: Organization) -> Sequence[str]:
    """Return where the organisation's active owners and admins read notices."""
    admins = Membership.objects.filter(org=org, role__in=SETTINGS_ROLES, state=MembershipState.ACTIVE)
    return list(admins.order_by("id").values_list("user__email", flat=True))
