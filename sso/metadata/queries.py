from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from orgs.base.clock import now
from orgs.providers.idp_settings import NameIdFormat
from orgs.providers.registry import provider, recognize
from sso.connections import queries as connections
from sso.connections.models import Configuration, Connection
from sso.connections.types import Binding, MetadataSource
from sso.metadata.models import MetadataSnapshot
from sso.metadata.types import MetadataRefused, Remark, SnapshotUnknown
from sso.saml.metadata import read_idp_metadata
from sso.saml.metadata_errors import MetadataError
from sso.saml.types import IdpMetadata, LeftOut, ServiceProvider

ENDS_SOON = timedelta(days=60)


def find_snapshot(connection: Connection, public_id: UUID) -> MetadataSnapshot:
    """Raises SnapshotUnknown."""
    found = MetadataSnapshot.objects.filter(
        org_id=connection.org_id, connection=connection, public_id=public_id
    ).first()
    if found is None:
        raise SnapshotUnknown
    return found


def latest_unused(connection: Connection) -> MetadataSnapshot | None:
    """Return what was read last, when nobody has used it, nor anything since."""
    newest = MetadataSnapshot.objects.filter(org_id=connection.org_id, connection=connection).order_by("-id").first()
    return newest if newest is not None and newest.used_at is None else None


def stored_input(draft: Configuration, way: str) -> dict[str, str]:
    """Return what a form for this way of bringing metadata shows of what the version has already."""
    if way == MetadataSource.URL:
        return {"url": draft.metadata_url}
    if way != MetadataSource.MANUAL or draft.metadata_source != MetadataSource.MANUAL:
        return {}
    pem = "".join(certificate.pem for certificate in draft.certificates.all())
    endpoint = draft.endpoints[0]
    typed = {"sign_in_url": endpoint.location, "binding": endpoint.binding.value, "certificate": pem}
    return {"entity_id": draft.idp_entity_id, **typed}


def read_document(document: bytes) -> IdpMetadata:
    """Return what a document says of an IdP, at this moment and on this site. Raises MetadataError."""
    return read_idp_metadata(document, now=now(), allows_loopback=settings.OUTBOUND_ALLOWS_LOOPBACK)


def read_snapshot(snapshot: MetadataSnapshot) -> IdpMetadata:
    """Return what a snapshot says, read again: a certificate can end between two looks. Raises MetadataRefused."""
    try:
        return read_document(snapshot.document.encode())
    except MetadataError as error:
        raise MetadataRefused(error.code, error.sentence) from error


def remarks(draft: Configuration, idp: IdpMetadata) -> list[Remark]:
    """Return what an admin should know before using this metadata."""
    found = [*_of_what_it_replaces(draft, idp), *_of_entity_id(draft, idp), *_of_endpoints(idp), *_of_certificates(idp)]
    looks_like, chosen = recognize(idp.endpoints[0].location), provider(draft.provider)
    if looks_like is not None and chosen.code not in {looks_like.code, "custom"}:
        found.append(Remark("warn", f"This looks like metadata of {looks_like.name}, but you chose {chosen.name}."))
    return found


def _of_what_it_replaces(draft: Configuration, idp: IdpMetadata) -> list[Remark]:
    if draft.has_idp and draft.idp_entity_id != idp.entity_id:
        return [Remark("warn", f"It replaces another IdP Entity ID, which this version has now: {draft.idp_entity_id}")]
    stored = {certificate.fingerprint for certificate in draft.certificates.all()}
    if draft.has_idp and stored != {certificate.fingerprint for certificate in idp.certificates}:
        return [Remark("info", "Its signing certificates are not the ones that this version has now.")]
    return []


def _of_entity_id(draft: Configuration, idp: IdpMetadata) -> list[Remark]:
    connection = draft.connection
    suggested, found = connections.addresses(connection).suggested_idp_entity_id, []
    if idp.entity_id != suggested and any(
        value.value == "idp_entity_id" and value.required for value in provider(draft.provider).guide.form
    ):
        text = (
            f"The IdP Entity ID is not the one that we suggested ({suggested}). "
            "That is fine: the metadata counts, and we will expect what it says."
        )
        found.append(Remark("info", text))
    others = Configuration.objects.filter(org_id=connection.org_id, idp_entity_id=idp.entity_id)
    named = sorted(
        {str(other.connection) for other in others.exclude(connection=connection).select_related("connection")}
    )
    if named:
        text = (
            f"Another connection has the same IdP Entity ID: {', '.join(named)}. Make sure that this is the right app."
        )
        found.append(Remark("warn", text))
    return found


def _of_endpoints(idp: IdpMetadata) -> list[Remark]:
    found = []
    if idp.urls_left_out:
        text = f"Sign-in URLs in it that aren’t used, because a browser can’t be sent there: {', '.join(idp.urls_left_out)}"
        found.append(Remark("warn", text))
    if all(endpoint.binding is not Binding.REDIRECT for endpoint in idp.endpoints):
        text = (
            "It offers HTTP-POST only. That works: people see a page with a Continue button for a moment on their way."
        )
        found.append(Remark("info", text))
    return found


def _of_certificates(idp: IdpMetadata) -> list[Remark]:
    found = [*_of_ends(idp), *_of_authorities(idp)]
    if len(idp.certificates) > 1:
        text = f"It holds {len(idp.certificates)} signing certificates. Each of them will be accepted."
        found.append(Remark("info", text))
    return found + left_out_remarks(idp.left_out)


def left_out_remarks(reasons: Sequence[LeftOut]) -> list[Remark]:
    """Return for each reason how many certificates aren't taken because of it."""
    return [
        Remark("warn", f"Signing certificates in it that won’t be accepted, because {reason}: {count}.")
        for reason, count in Counter(reasons).items()
    ]


def has_expired(idp: IdpMetadata) -> bool:
    """Say whether each of its certificates has expired; where one hasn't, none that has is among them."""
    return all(certificate.has_expired(now()) for certificate in idp.certificates)


def _of_ends(idp: IdpMetadata) -> list[Remark]:
    ends = max(certificate.not_after for certificate in idp.certificates)
    if has_expired(idp) or ends - now() >= ENDS_SOON:
        return []
    text = f"The signing certificate ends on {ends:%-d %B %Y}. Renew it at the identity provider, then add the new metadata."
    return [Remark("warn", text)]


def _of_authorities(idp: IdpMetadata) -> list[Remark]:
    """Name authorities beside a certificate of the IdP's own: whatever such a key signs would be accepted."""
    authorities = [one for one in idp.certificates if one.is_authority]
    if len(authorities) in {0, len(idp.certificates)}:
        return []
    names = ", ".join(one.subject or one.fingerprint for one in authorities)
    text = (
        f"The certificate of an authority is among them, and its key will be accepted, too: {names}. Take it out, unless your "
        "identity provider signs with it."
    )
    return [Remark("warn", text)]


def service_provider(connection: Connection, chosen: Configuration | None) -> ServiceProvider:
    """Return our side as the SAML core takes it."""
    ours = connections.addresses(connection)
    name_id_format = chosen.name_id_format if chosen is not None else NameIdFormat.EMAIL
    return ServiceProvider(ours.sp_entity_id, ours.acs_url, name_id_format)
