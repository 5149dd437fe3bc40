from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orgs.logs.filters import LogFilter

if TYPE_CHECKING:
    from scim.requests.models import RequestLog

CONNECTION_TEST_WINDOW_MINUTES = 15
BODY_KEPT = 8 * 1024
# the columns of an exported log, in their order; bodies stay behind
EXPORTED = (
    "at",
    "method",
    "path",
    "query",
    "status",
    "error_type",
    "detail",
    "step",
    "dialect",
    "is_connection_test",
    "subject",
    "resource_id",
    "token",
    "ip",
    "duration_ms",
    "request_id",
    "count",
)
RESOURCES = {"users": "/Users", "groups": "/Groups"}


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """What came in, before it is redacted. `path` is the part after the Base URL."""

    method: str
    path: str
    query: str = ""
    body: bytes = field(default=b"", repr=False)
    ip: str = ""
    user_agent: str = ""
    content_type: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class LoggedResponse:
    """What went out."""

    status: int
    body: bytes = field(default=b"", repr=False)
    error_type: str = ""
    detail: str = ""
    resource_id: str = ""
    subject: str = ""
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many calls came without a live token, and the newest row that counts them."""

    count: int
    latest: "RequestLog"


@dataclass(frozen=True, slots=True)
class RequestFilter(LogFilter):
    """What the provisioning log shows; empty shows all. `status` is ok, failed, or a three-digit status.

    `resource` is a key of RESOURCES.
    """

    status: str = ""
    method: str = ""
    resource: str = ""
