from django.http import HttpRequest

from scim.directories.types import ScimCaller

SCIM_JSON = "application/scim+json"
# a body that is JSON is read whatever cautious clients call it; what names another format is refused
ACCEPTED_MEDIA = frozenset({SCIM_JSON, "application/json", "text/json", "text/plain", "application/octet-stream", ""})


class ScimRequest(HttpRequest):
    """A request that showed a live token of the directory that its URL names."""

    caller: ScimCaller
    client_ip: str
    request_id: str
