import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from orgs.logs.filters import LogFilter

if TYPE_CHECKING:
    from scim.requests.models import RefusedCalls

CONNECTION_TEST_WINDOW_MINUTES = 15
BODY_KEPT = 8 * 1024
# what bodies often contain, the most frequent last (`orgs.base.packed`). Rows are packed with it: never change this one,
# add another
BODY_WORDS = (
    b'"meta":{"resourceType":"Group","created":"2026-01-01T00:00:00.000Z","lastModified":"2026-","location":"https://'
    b'/scim/v2/","version":"W/\\"1\\""}"nickName":"","title":"","userType":"","preferredLanguage":"en-US","locale":"en-US",'
    b'"timezone":"","profileUrl":"","roles":[{"value":"entitlements":[{"addresses":"[hidden]","phoneNumbers":"[hidden]",'
    b'"photos":"[hidden]","password":"[hidden]","manager":{"value":"","displayName":"costCenter":"organization":"division":"'
    b'"department":"","employeeNumber":"","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{'
    b'"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"members":[{"value":"","display":"","type":"User","$ref":"'
    b'"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"uniqueness","detail":"","status":"409"'
    b'"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}'
    b'{"op":"add","path":"members","value":[{"value":"{"op":"remove","path":"members[value eq \\"'
    b'"groups":[{"value":"","display":"","type":"direct"}],"displayName":"","name":{"givenName":"","familyName":"",'
    b'"formatted":"","emails":[{"value":"","type":"work","primary":true}],"active":true,"userName":"","externalId":"","id":"",'
    b'"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]'
    b',"meta":{"resourceType":"User","created":"2026-'
)
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
    "remarks",
)
RESOURCES = {"users": "/Users", "groups": "/Groups"}
# a body that nobody has parsed
UNREAD = object()


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """What came in, before it is redacted. `path` is the part after the Base URL.

    `seen` is the parsed body, of whoever has parsed it already; else it is parsed here.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = field(default=b"", repr=False)
    ip: str = ""
    user_agent: str = ""
    content_type: str = ""
    request_id: str = ""
    seen: object = field(default=UNREAD, repr=False)


@dataclass(frozen=True, slots=True)
class LoggedResponse:
    """What went out.

    Of a read that succeeded only the size is kept: `size` says it where `body` isn't given. `seen` is the parsed body,
    of whoever has it already. `remarks` says what of the request had no effect, such as an attribute that is ignored.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    error_type: str = ""
    detail: str = ""
    resource_id: str = ""
    subject: str = ""
    duration_ms: int = 0
    seen: object = field(default=UNREAD, repr=False)
    size: int | None = None
    total_results: int | None = None
    returned: int | None = None
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many calls came without a live token, and the newest row that counts them."""

    count: int
    latest: "RefusedCalls"


@dataclass(frozen=True, slots=True)
class RequestFilter(LogFilter):
    """What the provisioning log shows; empty shows all. `status` is ok, failed, or a three-digit status.

    `resource` is a key of RESOURCES, `sender` the code of a provider; `changes` leaves out what only reads.
    """

    status: str = ""
    method: str = ""
    resource: str = ""
    sender: str = ""
    changes: bool = False


def pretty(text: str) -> str:
    """Return JSON with a line for each value, as a person reads it; what is no JSON, such as a body that was cut, as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=True, indent=1) if text else ""
    except ValueError:
        return text


def read_id(text: str) -> UUID | None:
    """Return the UUID that a text is, with or without hyphens, or None."""
    try:
        return UUID(text) if len(text) in {32, 36} else None
    except ValueError:
        return None
