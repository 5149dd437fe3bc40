"""Our own metadata, for identity providers that read it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from sso.connections import queries as connections
from sso.metadata import queries
from sso.saml.metadata import describe_sp


@require_safe
def sp_metadata(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Return our metadata for one connection, for IdPs that read it; with ?download it is a file."""
    connection = connections.connection_at(public_id)
    chosen = connections.in_force(connection) or connections.to_be_tested(connection)
    document = describe_sp(queries.service_provider(connection, chosen), connections.published_certificates(connection))
    response = HttpResponse(document, content_type="application/samlmetadata+xml")
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="gatehouse-{public_id.hex[:8]}-metadata.xml"'
    return response
