"""Bearer token → directory. Cookies are not looked at: a browser session provisions nobody."""

from django.http import HttpRequest

from scim.directories import queries
from scim.directories.errors import TokenRefused
from scim.directories.models import Directory, ScimToken

MAX_TOKEN = 512


def read_bearer(request: HttpRequest) -> str:
    """Return the token of the Authorization header (RFC 6750 §2.1). Raises TokenRefused."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    token = token.strip()
    if scheme.casefold() != "bearer" or not token:
        raise TokenRefused("No bearer token: the Authorization header must be 'Bearer <token>'")
    if len(token) > MAX_TOKEN or not token.isascii():
        raise TokenRefused("Unknown token: it isn't one of this directory's")
    return token


def admit(request: HttpRequest, directory: Directory | None) -> ScimToken:
    """Return the live token that opens this directory. Raises TokenRefused, whatever is wrong."""
    token = read_bearer(request)
    if directory is None:
        raise TokenRefused("No directory has this address")
    return queries.authenticate(directory, token)
