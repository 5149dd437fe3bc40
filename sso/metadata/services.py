import hashlib
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from orgs.base import outbound
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.tenancy.models import Organization
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.connections.queries import lock_connection
from sso.connections.types import IdpSide, MetadataSource, SignInRules
from sso.metadata import queries
from sso.metadata.models import MetadataSnapshot
from sso.metadata.types import MAX_SNAPSHOTS, CertificatesExpired, MetadataRefused, MetadataUse, TypedIdp
from sso.saml.certificates import make_key_pair, read_pasted_certificates
from sso.saml.metadata import ManualIdp, describe_idp
from sso.saml.metadata_errors import MetadataError
from sso.saml.metadata_input import plain_metadata
from sso.versions import services as versions

NOTHING_SAID = MetadataUse()


@dataclass(frozen=True, slots=True)
class MetadataOrigin:
    """By which way a document came; `url` is empty unless it was fetched."""

    source: MetadataSource
    url: str = ""


def create_connection(*, org: Organization, name: str, rules: SignInRules, actor: Actor) -> Connection:
    """Create a draft connection with a key of its own, which its metadata publishes.

    Raises ConnectionNameTaken, TooManyConnections.
    """
    make_key = partial(make_key_pair, now=now())
    return connections.create_connection(org=org, name=name, rules=rules, actor=actor, make_key=make_key)


def fetch_metadata(*, connection: Connection, url: str) -> MetadataSnapshot:
    """Fetch metadata from this URL for preview. Raises OutboundRefused, MetadataRefused."""
    # before the transaction: a slow server must not hold the database
    return take_document(connection=connection, document=outbound.fetch(url).content, url=url)


def take_document(*, connection: Connection, document: bytes, url: str = "") -> MetadataSnapshot:
    """Store a metadata document for preview, with the URL that it came from if there is one. Raises MetadataRefused."""
    return _take(connection, document, MetadataOrigin(MetadataSource.URL if url else MetadataSource.FILE, url))


def take_typed(*, connection: Connection, typed: TypedIdp) -> MetadataSnapshot:
    """Store typed values for preview, read as if they had come in a file. Raises MetadataRefused."""
    try:
        certificates = read_pasted_certificates(typed.certificates).certificates
    except MetadataError as error:
        raise MetadataRefused(error.code, error.sentence) from error
    manual = ManualIdp(typed.entity_id, typed.sign_in_url, typed.binding, certificates)
    return _take(connection, describe_idp(manual), MetadataOrigin(MetadataSource.MANUAL))


def _take(connection: Connection, document: bytes, origin: MetadataOrigin) -> MetadataSnapshot:
    try:
        # what is kept is what is read again later: in UTF-8, whatever it came in
        plain = plain_metadata(document)
        queries.read_document(document)
    except MetadataError as error:
        raise MetadataRefused(error.code, error.sentence) from error
    return _keep(connection, plain, origin)


@transaction.atomic
def _keep(connection: Connection, document: bytes, origin: MetadataOrigin) -> MetadataSnapshot:
    """Store the snapshot, and delete all but the newest of those that nobody used. Raises ConnectionUnknown."""
    # a fetch takes a while, in which a colleague may delete the connection
    lock_connection(connection)
    snapshots = MetadataSnapshot.objects.filter(org_id=connection.org_id, connection=connection)
    made = snapshots.create(
        org_id=connection.org_id,
        connection=connection,
        source=origin.source,
        url=origin.url,
        document=document.decode("utf-8"),
        digest=hashlib.sha256(document).hexdigest(),
        read_at=now(),
    )
    unused = snapshots.filter(used_at=None).order_by("-id").values_list("pk", flat=True)[MAX_SNAPSHOTS:]
    snapshots.filter(pk__in=list(unused)).delete()
    return made


@transaction.atomic
def use_snapshot(
    *,
    connection: Connection,
    snapshot: MetadataSnapshot,
    revision: int,
    actor: Actor,
    use: MetadataUse = NOTHING_SAID,
) -> None:
    """Apply the previewed metadata to the draft version.

    Raises MetadataRefused, CertificatesExpired, ChangedMeanwhile, NothingInPreparation.
    """
    idp = queries.read_snapshot(snapshot)
    if queries.has_expired(idp) and not use.accepts_expired:
        raise CertificatesExpired
    side = IdpSide(
        entity_id=idp.entity_id,
        endpoints=idp.endpoints,
        certificates=idp.certificates,
        source=MetadataSource(snapshot.source),
        url=snapshot.url,
        keeps_certificates=use.keeps_certificates,
    )
    versions.apply_idp(connection=connection, idp=side, revision=revision, actor=actor)
    snapshot.used_at = now()
    snapshot.save(update_fields=["used_at"])
