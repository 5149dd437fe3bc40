"""AuthnRequests as they arrive, read without trust: small, without a DTD, and never more than they say."""

import base64
import binascii
import re
import zlib

from lxml import etree

from sandbox.test_idp.errors import AuthnRequestMismatch, RequestUnreadable
from sandbox.test_idp.types import App, AuthnRequestFacts

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "http://www.w3.org/2000/09/xmldsig#"
BYTES = 64 * 1024
TRUE = {"true", "1"}
NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


def read_redirect(text: str, *, is_signed: bool) -> AuthnRequestFacts:
    """Return what a request of the Redirect binding says (SAML Bindings §3.4.4.1). Raises RequestUnreadable."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        document = inflater.decompress(_decoded(text), BYTES)
    except zlib.error as error:
        raise RequestUnreadable("SAMLRequest isn’t compressed as the Redirect binding wants it (DEFLATE).") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise RequestUnreadable("SAMLRequest is cut off, or larger than 64 KB.")
    return _facts(document, "HTTP-Redirect", is_signed=is_signed)


def read_post(text: str) -> AuthnRequestFacts:
    """Return what a request of the POST binding says (SAML Bindings §3.5.4). Raises RequestUnreadable."""
    return _facts(_decoded(text), "HTTP-POST", is_signed=False)


def require_match(request: AuthnRequestFacts, app: App, sso_url: str) -> None:
    """Refuse a request that isn't of this app or isn't for this address. Raises AuthnRequestMismatch."""
    compared = (
        ("comes from", request.issuer, "the SP Entity ID", app.sp_entity_id),
        ("wants the answer at", request.acs_url or app.acs_url, "the ACS URL", app.acs_url),
        ("was made for", request.destination or sso_url, "this page’s address", sso_url),
    )
    for verb, asked, name, known in compared:
        if asked != known:
            raise AuthnRequestMismatch(
                f"The request {verb} “{asked}”, but {name} here is “{known}”. Make them the same."
            )


def _decoded(text: str) -> bytes:
    if not text:
        raise RequestUnreadable("SAMLRequest is missing. Start at the app, or open the app from the list.")
    if len(text) > 2 * BYTES:
        raise RequestUnreadable("SAMLRequest is larger than 64 KB.")
    try:
        # some wrap the lines
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestUnreadable("SAMLRequest isn’t base64.") from error


def _facts(document: bytes, binding: str, *, is_signed: bool) -> AuthnRequestFacts:
    root = _parsed(document)
    issuer = root.findtext(f"{{{SAML}}}Issuer", "").strip()
    request_id = root.get("ID", "")
    if not NAME.fullmatch(request_id) or not issuer:
        raise RequestUnreadable("The request lacks an ID that is one, or an Issuer.")
    policy = root.find(f"{{{PROTOCOL}}}NameIDPolicy")
    return AuthnRequestFacts(
        id=request_id,
        issuer=issuer,
        binding=binding,
        acs_url=root.get("AssertionConsumerServiceURL", ""),
        destination=root.get("Destination", ""),
        name_id_format="" if policy is None else policy.get("Format", ""),
        is_signed=is_signed or root.find(f"{{{DS}}}Signature") is not None,
        force_authn=root.get("ForceAuthn") in TRUE,
        is_passive=root.get("IsPassive") in TRUE,
    )


def _parsed(document: bytes) -> etree._Element:
    if len(document) > BYTES:
        raise RequestUnreadable("The request is larger than 64 KB.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RequestUnreadable("SAMLRequest isn’t XML.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise RequestUnreadable("The request holds a DTD, which SAML forbids.")
    if root.tag != f"{{{PROTOCOL}}}AuthnRequest" or root.get("Version") != "2.0":
        raise RequestUnreadable("The message isn’t an AuthnRequest of SAML 2.0.")
    return root
