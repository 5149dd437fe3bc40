"""Metadata: what an IdP says of itself, and what we say of ourselves (SAML Metadata §2.3, §2.4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from sso.connections.types import Binding, Certificate
from sso.saml.certificates import ReadCertificates, bare, usable
from sso.saml.endpoints import choose_endpoints
from sso.saml.markup import (
    BLANKS,
    DSIG,
    Element,
    InstructionForbidden,
    Malformed,
    MarkupForbidden,
    MarkupTooLarge,
    MarkupUnreadable,
    children,
    elements,
    line_of,
    local_name,
    parse,
    require_few_in_scope,
    run_in_thread,
    text_of,
)
from sso.saml.metadata_errors import (
    AmpersandUnescaped,
    CertificateMissing,
    CertificateNotIncluded,
    EntityIdInvalid,
    InstructionInMetadata,
    MetadataCutOff,
    MetadataEndUnreadable,
    MetadataError,
    MetadataExpired,
    MetadataForbidden,
    MetadataIsHtml,
    MetadataOfNoIdp,
    MetadataOfOther,
    MetadataOfSeveral,
    MetadataOfSp,
    MetadataTooLarge,
    MetadataUnreadable,
    NamespaceMissing,
    PrefixUndeclared,
    ProtocolMissing,
    ProtocolUnsupported,
    RolesAmbiguous,
)
from sso.saml.metadata_input import plain_metadata, skipped_lines
from sso.saml.types import IdpMetadata, ServiceProvider

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
MAX_ELEMENTS = 10_000
LONGEST_ENTITY_ID = 1_024
ENTITIES = ("EntityDescriptor", "EntitiesDescriptor")
MALFORMED: dict[Malformed, type[MetadataError]] = {
    Malformed.AMPERSAND: AmpersandUnescaped,
    Malformed.PREFIX: PrefixUndeclared,
    Malformed.CUT_OFF: MetadataCutOff,
}
# xs:dateTime, which may leave its zone out
UNTIL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ManualIdp:
    """What an admin types when there is no metadata."""

    entity_id: str
    sign_in_url: str
    binding: Binding
    certificates: tuple[Certificate, ...]


def read_idp_metadata(document: bytes, *, now: datetime, allows_loopback: bool = False) -> IdpMetadata:
    """Return the one identity provider that this document describes; other roles and a signature are left alone.

    With `allows_loopback` an endpoint may be http on this machine. Raises MetadataError.
    """
    plain = plain_metadata(document)
    try:
        return run_in_thread(lambda: _read(plain, now, allows_loopback=allows_loopback))
    except MetadataError as error:
        error.line += skipped_lines(document) if error.line else 0
        raise


def _read(document: bytes, now: datetime, *, allows_loopback: bool) -> IdpMetadata:
    role = _only_idp(_screen(document))
    entity = role.getparent()
    assert entity is not None  # noqa: S101 - `_only_idp` has seen it
    for holder in (role, *role.iterancestors()):
        _require_valid(holder, now)
    found = _certificates(role, now)
    chosen = choose_endpoints(children(role, MD, "SingleSignOnService"), allows_loopback=allows_loopback)
    return IdpMetadata(
        entity_id=_entity_id(entity),
        endpoints=chosen.endpoints,
        certificates=found.certificates,
        name_id_formats=tuple(text.strip() for form in children(role, MD, "NameIDFormat") if (text := text_of(form))),
        wants_signed_requests=role.get("WantAuthnRequestsSigned") in {"true", "1"},
        left_out=found.left_out,
        urls_left_out=chosen.left_out,
    )


def _screen(document: bytes) -> Element:
    try:
        root = parse(document)
        require_few_in_scope(elements(root, at_most=MAX_ELEMENTS, with_comments=True), at_most=MAX_ELEMENTS)
    except MarkupUnreadable as error:
        raise MALFORMED.get(error.malformed, MetadataUnreadable)(line=error.line) from error
    except InstructionForbidden as error:
        raise InstructionInMetadata(received=str(error), line=error.line) from error
    except MarkupForbidden as error:
        raise MetadataForbidden(line=error.line) from error
    except MarkupTooLarge as error:
        raise MetadataTooLarge from error
    if local_name(root) == "html":
        raise MetadataIsHtml
    return root


def _only_idp(root: Element) -> Element:
    """Return the role of the one IdP; federations list several. Raises MetadataError where it isn't one that we can use."""
    roles = list(root.iter(f"{{{MD}}}IDPSSODescriptor"))
    found = [role for role in roles if PROTOCOL in _protocols(role)]
    if not roles:
        raise _without_idp(root)
    if not found:
        raise _without_saml_2(roles[0])
    if len(found) > 1:
        raise _with_several(found)
    entity = found[0].getparent()
    if entity is None or entity.tag != f"{{{MD}}}EntityDescriptor":
        raise MetadataOfNoIdp(received="an IDPSSODescriptor outside of an EntityDescriptor", line=line_of(found[0]))
    return found[0]


def _protocols(role: Element) -> list[str]:
    return (role.get("protocolSupportEnumeration") or "").split()


