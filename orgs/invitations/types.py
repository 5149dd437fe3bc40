from dataclasses import dataclass
from datetime import datetime

from orgs.base.counters import Limit

# how much invitation mail one mailbox gets, whichever organizations send it, and how much one organization sends
INVITATIONS_TO_ADDRESS = Limit("invitation.address", 3)
# the mail of an organization that is far beyond its bound is spread over the hours, and delays nobody else's
INVITATIONS_OF_ORG = Limit("invitation.org", 1000, is_spread=True)


@dataclass(frozen=True, slots=True)
class Delay:
    """Until when an invitation's mail waits, and why."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class CountedMail:
    """The counters in which an invitation's mail was counted."""

    counters: tuple[str, ...] = ()
