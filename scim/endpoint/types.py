from django.http import HttpRequest

from orgs.base.actor import Actor
from scim.directories.models import Directory, ScimToken

SCIM_JSON = "application/scim+json"
ACCEPTED_MEDIA = frozenset({SCIM_JSON, "application/json", ""})


class ScimRequest(HttpRequest):
    """A request that showed a live token of the directory that its URL names."""

    directory: Directory
    token: ScimToken
    actor: Actor
    client_ip: str
    request_id: str
