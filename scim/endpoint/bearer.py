"""Bearer token → directory. Cookies are not looked at: a browser session provisions nobody."""

from dataclasses import replace

from django.http import HttpRequest

from orgs.base import credentials
from scim.directories import queries
from scim.directories.errors import TokenRefused
from scim.directories.types import ScimCaller

MAX_TOKEN = 512


def read_bearer(request: HttpRequest) -> str:
    """Return the token of the Authorization header (RFC 6750 §2.1). Raises TokenRefused."""
    scheme, _, token = str(request.META.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
    token = token.strip()
    if scheme.casefold() != "bearer" or not token:
        raise TokenRefused("No bearer token: the Authorization header must be 'Bearer <token>'")
    if len(token) > MAX_TOKEN or not token.isascii():
        raise TokenRefused("Unknown token: it isn't one of this directory's")
    return token


def read_digest(request: HttpRequest) -> str:
    """Return the digest of the token that was shown, or an empty text."""
    try:
        return credentials.digest(read_bearer(request))
    except TokenRefused:
        return ""


def admit(request: HttpRequest, *, directory: str, digest: str) -> ScimCaller:
    """Return whose live token opens the directory of this id. Raises TokenRefused, whatever is wrong."""
    if not digest:
        read_bearer(request)
    ip, user_agent = str(getattr(request, "client_ip", "")), request.headers.get("User-Agent", "")
    caller = queries.admit(directory=directory, digest=digest, ip=ip, user_agent=user_agent)
    if_match = request.META.get("HTTP_IF_MATCH")
    return caller if if_match is None else replace(caller, if_match=if_match)
