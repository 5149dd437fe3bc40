"""Metadata: what an IdP says of itself, and what we say of ourselves (SAML Metadata §2.3, §2.4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from sso.saml.certificates import bare, usable
from sso.saml.markup import (
    DSIG,
    Element,
    MarkupForbidden,
    MarkupMisencoded,
    MarkupTooLarge,
    MarkupUnreadable,
    children,
    elements,
    parse,
    run_in_thread,
    text_of,
)
from sso.saml.metadata_errors import (
    EndpointMissing,
    EndpointNotHttps,
    EntityIdInvalid,
    MetadataEndUnreadable,
    MetadataExpired,
    MetadataForbidden,
    MetadataIsHtml,
    MetadataMisencoded,
    MetadataOfNoIdp,
    MetadataOfSeveral,
    MetadataTooLarge,
    MetadataUnreadable,
)
from sso.saml.reading import BLANKS
from sso.saml.types import Binding, Certificate, Endpoint, IdpMetadata, ServiceProvider

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
LARGEST_DOCUMENT = 1024 * 1024
MAX_ELEMENTS = 10_000
LONGEST_ENTITY_ID = 1_024
LONGEST_URL = 2_000
# what a name or an IP address is written with: a policy of ours names the host, and there `*` would mean any
HOST = re.compile(r"[a-z0-9._:-]+")
WEB_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s|<\?xml.*?\?>|<!--.*?-->)*+<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
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
    return run_in_thread(lambda: _read(document, now, allows_loopback=allows_loopback))


def _read(document: bytes, now: datetime, *, allows_loopback: bool) -> IdpMetadata:
    role = _only_idp(_screen(document))
    entity = role.getparent()
    assert entity is not None  # noqa: S101 - `_only_idp` has seen it
    for holder in (role, *role.iterancestors()):
        _require_valid(holder.get("validUntil"), now)
    # read here and not by pysaml2, which keeps the last of several certificates in one X509Data
    certificates, left_out = usable(_signing_certificates(role), now=now)
    return IdpMetadata(
        entity_id=_entity_id(entity.get("entityID") or ""),
        endpoints=_endpoints(children(role, MD, "SingleSignOnService"), allows_loopback=allows_loopback),
        certificates=certificates,
        name_id_formats=tuple(text.strip() for form in children(role, MD, "NameIDFormat") if (text := text_of(form))),
        wants_signed_requests=role.get("WantAuthnRequestsSigned") in {"true", "1"},
        left_out=left_out,
    )


def _screen(document: bytes) -> Element:
    if len(document) > LARGEST_DOCUMENT:
        raise MetadataTooLarge
    if WEB_PAGE.match(document):
        raise MetadataIsHtml
    try:
        root = parse(document.strip())
        elements(root, at_most=MAX_ELEMENTS, with_comments=True)
    except MarkupMisencoded as error:
        raise MetadataMisencoded from error
    except MarkupUnreadable as error:
        raise MetadataUnreadable from error
    except MarkupForbidden as error:
        raise MetadataForbidden from error
    except MarkupTooLarge as error:
        raise MetadataTooLarge from error
    if etree.QName(root).localname == "html":
        raise MetadataIsHtml
    return root


def _only_idp(root: Element) -> Element:
    """Return the role of the one IdP; federations list several. Raises MetadataOfNoIdp, MetadataOfSeveral."""
    found = [node for node in root.iter(f"{{{MD}}}IDPSSODescriptor") if PROTOCOL in _protocols(node)]
    if len(found) > 1:
        raise MetadataOfSeveral(received=f"{len(found)} identity providers")
    entity = found[0].getparent() if found else None
    if entity is None or entity.tag != f"{{{MD}}}EntityDescriptor":
        raise MetadataOfNoIdp(received=str(root.tag))
    return found[0]


def _protocols(role: Element) -> list[str]:
    return (role.get("protocolSupportEnumeration") or "").split()


def _require_valid(until: str | None, now: datetime) -> None:
    """Raises MetadataExpired, MetadataEndUnreadable."""
    ends = _end(until) if until is not None else None
    if ends is not None and ends <= now:
        raise MetadataExpired(received=until or "")


def _end(until: str) -> datetime | None:
    """Return the moment, in UTC where it names no zone; None for year 1, by which some .NET libraries say that it has none.

    Raises MetadataEndUnreadable.
    """
    text = until.strip(BLANKS)
    try:
        found = datetime.fromisoformat(text) if UNTIL.fullmatch(text) else None
    except ValueError as error:
        raise MetadataEndUnreadable(received=until) from error
    if found is None:
        raise MetadataEndUnreadable(received=until)
    return None if found.year == 1 else found.replace(tzinfo=found.tzinfo or UTC)


def _signing_certificates(role: Element) -> list[str]:
    """Return the certificates for signing; a key without a use serves for both (SAML Metadata §2.4.1.1)."""
    return [
        _commented_text(certificate)
        for descriptor in children(role, MD, "KeyDescriptor")
        if descriptor.get("use") in {None, "signing"}
        for certificate in descriptor.iter(f"{{{DSIG}}}X509Certificate")
    ]


def _commented_text(node: Element) -> str:
    """Return an element's text with its comments left out, empty when it has other children."""
    if any(isinstance(child.tag, str) for child in node):
        return ""
    return "".join([node.text or "", *(child.tail or "" for child in node)])


def _entity_id(text: str) -> str:
    text = text.strip(BLANKS)
    if not text.strip() or len(text) > LONGEST_ENTITY_ID or not text.isprintable():
        raise EntityIdInvalid(received=text)
    return text


def _endpoints(services: Sequence[Element], *, allows_loopback: bool) -> tuple[Endpoint, ...]:
    """Return one endpoint for each binding that we speak, Redirect first. Raises EndpointMissing, EndpointNotHttps."""
    found: dict[str, str] = {}
    for service in services:
        found.setdefault(service.get("Binding") or "", (service.get("Location") or "").strip())
    known = [Endpoint(binding, found[binding]) for binding in Binding if found.get(binding)]
    if not known:
        raise EndpointMissing(received=", ".join(found))
    for endpoint in known:
        require_safe_url(endpoint.location, allows_loopback=allows_loopback)
    return tuple(known)


def require_safe_url(url: str, *, allows_loopback: bool) -> None:
    """Raises EndpointNotHttps unless a browser can be sent there: https, or http on this machine where that is allowed."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        # reading it checks it
        _ = parts.port
    except ValueError as error:
        raise EndpointNotHttps(received=url) from error
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(" <>\"'\\;") and len(url) <= LONGEST_URL
    is_known = parts.scheme == "https" or (parts.scheme == "http" and allows_loopback and is_loopback(host))
    if not (is_plain and is_known and HOST.fullmatch(host) and "@" not in parts.netloc and not parts.fragment):
        raise EndpointNotHttps(received=url)


def is_loopback(host: str) -> bool:
    """Say whether this name means this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


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
