"""Certificates as people have them: the DER within a text, whatever a console, a mail program or a word processor did to it."""

import base64
import binascii
import re
from dataclasses import dataclass

from sso.saml.metadata_errors import (
    CertificateIsFingerprint,
    CertificateIsKey,
    CertificateIsMetadata,
    CertificateIsPkcs7,
    CertificateIsRequest,
    CertificateUnreadable,
    PrivateKeyPasted,
)

# characters, and certificates, in one text or element
LONGEST_TEXT = 64 * 1024
MAX_IN_TEXT = 10
# word processors write hyphens as dashes, two of them as one, and blanks as blanks that don't break
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d-]+")
_BLANKS = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": ""}
)
# line breaks as JSON and environment files write them
_ESCAPES = re.compile(r"\\r\\n|\\n|\\r")
_HEADER = r"-\s*{word} (?:X509 |TRUSTED )?CERTIFICATE\s*-"
_BEGIN_OR_END = re.compile(_HEADER.format(word="(?:(BEGIN)|END)"), re.IGNORECASE)
_ELEMENT = re.compile(r"<(?:[\w.]+:)?X509Certificate(?:\s[^<>]*)?>([^<]*)</", re.IGNORECASE)
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


@dataclass(frozen=True, slots=True)
class PastedText:
    """The DER of each certificate in a text, in its order, and how many of them aren't DER at all."""

    certificates: tuple[bytes, ...]
    unreadable: int = 0


def encoded_certificates(text: str) -> PastedText:
    """Return the certificates that this text holds; what each of them says is not looked at here.

    Anybody may have written the text, so it is bounded, and read in a time that grows with its length alone. One that can't
    be read doesn't hinder the others. Raises CertificateUnreadable when none can, and where the text is known to be
    something else, what that is.
    """
    if len(text) > LONGEST_TEXT:
        raise CertificateUnreadable
    plain = _plain(text)
    _refuse_others(plain)
    if _FINGERPRINT.fullmatch(plain.strip()):
        raise CertificateIsFingerprint
    bodies = _blocks(plain) or _ELEMENT.findall(plain) or [plain]
    found: list[bytes] = []
    unreadable = 0
    for body in bodies:
        try:
            found.extend(_certificates_in(body))
        except CertificateUnreadable:
            unreadable += 1
    if not found or len(found) > MAX_IN_TEXT:
        raise CertificateUnreadable
    return PastedText(tuple(found), unreadable)


def _refuse_others(plain: str) -> None:
    for mark, problem in _OTHERS:
        if mark.search(plain):
            raise problem


def _blocks(plain: str) -> list[str]:
    """Return what stands between each BEGIN and the END that follows it."""
    found, start = [], -1
    for line in _BEGIN_OR_END.finditer(plain):
        if line[1]:
            start = line.end() if start < 0 else start
        elif start >= 0:
            found.append(plain[start : line.start()])
            start = -1
    return found


def _plain(text: str) -> str:
    """Return the text with the hyphens, blanks and line breaks that it was meant to have."""
    text = _without_comments(text.translate(_BLANKS))
    return _DASHES.sub("-", _ESCAPES.sub("\n", text)).strip().strip("\"'“”‘’,;")


def _without_comments(text: str) -> str:
    """Return the text without XML comments; one without an end stays."""
    kept, place = [], 0
    while (start := text.find("<!--", place)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[place:start])
        place = end + 3
    return "".join((*kept, text[place:]))


def _certificates_in(body: str) -> tuple[bytes, ...]:
    der = _decoded(body)
    if der.lstrip().startswith(b"-----BEGIN"):
        # base64 of a file that was base64 already, as Kubernetes and some consoles keep it; but not three times
        inner = _plain(der.decode("latin-1"))
        _refuse_others(inner)
        return tuple(one for block in _blocks(inner) for one in _sequences(_decoded(block)))
    return _sequences(der)


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


def _sequences(der: bytes) -> tuple[bytes, ...]:
    """Return the ASN.1 sequences that follow each other in these bytes. Raises CertificateUnreadable for anything else."""
    found: list[bytes] = []
    place = 0
    while place < len(der):
        # the head is four bytes at the most
        length = _length(der[place : place + 5])
        if not length or place + length > len(der) or len(found) == MAX_IN_TEXT:
            raise CertificateUnreadable
        found.append(der[place : place + length])
        place += length
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
