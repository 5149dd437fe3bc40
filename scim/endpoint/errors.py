"""One place where whatever went wrong becomes an RFC 7644 §3.12 error."""

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, IntegrityError, InterfaceError
from django.http import UnreadablePostError
from django_scim.exceptions import SCIMException

from orgs.base.database import is_unavailable
from orgs.base.errors import Conflict, DomainError, NotFound
from orgs.tenancy.errors import AddressInvalid, LastOwner
from scim.directories.errors import TokenRefused
from scim.protocol import errors as scim

log = structlog.get_logger(__name__)
UNAUTHORIZED = (
    "The bearer token is missing, wrong, expired or revoked. Generate a token in Gatehouse and paste it again."
)
BUSY = "The service can't reach its database right now. Send the request again in a few seconds."


def translate(error: Exception) -> scim.ScimError:
    """Return the SCIM form of an error. Only what nobody foresaw becomes a 500, and that is logged without any body."""
    if isinstance(error, scim.ScimError):
        return error
    if isinstance(error, TokenRefused):
        return scim.Unauthorized(UNAUTHORIZED)
    if isinstance(error, DomainError):
        return translate_rule(error)
    if isinstance(error, RequestDataTooBig):
        return scim.BodyTooLarge("The body is larger than 2 MiB. Send fewer members or operations in one request.")
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return scim.InvalidSyntax("The request could not be read to its end. Send it again.")
    if isinstance(error, DatabaseError | InterfaceError):
        return translate_database(error)
    if isinstance(error, SCIMException):
        return scim.InvalidSyntax("The request has an empty or unusable body. Send a SCIM resource as a JSON object.")
    log.error("scim.failed", error=type(error).__name__, exc_info=error)
    return scim.ServerError("Something failed on our side; nothing was changed. Quote the X-Request-ID to support.")


def translate_rule(error: DomainError) -> scim.ScimError:
    """Translate a broken rule into its public sentence and the status that the IdP's console understands."""
    if isinstance(error, LastOwner):
        return scim.RuleConflict(error.public)
    if isinstance(error, Conflict):
        return scim.Uniqueness(error.public)
    if isinstance(error, AddressInvalid):
        return scim.InvalidValue("The person's address isn't an e-mail address. Map userName or emails to one.")
    if isinstance(error, NotFound):
        return scim.ResourceNotFound(error.public)
    return scim.RuleConflict(error.public)


def translate_database(error: Exception) -> scim.ScimError:
    """Translate a lost race into a conflict, and a database that is away or too busy into "try again later"."""
    if isinstance(error, IntegrityError):
        return scim.Uniqueness(
            "Another request changed the same thing first. Read it again, then repeat what is still needed."
        )
    if is_unavailable(error):
        log.warning("scim.database_unavailable", error=type(error).__name__)
        return scim.Unavailable(BUSY)
    log.error("scim.database_refused", error=type(error).__name__, exc_info=error)
    return scim.InvalidValue("The database refuses a value of this request. Check for very long or unusual text.")
