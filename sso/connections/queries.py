import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from orgs.base import sealed
from orgs.base.statements import Statement, number, text, uuid
from orgs.people import queries as people
from orgs.providers.attributes import ProfileField
from orgs.providers.idp_settings import NameIdFormat
from orgs.providers.registry import provider
from orgs.providers.types import SpValue
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import Role
from sso.connections.errors import ConnectionUnknown, NothingInPreparation, SeenNoLonger
from sso.connections.models import Configuration, Connection, IdpCertificate, SamlIdentity, SpKey
from sso.connections.types import (
    MAX_CERTIFICATES,
    Addresses,
    AttributeChoice,
    Certificate,
    ConnectionState,
    Endpoint,
    ReadField,
    Seen,
    SignInRules,
    SpKeyPair,
    SpKeyState,
    Stage,
    ValueToCopy,
)


def _held(*, no_key: bool) -> QuerySet[Connection]:
    held = Connection.objects.select_for_update(of=("self",), no_key=no_key).select_related("org")
    return held.filter(org_id=number("org"), pk=number("pk")).order_by()


HELD = Statement(lambda: _held(no_key=True))
HELD_TO_DELETE = Statement(lambda: _held(no_key=False))
IN_FORCE = Statement(
    lambda: (
        Configuration.objects.filter(connection__public_id=uuid("public_id"), stage=Stage.LIVE)
        .select_related("connection__org")
        .order_by()
    )
)
TRUSTED = Statement(
    lambda: (
        IdpCertificate.objects.filter(
            configuration__connection__public_id=uuid("public_id"), configuration__stage=Stage.LIVE
        )
        .select_related("configuration__connection__org")
        .order_by("id")
    )
)
IDENTITY = Statement(
    lambda: (
        SamlIdentity.objects.filter(org_id=number("org"), connection_id=number("connection"), name_id=text("name_id"))
        .select_related("connection", "membership__org", "membership__user")
        .order_by()
    )
)


@dataclass(frozen=True, slots=True)
class Versions:
    """A connection, the version in force and the one in preparation."""

    connection: Connection
    live: Configuration | None
    draft: Configuration | None


def list_connections(org: Organization) -> QuerySet[Connection]:
    """Return the connections of an organization, oldest first; there are never more than a few dozen."""
    return Connection.objects.filter(org=org).order_by("id")


def versions_of(org: Organization) -> Sequence[Versions]:
    """Return the organization's connections, oldest first, each with its versions. Three queries, however many there are."""
    kept = Configuration.objects.filter(stage__in=(Stage.LIVE, Stage.DRAFT)).prefetch_related("certificates")
    found = list_connections(org).select_related("org").prefetch_related(Prefetch("configurations", kept))
    return [_versions(connection) for connection in found]


def _versions(connection: Connection) -> Versions:
    by_stage = {Stage(one.stage): one for one in connection.configurations.all()}
    return Versions(connection, by_stage.get(Stage.LIVE), by_stage.get(Stage.DRAFT))


def find_connection(org: Organization, public_id: UUID) -> Connection:
    """Raises ConnectionUnknown."""
    try:
        return Connection.objects.select_related("org").get(org=org, public_id=public_id)
    except Connection.DoesNotExist as error:
        raise ConnectionUnknown from error


def connection_at(public_id: UUID) -> Connection:
    """Return the connection that a /saml/ URL names: there the URL itself selects the tenant. Raises ConnectionUnknown."""
    try:
        return Connection.objects.select_related("org").get(public_id=public_id)
    except Connection.DoesNotExist as error:
        raise ConnectionUnknown from error


def connection_to_finish(public_id: UUID) -> Connection:
    """Return the connection that a /saml/ URL names, with the version in force. One query. Raises ConnectionUnknown."""
    return _with_version(IN_FORCE.first(public_id=public_id), public_id)


def connection_to_verify(public_id: UUID) -> Connection:
    """Return the connection with the version in force and its certificates. One query. Raises ConnectionUnknown."""
    certificates = TRUSTED.all(public_id=public_id)
    if not certificates:
        return connection_to_finish(public_id)
    live = certificates[0].configuration
    live.seen_certificates = certificates
    return _with_version(live, public_id)


def _with_version(live: Configuration | None, public_id: UUID) -> Connection:
    if live is None:
        return connection_at(public_id)
    live.connection.seen_in_force = live
    return live.connection


