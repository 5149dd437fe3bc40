"""X.509 certificates of IdPs, whose keys verify, and our own keys, which sign."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, PublicKeyAlgorithmOID

from sso.connections.types import MAX_CERTIFICATES, Certificate, SpKeyPair
from sso.saml.metadata_errors import CertificateMissing, CertificateUnreadable, KeyIsPss, KeyTooWeak
from sso.saml.pasted import encoded_certificates
from sso.saml.types import LeftOut

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Unusable = CertificateUnreadable | KeyIsPss | KeyTooWeak
WHY_LEFT_OUT: dict[type[Unusable], LeftOut] = {
    CertificateUnreadable: LeftOut.UNREADABLE,
    KeyIsPss: LeftOut.PSS,
    KeyTooWeak: LeftOut.WEAK,
}
UNREADABLE_EXTENSION = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
# what RFC 4514 §2.4 escapes by a backslash; a null is written in digits, and stays
ESCAPED = re.compile(r"\\([ \"#+,;<=>\\])")
RSA_BITS = range(2048, 8193)
# with a longer one, verifying costs as much as signing
RSA_EXPONENTS = range(3, 2**64)
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
# as many are compared to tell issuers from signers; what stands behind them is left out
MOST_COMPARED = 2 * MAX_CERTIFICATES
SP_KEY_BITS = 2048
SP_KEY_LIFE = timedelta(days=3650)
CLOCK_SLACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReadCertificates:
    """Certificates whose keys may verify, each once, and why each of the others that came with them is left out."""

    certificates: tuple[Certificate, ...]
    left_out: tuple[LeftOut, ...] = ()


def read_certificate(text: str) -> Certificate:
    """Return the first certificate in this text, of a chain the one that signs.

    Raises CertificateUnreadable, KeyIsPss, KeyTooWeak.
    """
    return _read([text]).certificates[0]


def read_pasted_certificates(text: str) -> ReadCertificates:
    """Return the certificates that an admin pasted, in their order, without those that only signed another one here.

    Raises CertificateMissing, and when none of them can be used the reason of the first.
    """
    if not text.strip():
        raise CertificateMissing
    return _at_most_ten(_read([text]))


def usable(texts: Sequence[str], *, now: datetime) -> ReadCertificates:
    """Return those of an IdP's certificates that are to be pinned. One that begins later is among them: it waits for its turn.

    What has expired is left out beside what hasn't. Where all have expired, all are returned: that a pinned key's certificate
    ends doesn't revoke the key (SAML Metadata Interoperability Profile §2.6.1), and whether to take them is for the admin to
    say. Raises CertificateMissing, CertificateUnreadable, KeyIsPss, KeyTooWeak.
    """
    found = _read(texts)
    current = tuple(one for one in found.certificates if not one.has_expired(now))
    if not current:
        return _at_most_ten(found)
    expired = [LeftOut.EXPIRED] * (len(found.certificates) - len(current))
    return _at_most_ten(ReadCertificates(current, (*found.left_out, *expired)))


def _at_most_ten(found: ReadCertificates) -> ReadCertificates:
    taken = found.certificates[:MAX_CERTIFICATES]
    beyond = [LeftOut.TOO_MANY] * (len(found.certificates) - len(taken))
    return ReadCertificates(taken, (*found.left_out, *beyond))


def _read(texts: Sequence[str]) -> ReadCertificates:
    """Raises CertificateMissing, and when none can be used the reason of the first."""
    parsed, reasons = _parsed(texts)
    found: list[Certificate] = []
    compared = list(parsed.values())[:MOST_COMPARED]
    # the elements of one chain may be elements of their own, so all of them are compared
    for one in _without_issuers(compared):
        try:
            found.append(_described(one))
        except (CertificateUnreadable, KeyIsPss, KeyTooWeak) as reason:
            reasons.append(reason)
    if not found:
        # where each has signed another one, there is no reason yet
        raise reasons[0] if reasons else CertificateUnreadable if parsed else CertificateMissing
    beyond = [LeftOut.TOO_MANY] * (len(parsed) - len(compared))
    return ReadCertificates(tuple(found), (*(WHY_LEFT_OUT[type(reason)] for reason in reasons), *beyond))


def _parsed(texts: Sequence[str]) -> tuple[dict[bytes, x509.Certificate], list[Unusable]]:
    """Return the certificates in these texts by their fingerprints, and a reason for each that isn't one.

    Raises what a text is that is known to be something else.
    """
    found: dict[bytes, x509.Certificate] = {}
    reasons: list[Unusable] = []
    for text in texts:
        try:
            pasted = encoded_certificates(text)
        except CertificateUnreadable as reason:
            reasons.append(reason)
            continue
        reasons += [CertificateUnreadable() for _ in range(pasted.unreadable)]
        for der in pasted.certificates:
            try:
                one = x509.load_der_x509_certificate(der)
                found[one.fingerprint(hashes.SHA256())] = one
            except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
                reasons.append(CertificateUnreadable())
    return found, reasons


def _without_issuers(parsed: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Leave out each certificate that has signed another one: an authority's key must not be trusted to sign messages."""
    return [one for one in parsed if not any(_is_above(one, other) for other in parsed)]