def _without_idp(root: Element) -> MetadataError:
    """Return what a document is in which no element is an IDPSSODescriptor."""
    elsewhere = [node for node in root.iter("{*}IDPSSODescriptor", "{*}EntityDescriptor") if _namespace(node) != MD]
    if elsewhere:
        return NamespaceMissing(received=_namespace(elsewhere[0]) or "no namespace", line=line_of(elsewhere[0]))
    sp = next(root.iter(f"{{{MD}}}SPSSODescriptor"), None)
    if sp is not None:
        return MetadataOfSp(line=line_of(sp))
    if local_name(root) in ENTITIES:
        return MetadataOfNoIdp()
    return MetadataOfOther(received=str(root.tag), line=line_of(root))


def _namespace(node: Element) -> str:
    return etree.QName(node).namespace or ""


def _without_saml_2(role: Element) -> MetadataError:
    named = " ".join(_protocols(role))
    return ProtocolUnsupported(received=named, line=line_of(role)) if named else ProtocolMissing(line=line_of(role))


def _with_several(roles: Sequence[Element]) -> MetadataError:
    if len({role.getparent() for role in roles}) == 1:
        return RolesAmbiguous(line=line_of(roles[1]))
    return MetadataOfSeveral(received=f"{len(roles)} identity providers", line=line_of(roles[1]))


def _require_valid(holder: Element, now: datetime) -> None:
    """Raises MetadataExpired, MetadataEndUnreadable."""
    until = holder.get("validUntil")
    if until is None:
        return
    try:
        ends = _end(until)
    except ValueError as error:
        raise MetadataEndUnreadable(received=until, line=line_of(holder)) from error
    if ends is not None and ends <= now:
        raise MetadataExpired(received=until, line=line_of(holder))


def _end(until: str) -> datetime | None:
    """Return the moment, in UTC where it names no zone; None for year 1, by which some .NET libraries say that it has none.

    Raises ValueError.
    """
    text = until.strip(BLANKS)
    if not UNTIL.fullmatch(text):
        raise ValueError(text)
    found = datetime.fromisoformat(text)
    return None if found.year == 1 else found.replace(tzinfo=found.tzinfo or UTC)


def _certificates(role: Element, now: datetime) -> ReadCertificates:
    """Return the certificates for signing and why others are left out; a key without a use serves for both (§2.4.1.1).

    They are read here and not by pysaml2, which keeps the last of several certificates in one X509Data. Raises
    CertificateNotIncluded, and what `usable` raises.
    """
    keys = [key for key in children(role, MD, "KeyDescriptor") if key.get("use") in {None, "signing"}]
    found = [certificate for key in keys for certificate in key.iter(f"{{{DSIG}}}X509Certificate")]
    if keys and not found:
        held = sorted({local_name(node) for key in keys for info in key for node in info if isinstance(node.tag, str)})
        raise CertificateNotIncluded(received=", ".join(held) or "an empty KeyInfo", line=line_of(keys[0]))
    try:
        return usable([_commented_text(certificate) for certificate in found], now=now)
    except CertificateMissing as error:
        error.line = line_of(role)
        raise
    except MetadataError as error:
        error.line = line_of(found[0])
        raise


def _commented_text(node: Element) -> str:
    """Return an element's text with its comments left out, empty when it has other children."""
    if any(isinstance(child.tag, str) for child in node):
        return ""
    return "".join([node.text or "", *(child.tail or "" for child in node)])


def _entity_id(entity: Element) -> str:
    text = (entity.get("entityID") or "").strip(BLANKS)
    if not text.strip() or len(text) > LONGEST_ENTITY_ID or not text.isprintable():
        raise EntityIdInvalid(received=text, line=line_of(entity))
    return text


def describe_idp(idp: ManualIdp) -> bytes:
    """Return metadata that says what the admin typed, so that each way in is read by one reader."""
    from saml2 import md

    role = md.IDPSSODescriptor(
        protocol_support_enumeration=PROTOCOL,
        key_descriptor=[_key_descriptor(certificate.pem) for certificate in idp.certificates],
        single_sign_on_service=[md.SingleSignOnService(binding=idp.binding.value, location=idp.sign_in_url)],
    )
    return _written(md.EntityDescriptor(entity_id=idp.entity_id, idpsso_descriptor=role))


def describe_sp(sp: ServiceProvider, certificates: Sequence[str]) -> bytes:
    """Return our metadata for one connection: names, ACS, NameID format and the certificates (PEM) of our keys."""
    from saml2 import md

    role = md.SPSSODescriptor(
        protocol_support_enumeration=PROTOCOL,
        authn_requests_signed="true",
        want_assertions_signed="true",
        key_descriptor=[_key_descriptor(pem) for pem in certificates],
        name_id_format=[md.NameIDFormat(text=str(sp.name_id_format))],
        assertion_consumer_service=[
            md.AssertionConsumerService(binding=Binding.POST.value, location=sp.acs_url, index="0", is_default="true")
        ],
    )
    return _written(md.EntityDescriptor(entity_id=sp.entity_id, spsso_descriptor=role))


def _written(descriptor: Any) -> bytes:
    text: bytes = descriptor.to_string({"md": MD, "ds": DSIG})
    return text


def _key_descriptor(pem: str) -> Any:
    from saml2 import md, xmldsig

    x509 = xmldsig.X509Data(x509_certificate=[xmldsig.X509Certificate(text=bare(pem))])
    return md.KeyDescriptor(use="signing", key_info=xmldsig.KeyInfo(x509_data=[x509]))