def default_connection(org: Organization) -> Connection | None:
    """Return the connection through which the organization's people sign in: the first that is active."""
    return list_connections(org).filter(state=ConnectionState.ACTIVE).first()


def configuration(connection: Connection, stage: Stage) -> Configuration | None:
    """Return the version at this stage, with its certificates, or None."""
    found = Configuration.objects.filter(org_id=connection.org_id, connection=connection, stage=stage)
    return found.prefetch_related("certificates").first()


def in_force(connection: Connection) -> Configuration | None:
    """Return the version by which people sign in, as it is now or was read with the connection."""
    return connection.seen_in_force or configuration(connection, Stage.LIVE)


def in_preparation(connection: Connection) -> Configuration:
    """Return the version that is being prepared. Raises NothingInPreparation."""
    found = configuration(connection, Stage.DRAFT)
    if found is None:
        raise NothingInPreparation
    return found


def to_be_tested(connection: Connection) -> Configuration | None:
    """Return the version that a test sign-in tries: the one being prepared, else the one in force."""
    return configuration(connection, Stage.DRAFT) or in_force(connection)


def version_seen(connection: Connection, seen: Seen) -> Configuration:
    """Return the version in preparation or in force, when it is still what was seen. Raises SeenNoLonger."""
    for found in (configuration(connection, Stage.DRAFT), in_force(connection)):
        if found is not None and Seen(found.number, found.revision) == seen:
            return found
    raise SeenNoLonger


def replaces_idp(connection: Connection, number: int) -> bool:
    """Say whether to put this version in force would change the IdP: then sessions end, and NameIDs are forgotten."""
    live, draft = in_force(connection), configuration(connection, Stage.DRAFT)
    if live is None or draft is None or draft.number != number:
        return False
    return live.idp_entity_id != draft.idp_entity_id


def removed_certificates(live: Configuration | None, draft: Configuration | None) -> Sequence[IdpCertificate]:
    """Return the certificates that the version in force trusts and the one in preparation doesn't, at the same IdP."""
    if live is None or draft is None or live.idp_entity_id != draft.idp_entity_id:
        return ()
    kept = {certificate.fingerprint for certificate in draft.certificates.all()}
    return [certificate for certificate in live.certificates.all() if certificate.fingerprint not in kept]


def version_numbered(connection: Connection, number: int | None) -> Configuration | None:
    """Return the version of this number, whatever has become of it; None when there is none any more."""
    return Configuration.objects.filter(org_id=connection.org_id, connection=connection, number=number or 0).first()


def last_number(connection: Connection) -> int:
    """Return the highest number that a version of this connection has had."""
    numbers = Configuration.objects.filter(org_id=connection.org_id, connection=connection).order_by("-number")
    return numbers.values_list("number", flat=True).first() or 0


def addresses(connection: Connection) -> Addresses:
    """Return what an IdP asks for of our side."""
    base = f"{settings.PUBLIC_BASE_URL}/saml/{connection.public_id}"
    return Addresses(
        sp_entity_id=f"{base}/metadata",
        acs_url=f"{base}/acs",
        login_url=f"{base}/login",
        sp_metadata_url=f"{base}/metadata",
        suggested_idp_entity_id=connection.suggested_idp_entity_id,
    )


def certificates_beside(
    chosen: Configuration, entity_id: str, certificates: Sequence[Certificate]
) -> Sequence[IdpCertificate]:
    """Return what the version trusts of this IdP and is not among these certificates, as far as both fit together."""
    if chosen.idp_entity_id != entity_id:
        return ()
    given = {certificate.fingerprint for certificate in certificates}
    others = [certificate for certificate in chosen.certificates.all() if certificate.fingerprint not in given]
    # the newest of them, which are the most likely to be needed
    return others[-room:] if (room := MAX_CERTIFICATES - len(given)) > 0 else ()


def preferred_endpoint(chosen: Configuration) -> Endpoint:
    """Return where an AuthnRequest goes. Raises LookupError when the version has no IdP yet."""
    return chosen.endpoints[0]


def published_certificates(connection: Connection) -> Sequence[str]:
    """Return the certificates (PEM) of our keys that the metadata names, the next one beside the current."""
    keys = SpKey.objects.filter(org_id=connection.org_id, connection=connection)
    return list(keys.exclude(state=SpKeyState.PREVIOUS).values_list("certificate_pem", flat=True))


