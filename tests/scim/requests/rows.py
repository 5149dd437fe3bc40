"""Log rows as the endpoint writes them, and of another time than now."""

from datetime import datetime
from typing import Any

from orgs.base.timed_ids import timed_id
from scim.directories.models import Directory, ScimToken
from scim.requests import services
from scim.requests.models import RequestLog
from scim.requests.types import LoggedRequest, LoggedResponse


def owner(directory: Directory, token: ScimToken | None = None) -> dict[str, Any]:
    return {"org_id": directory.org_id, "directory_id": directory.pk, "token_id": token.pk if token else None}


def log_call(directory: Directory, at: datetime | None = None, **call: Any) -> RequestLog:
    """Log one GET, as if it had come at this time."""
    asked = LoggedRequest(**{"method": "GET", "path": "/Users"} | call)
    row = services.record(**owner(directory), call=asked, answer=LoggedResponse(status=200))
    if at is not None:
        move(row, at)
    return row


def move(row: RequestLog, at: datetime) -> None:
    """Let a row be of this time: its id says it, too."""
    former, row.id, row.at = row.id, timed_id(at), at
    RequestLog.objects.filter(id=former).update(id=row.id, at=at)