def _is_above(issuer: x509.Certificate, other: x509.Certificate) -> bool:
    """Say whether the first has signed the second, or is named by it as its authority, also from behind a missing one."""
    # a renewed certificate of the same key has signed itself
    if other is issuer or _have_one_key(issuer, other):
        return False
    return _is_named_by(issuer, other) or _has_signed(issuer, other)


def _have_one_key(one: x509.Certificate, other: x509.Certificate) -> bool:
    try:
        return one.public_key() == other.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # what can't be read is refused later on
        return False


def _is_named_by(issuer: x509.Certificate, other: x509.Certificate) -> bool:
    """Say whether the second names the first by its key's identifier, or as its authority's own issuer (RFC 5280 §4.2.1.1)."""
    try:
        authority = other.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        names = [name.value for name in authority.authority_cert_issuer or () if isinstance(name, x509.DirectoryName)]
        if issuer.subject in names and other.issuer != other.subject:
            return True
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except UNREADABLE_EXTENSION:
        return False
    return authority.key_identifier == own.digest and authority.key_identifier is not None


def _has_signed(issuer: x509.Certificate, other: x509.Certificate) -> bool:
    """Say whether the first, which the second names, has signed it, or may have: a signature may not be verifiable."""
    try:
        if other.issuer != issuer.subject:
            return False
    except (ValueError, TypeError):
        # a name that can't be read is nobody's
        return False
    try:
        # an odd exponent would make this costly
        require_strong(issuer.public_key())
        other.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm, KeyTooWeak):
        return True
    return True


def _described(parsed: x509.Certificate) -> Certificate:
    if parsed.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
        # the library reads such a key as any RSA key, but it may only sign in a way that SAML's signatures don't know
        raise KeyIsPss
    try:
        return Certificate(
            pem=parsed.public_bytes(serialization.Encoding.PEM).decode("ascii"),
            fingerprint=parsed.fingerprint(hashes.SHA256()).hex(),
            subject=_subject(parsed),
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            key=_describe(require_strong(parsed.public_key())),
            is_authority=_is_authority(parsed),
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateUnreadable from error


def _is_authority(parsed: x509.Certificate) -> bool:
    try:
        return parsed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except UNREADABLE_EXTENSION:
        return False


def _subject(parsed: x509.Certificate) -> str:
    """Return the name as people read it. It is shown and never compared, so what the text form escapes stands as it is."""
    try:
        return ESCAPED.sub(r"\1", parsed.subject.rfc4514_string())[:300]
    except (ValueError, TypeError):
        # a name in a broken encoding, or of another type than its kind has, says nothing, and needn't
        return ""


def require_strong(key: object) -> PublicKey:
    """Return the key. Raises KeyTooWeak."""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS and key.public_numbers().e in RSA_EXPONENTS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES):
        return key
    raise KeyTooWeak(received=_describe(key))


def _describe(key: object) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey")


@lru_cache(maxsize=512)
def public_key(pem: str) -> PublicKey:
    """Return the key of a stored certificate. Raises KeyTooWeak."""
    return require_strong(x509.load_pem_x509_certificate(pem.encode("ascii")).public_key())


@lru_cache(maxsize=512)
def fingerprint(pem: str) -> str:
    """Return the SHA-256 over a stored certificate's DER in 64 hex digits."""
    return x509.load_pem_x509_certificate(pem.encode("ascii")).fingerprint(hashes.SHA256()).hex()


def make_key_pair(common_name: str, *, now: datetime) -> SpKeyPair:
    """Return a fresh RSA key and a certificate of it that we sign ourselves; IdPs take nothing but the key from it."""
    key = _new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + SP_KEY_LIFE)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    return SpKeyPair(private.decode("ascii"), public.decode("ascii"), digest, certificate.not_valid_after_utc)


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=SP_KEY_BITS)


def private_key(pair: SpKeyPair) -> rsa.RSAPrivateKey:
    """Return our own key. It was checked when it was made: to check it again would cost 50 ms each time."""
    key = serialization.load_pem_private_key(
        pair.private_pem.encode("ascii"), None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - `make_key_pair` makes no other
    return key


def bare(pem: str) -> str:
    """Return a certificate's base64 without PEM's lines, as XML carries it."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))
