from django.http import HttpResponse

from scim.bulk import services
from scim.endpoint.bearer import admit
from scim.endpoint.errors import translate
from scim.endpoint.limits import limits
from scim.endpoint.types import ScimRequest
from scim.endpoint.views import EndpointView, scim_json
from scim.protocol.bulk import read_bulk, render_bulk


class BulkView(EndpointView):
    """`/Bulk` (RFC 7644 §3.7). Its operations commit one by one, so its log row commits after them."""

    def post(self, request: ScimRequest) -> HttpResponse:
        asked = read_bulk(self.load_body(request.body))
        limits.take_operations(self.digest, len(asked.operations))
        outcomes = services.perform_bulk(
            caller=self.caller,
            request=asked,
            remarks=self.record.remarks,
            admit=lambda: admit(request, directory=self.directory, digest=self.digest),
            translate=translate,
        )
        return scim_json(render_bulk(outcomes))

    def _write(self, request: ScimRequest, kwargs: dict[str, str]) -> HttpResponse:
        if not limits.has_admitted(self.digest):
            self._admit(request)
        self._require_body(request)
        self._admit(request)
        response = self._act(request)(request, **kwargs)
        self.record.write_afterwards(response)
        return response
