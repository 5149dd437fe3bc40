from django.http import HttpRequest

from scim.directories.types import ScimCaller

SCIM_JSON = "application/scim+json"
ACCEPTED_MEDIA = frozenset({SCIM_JSON, "application/json", ""})


class ScimRequest(HttpRequest):
    """A request that showed a live token of the directory that its URL names."""

    caller: ScimCaller
    client_ip: str
    request_id: str
