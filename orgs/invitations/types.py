from dataclasses import dataclass
from datetime import datetime

from orgs.base.counters import Limit

# how much invitation mail one mailbox gets, whichever organizations send it, and how much one organization sends
INVITATIONS_TO_ADDRESS = Limit("invitation.address", 3)
INVITATIONS_OF_ORG = Limit("invitation.org", 1000)


@dataclass(frozen=True, slots=True)
class Delay:
    """Until when an invitation's mail waits, and why."""

    until: datetime
    reason: str
