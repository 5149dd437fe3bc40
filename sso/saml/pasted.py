"""Certificates as people have them: the DER within a text, whatever a console, a mail program or a word processor did to it."""

import base64
import binascii
import re

from sso.saml.metadata_errors import (
    CertificateIsFingerprint,
    CertificateIsKey,
    CertificateIsMetadata,
    CertificateIsPkcs7,
    CertificateIsRequest,
    CertificateUnreadable,
    PrivateKeyPasted,
)

# word processors write hyphens as dashes, two of them as one, and blanks as blanks that don't break
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d-]+")
_BLANKS = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": ""}
)
# line breaks as JSON and environment files write them
_ESCAPES = re.compile(r"\\r\\n|\\n|\\r")
_HEADER = r"-\s*{word} (?:X509 |TRUSTED )?CERTIFICATE\s*-"
_BLOCK = re.compile(f"{_HEADER.format(word='BEGIN')}(.*?){_HEADER.format(word='END')}", re.IGNORECASE | re.DOTALL)
_ELEMENT = re.compile(r"<(?:[\w.]+:)?X509Certificate(?:\s[^<>]*)?>([^<]*)</", re.IGNORECASE)
_XML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# "# signing key", "subject=CN = idp", "Proc-Type: 4,ENCRYPTED": lines that base64 can't hold
_REMARK = re.compile(r"^[ \t]*(?:#|;|[A-Za-z][\w -]*:|subject ?=|issuer ?=).*$", re.MULTILINE)
_PIECE = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_FINGERPRINT = re.compile(r"(?:sha-?(?:1|256)\W*)?(?:[0-9a-f]{2}[: ]?){20}(?:(?:[0-9a-f]{2}[: ]?){12})?", re.IGNORECASE)
_OTHERS = (
    (re.compile(r"PRIVATE KEY\s*-", re.IGNORECASE), PrivateKeyPasted),
    (re.compile(r"BEGIN (?:NEW )?CERTIFICATE REQUEST", re.IGNORECASE), CertificateIsRequest),
    (re.compile(r"BEGIN PKCS ?#?7|BEGIN CMS", re.IGNORECASE), CertificateIsPkcs7),
    (re.compile(r"BEGIN (?:RSA |SSH2 )?PUBLIC KEY|^\s*ssh-(?:rsa|ed25519) ", re.IGNORECASE), CertificateIsKey),
    (re.compile(r"<(?:\w+:)?(?:EntityDescriptor|EntitiesDescriptor)\b"), CertificateIsMetadata),
)


def encoded_certificates(text: str) -> tuple[bytes, ...]:
    """Return the DER of each certificate that this text holds, in its order; what each holds is not looked at here.

    Raises CertificateUnreadable, and where the text is known to be something else, what that is.
    """
    plain = _plain(text)
    for mark, problem in _OTHERS:
        if mark.search(plain):
            raise problem
    if _FINGERPRINT.fullmatch(plain.strip()):
        raise CertificateIsFingerprint
    bodies = _BLOCK.findall(plain) or _ELEMENT.findall(plain) or [plain]
    found = tuple(der for body in bodies for der in _certificates_in(body))
    if not found:
        raise CertificateUnreadable
    return found


def _plain(text: str) -> str:
    """Return the text with the hyphens, blanks and line breaks that it was meant to have."""
    text = _XML_COMMENT.sub("", text.translate(_BLANKS))
    return _DASHES.sub("-", _ESCAPES.sub("\n", text)).strip().strip("\"'“”‘’,;")


def _certificates_in(body: str) -> tuple[bytes, ...]:
    der = _decoded(body)
    if der.lstrip().startswith(b"-----BEGIN"):
        # base64 of a file that was base64 already, as Kubernetes and some consoles keep it; but not three times
        return tuple(one for block in _BLOCK.findall(_plain(der.decode("latin-1"))) for one in _apart(_decoded(block)))
    return _apart(der)


def _decoded(body: str) -> bytes:
    """Return the bytes of base64 text, in which each piece may have padding of its own. Raises CertificateUnreadable."""
    text = "".join(_REMARK.sub("", body).split())
    pieces = _PIECE.findall(text)
    if not pieces or "".join(pieces) != text:
        raise CertificateUnreadable
    try:
        return b"".join(base64.b64decode(piece, validate=True) for piece in pieces)
    except binascii.Error as error:
        raise CertificateUnreadable from error


def _apart(der: bytes) -> tuple[bytes, ...]:
    """Return the ASN.1 sequences that follow each other in these bytes. Raises CertificateUnreadable for anything else."""
    found = []
    while der:
        length = _length(der)
        if not length or length > len(der):
            raise CertificateUnreadable
        found.append(der[:length])
        der = der[length:]
    return tuple(found)


def _length(der: bytes) -> int:
    """Return how long the first sequence is with its head (X.690 §8.1.3), 0 when there is none."""
    if len(der) < 2 or der[0] != 0x30:
        return 0
    size = der[1] & 0x7F
    if der[1] < 0x80:
        return 2 + size
    # a certificate is shorter than 64 KB
    return 2 + size + int.from_bytes(der[2 : 2 + size]) if 1 <= size <= 3 else 0