def sp_certificate(connection: Connection) -> str:
    """Return the certificate (PEM) of the key with which requests of this connection are signed."""
    keys = SpKey.objects.filter(org_id=connection.org_id, connection=connection, state=SpKeyState.CURRENT)
    return keys.values_list("certificate_pem", flat=True).get()


def signing_key(connection: Connection) -> SpKeyPair:
    """Return the key with which requests of this connection are signed."""
    key = SpKey.objects.get(org_id=connection.org_id, connection=connection, state=SpKeyState.CURRENT)
    return SpKeyPair(sealed.unseal(key.private_sealed), key.certificate_pem, key.fingerprint, key.not_after)


def find_identity(connection: Connection, name_id: str) -> SamlIdentity | None:
    """Return whose membership this NameID is."""
    return IDENTITY.first(org=connection.org_id, connection=connection.pk, name_id=name_id)


def identities_of(connection: Connection, membership: Membership) -> Sequence[SamlIdentity]:
    """Return the NameIDs by which this connection knows a membership."""
    known = SamlIdentity.objects.filter(org_id=connection.org_id, connection=connection, membership=membership)
    return list(known.select_related("connection", "membership"))


def values_to_copy(connection: Connection, chosen: Configuration | None) -> list[ValueToCopy]:
    """Return what the IdP's form asks for, in the order of that form."""
    ours = addresses(connection)
    name_id_format = NameIdFormat(chosen.name_id_format) if chosen is not None else NameIdFormat.EMAIL
    values = {
        # what the IdP really calls itself, once it is known
        SpValue.IDP_ENTITY_ID: (chosen.idp_entity_id if chosen else "") or ours.suggested_idp_entity_id,
        SpValue.SP_ENTITY_ID: ours.sp_entity_id,
        SpValue.ACS_URL: ours.acs_url,
        SpValue.SUBJECT_NAME: "email",
        SpValue.NAME_ID_FORMAT: name_id_format,
        SpValue.LOGIN_URL: ours.login_url,
        SpValue.SP_METADATA_URL: ours.sp_metadata_url,
        # a file to download
        SpValue.SP_CERTIFICATE: "",
    }
    there = provider(chosen.provider if chosen else connection.provider).guide
    hints = {one.value: one.hint for one in there.form if one.value is not None}
    if name_id_format is not there.name_id_format:
        # the provider's own hint is about the format that it usually has
        hints[SpValue.NAME_ID_FORMAT] = f"Choose the entry that ends with {name_id_format.rpartition(':')[2]}."
    return [
        ValueToCopy("", one.label, "", one.label, one.hint, one.required, one.choice)
        if one.value is None
        else ValueToCopy(one.value, one.value.label, values[one.value], one.label, hints[one.value], one.required)
        for one in there.form
    ]


def attribute_choice(chosen: Configuration) -> AttributeChoice:
    """Return how this version reads profiles."""
    return AttributeChoice(chosen.attribute_map, NameIdFormat(chosen.name_id_format), chosen.needs_both_signed)


def rules(connection: Connection) -> SignInRules:
    """Return what holds now for everybody who comes through this connection."""
    is_over = connection.jit_until_directory and people.has_directory_members(connection.org)
    return SignInRules(
        connection.jit and not is_over,
        Role(connection.default_role),
        connection.allow_idp_initiated,
        connection.jit_until_directory,
    )


def settings_etag(connection: Connection) -> str:
    """Return a mark of the name and the rules that hold now: after any change of either it is another."""
    held = rules(connection)
    facts = [connection.name, held.jit, held.default_role, held.allow_idp_initiated, held.jit_until_directory]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def attribute_rows(chosen: Configuration) -> list[ReadField]:
    """Return from which attribute each field of a profile is read."""
    usual = {row.field: row.name for row in provider(chosen.provider).guide.attributes}
    return [
        ReadField(field.label, chosen.attribute_map.get(field) or usual.get(field, ""), field in chosen.attribute_map)
        for field in ProfileField
    ]


def lock_connection(connection: Connection, *, may_delete: bool = False) -> Connection:
    """Return the connection as it is now, held until the transaction ends. Raises ConnectionUnknown.

    Rows that refer to it may still be written, unless it may be deleted. A version in force that was read with it is still
    in force when it was last turned on at the same time.
    """
    held = HELD_TO_DELETE if may_delete else HELD
    found = held.first(org=connection.org_id, pk=connection.pk)
    if found is None:
        raise ConnectionUnknown
    if found.turned_on_at == connection.turned_on_at:
        found.seen_in_force = connection.seen_in_force
    return found
