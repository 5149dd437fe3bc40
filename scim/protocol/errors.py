"""One class for each error of RFC 7644 §3.12; the endpoint turns them into bodies, nobody else does."""

from typing import Any, ClassVar

from scim.protocol.schemas import ERROR


class ScimError(Exception):
    """An answer in SCIM's error form. `detail` says what to change, and never holds a secret or another tenant's value."""

    status: ClassVar[int] = 400
    scim_type: ClassVar[str | None] = None

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)

    def to_body(self) -> dict[str, Any]:
        """Return the JSON body; `status` is a string (RFC 7644 §3.12)."""
        body: dict[str, Any] = {"schemas": [ERROR], "status": str(self.status), "detail": self.detail}
        if self.scim_type is not None:
            body["scimType"] = self.scim_type
        return body


class InvalidFilter(ScimError):
    """The filter can't be read, or asks for what isn't supported (table 9)."""

    scim_type = "invalidFilter"


class InvalidSyntax(ScimError):
    """The body isn't JSON, or not of the shape that the request needs (table 9)."""

    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """A PATCH path can't be read (table 9)."""

    scim_type = "invalidPath"


class NoTarget(ScimError):
    """A PATCH operation has no path where it needs one, or its filter matches nothing (§3.5.2.2, §3.5.2.3)."""

    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value is missing, of the wrong type, or can't be used for its attribute (table 9)."""

    scim_type = "invalidValue"


class Mutability(ScimError):
    """The attribute is read-only (table 9)."""

    scim_type = "mutability"


class TooMany(ScimError):
    """The answer, or the work, would be larger than the service allows (table 9)."""

    scim_type = "tooMany"


class InvalidCursor(ScimError):
    """The cursor isn't one of this query's (RFC 9865 §2.1)."""

    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """The cursor is older than cursorTimeout (RFC 9865 §2.1)."""

    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """count isn't a number of resources that a page by cursor can have (RFC 9865 §2.1)."""

    scim_type = "invalidCount"


class PreconditionFailed(ScimError):
    """The resource isn't in the version that If-Match names (RFC 7644 §3.12, §3.14)."""

    status = 412


class Uniqueness(ScimError):
    """Another resource has the value that must be unique (table 9)."""

    status = 409
    scim_type = "uniqueness"


class RuleConflict(ScimError):
    """A rule of the organization stands against it, such as the last owner's (§3.12: 409 without a type)."""

    status = 409


class Unauthorized(ScimError):
    """No live bearer token was shown (§2, §3.12)."""

    status = 401


class Forbidden(ScimError):
    """The operation isn't permitted (§3.12, §4)."""

    status = 403


class ResourceNotFound(ScimError):
    """There is no such resource or endpoint (§3.12)."""

    status = 404


class MethodNotAllowed(ScimError):
    """The endpoint doesn't take this method (RFC 9110 §15.5.6)."""

    status = 405


class BodyTooLarge(ScimError):
    """The body is larger than the service reads (RFC 7644 §3.12: 413)."""

    status = 413


class UnsupportedMediaType(ScimError):
    """The body isn't declared as JSON (RFC 7644 §3.1, RFC 9110 §15.5.16)."""

    status = 415


class TooManyRequests(ScimError):
    """The client calls too often; Retry-After says when to come back (RFC 6585 §4)."""

    status = 429

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(detail)


class ServerError(ScimError):
    """Something failed on our side (§3.12)."""

    status = 500


class NotImplementedByUs(ScimError):
    """The RFC describes it, this service doesn't do it and says so in ServiceProviderConfig (§3.12)."""

    status = 501


class Unavailable(ScimError):
    """The service can't work right now; the same request may succeed later (RFC 9110 §15.6.4)."""

    status = 503
