"""Log rows of another time than now."""

from datetime import datetime

from orgs.base.timed_ids import timed_id
from scim.requests.models import RequestLog


def move(row: RequestLog, at: datetime) -> None:
    """Let a row be of this time: its id says it, too."""
    former, row.id, row.at = row.id, timed_id(at), at
    RequestLog.objects.filter(id=former).update(id=row.id, at=at)
