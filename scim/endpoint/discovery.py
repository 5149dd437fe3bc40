"""ServiceProviderConfig, ResourceTypes and Schemas: what this service really does (RFC 7644 §4)."""

from django.http import HttpResponse

from scim.directories import queries as directories
from scim.endpoint.types import ScimRequest
from scim.endpoint.views import EndpointView, scim_json
from scim.protocol import discovery, errors
from scim.protocol.paging import PageRequest, list_response


class ServiceProviderConfigView(EndpointView):
    def get(self, request: ScimRequest) -> HttpResponse:
        return self.answer(discovery.service_provider_config(directories.base_url(request.caller)))


class ResourceTypesView(EndpointView):
    def get(self, request: ScimRequest, name: str = "") -> HttpResponse:
        found = discovery.resource_types(directories.base_url(request.caller))
        return _one_or_all(self, found, name)


class SchemasView(EndpointView):
    def get(self, request: ScimRequest, name: str = "") -> HttpResponse:
        found = discovery.schemas(directories.base_url(request.caller))
        return _one_or_all(self, found, name)


def _one_or_all(view: EndpointView, found: list[dict[str, object]], name: str) -> HttpResponse:
    if "filter" in view.request.GET:
        # RFC 7644 §4: a filter on these is refused, not ignored
        raise errors.Forbidden("These documents can't be filtered. Read them all.")
    if not name:
        return scim_json(list_response(found, total=len(found), page=PageRequest(1, len(found))))
    for document in found:
        if document["id"] == name:
            return view.answer(document)
    raise errors.ResourceNotFound(f"There is no document with the id {name!r}. Read the list without an id.")


ENDPOINTS = ("Users", "Groups", "ServiceProviderConfig", "ResourceTypes", "Schemas")


class BaseUrlView(EndpointView):
    """The Base URL itself, which people open to see whether it is right: what it is, and where to go."""

    def get(self, request: ScimRequest) -> HttpResponse:
        base_url = directories.base_url(request.caller)
        return scim_json(
            {
                "service": "Gatehouse SCIM 2.0 (RFC 7644)",
                "detail": "The Base URL and the token are right. An identity provider appends /Users and /Groups itself.",
                "endpoints": {name: f"{base_url}/{name}" for name in ENDPOINTS},
            }
        )
