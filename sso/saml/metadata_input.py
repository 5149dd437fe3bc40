"""Metadata as people bring it: the XML within what they upload or link to, in UTF-8, or what it is instead."""

import base64
import binascii
import re

from sso.saml.encoding import as_utf_8
from sso.saml.markup import MarkupMisencoded, MarkupTooLarge
from sso.saml.metadata_errors import (
    MetadataIsCertificate,
    MetadataIsCopiedPage,
    MetadataIsHtml,
    MetadataIsJson,
    MetadataIsOidc,
    MetadataMisencoded,
    MetadataTooLarge,
)

LARGEST_DOCUMENT = 1024 * 1024
# what a DER certificate begins with
SEQUENCE = b"\x30\x82"
WEB_PAGE = re.compile(rb"(?>\s|<\?xml.*?\?>|<!--.*?-->)*+<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
BASE64 = re.compile(rb"[A-Za-z0-9+/\s]{40,}={0,2}\s*")
OIDC_NAMES = (b'"authorization_endpoint"', b'"jwks_uri"')


def plain_metadata(document: bytes) -> bytes:
    """Return the XML document in UTF-8, at most 1 MB of it; where it is base64 of one, what that holds.

    Nothing is parsed yet. What is returned is returned unchanged when it is given again. Raises MetadataTooLarge,
    MetadataMisencoded, and what the document is when that isn't XML.
    """
    text = _in_utf_8(document)
    if BASE64.fullmatch(text):
        decoded = _decoded(text)
        if decoded.startswith(SEQUENCE):
            raise MetadataIsCertificate
        # once, and only to XML: otherwise it is read as what it was
        inner = _in_utf_8(decoded)
        text = inner if inner.startswith(b"<") else text
    _refuse_others(text)
    return text.strip()


def skipped_lines(document: bytes) -> int:
    """Return how many lines `plain_metadata` takes away before the XML: those that it leaves are counted from there."""
    return document[: len(document) - len(document.lstrip())].count(b"\n")


def _in_utf_8(document: bytes) -> bytes:
    if len(document) > LARGEST_DOCUMENT:
        raise MetadataTooLarge
    try:
        return as_utf_8(document, at_most=LARGEST_DOCUMENT)
    except MarkupMisencoded as error:
        raise MetadataMisencoded(received=str(error)) from error
    except MarkupTooLarge as error:
        raise MetadataTooLarge from error


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return b""


def _refuse_others(text: bytes) -> None:
    """Raises MetadataIsHtml, -Json, -Oidc, -Certificate, -CopiedPage, by how the text begins."""
    if WEB_PAGE.match(text):
        raise MetadataIsHtml
    if text.startswith((b"{", b"[")):
        raise MetadataIsOidc if any(name in text for name in OIDC_NAMES) else MetadataIsJson
    if text.startswith(b"-----BEGIN"):
        raise MetadataIsCertificate
    if not text.startswith(b"<") and b"EntityDescriptor" in text:
        raise MetadataIsCopiedPage
