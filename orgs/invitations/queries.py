from datetime import datetime

from django.db.models import QuerySet

from orgs.people.models import Invitation
from orgs.tenancy.models import Organization
from orgs.tenancy.types import MembershipState


def ended_invitations(before: datetime) -> QuerySet[Invitation]:
    """Return the invitations that nobody accepted and whose link ended before this time."""
    return Invitation.objects.filter(accepted_at=None, expires_at__lt=before)


def waiting_invitation(org: Organization, membership_public_id: str) -> Invitation | None:
    """Return the invitation of this membership while it waits for its person."""
    waiting = Invitation.objects.filter(org=org, membership__state=MembershipState.INVITED)
    return waiting.filter(membership__public_id=membership_public_id).select_related("membership").first()
