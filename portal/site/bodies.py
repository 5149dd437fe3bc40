"""How large a body may be at each address, and the form in which one that can't be taken is refused."""

import json
import re
from dataclasses import dataclass

from django.conf import settings

from scim.protocol.schemas import ERROR

SCIM = "/scim/"
ACS = re.compile(r"/saml/[^/]+/acs")
MULTIPART = "multipart/form-data"
# a caller who is refused while still sending reads the answer only when we have read what it sends
MOST_DISCARDED = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BodyRefusal:
    """Why a request isn't taken. `detail` says what to change."""

    status: int
    detail: str
    retry_after: int = 0

    def render(self, path: str) -> tuple[bytes, dict[str, str]]:
        """Return body and headers in the form that callers of this path read: SCIM's (RFC 7644 §3.12), or plain text."""
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if self.retry_after:
            headers["Retry-After"] = str(self.retry_after)
        if path.startswith(SCIM):
            document = {"schemas": [ERROR], "status": str(self.status), "detail": self.detail}
            return json.dumps(document).encode(), headers | {"Content-Type": "application/scim+json"}
        return f"{self.detail}\n".encode(), headers | {"Content-Type": "text/plain; charset=utf-8"}


class BodyRefused(Exception):
    """A request isn't taken."""

    def __init__(self, refusal: BodyRefusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.detail)


def largest_body(path: str, content_type: str) -> int:
    """Return how many bytes a body at this address may have."""
    limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if path.startswith(SCIM):
        return limit
    if ACS.fullmatch(path):
        limit = settings.LARGEST_SAML_BODY
    elif content_type.strip().lower().startswith(MULTIPART):
        limit = settings.LARGEST_BODY
    return limit


def too_large(limit: int) -> BodyRefusal:
    """Return the refusal of a body that is larger than this (RFC 9110 §15.5.14)."""
    size = f"{limit // 1024 // 1024} MB" if limit >= 1024 * 1024 else f"{limit // 1024} KB"
    return BodyRefusal(413, f"This is larger than {size}, the most that is taken here. Send less at once.")


NOT_A_LENGTH = BodyRefusal(400, "The Content-Length is no number.")
CUT_SHORT = BodyRefusal(400, "The body ended before its Content-Length. Send it again.")
# RFC 9110 §15.5.12
NO_LENGTH = BodyRefusal(411, "This server reads no body without a Content-Length. Send one.")
