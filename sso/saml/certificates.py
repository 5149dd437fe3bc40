"""X.509 certificates of IdPs, whose keys verify, and our own keys, which sign."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, PublicKeyAlgorithmOID

from sso.connections.types import Certificate, SpKeyPair
from sso.saml.metadata_errors import CertificateExpired, CertificateMissing, CertificateUnreadable, KeyIsPss, KeyTooWeak
from sso.saml.pasted import encoded_certificates
from sso.saml.types import LeftOut

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Unusable = CertificateUnreadable | KeyIsPss | KeyTooWeak | CertificateExpired
WHY_LEFT_OUT: dict[type[Unusable], LeftOut] = {
    CertificateUnreadable: LeftOut.UNREADABLE,
    KeyIsPss: LeftOut.PSS,
    KeyTooWeak: LeftOut.WEAK,
    CertificateExpired: LeftOut.EXPIRED,
}
MAX_CERTIFICATES = 10
RSA_BITS = range(2048, 8193)
# with a longer one, verifying costs as much as signing
RSA_EXPONENTS = range(3, 2**64)
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
# as many are compared to tell issuers from signers; what stands behind them is left out
MOST_COMPARED = 2 * MAX_CERTIFICATES
SP_KEY_BITS = 2048
SP_KEY_LIFE = timedelta(days=3650)
CLOCK_SLACK = timedelta(days=1)


def read_certificate(text: str) -> Certificate:
    """Return the first certificate in this text, of a chain the one that signs.

    Raises CertificateUnreadable, KeyIsPss, KeyTooWeak.
    """
    return read_chain(text)[0]


def read_chain(text: str) -> tuple[Certificate, ...]:
    """Return the certificates in this text whose keys may sign: without those that only signed another one here.

    Raises CertificateUnreadable, KeyIsPss, KeyTooWeak.
    """
    signers = _without_issuers(_parsed(text))
    if not signers:
        # each has signed another one
        raise CertificateUnreadable
    return tuple(_described(one) for one in signers)


def _parsed(text: str) -> list[x509.Certificate]:
    try:
        return [x509.load_der_x509_certificate(der) for der in encoded_certificates(text)]
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise CertificateUnreadable from error


def _without_issuers(parsed: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Leave out each certificate that has signed another one: an authority's key must not be trusted to sign messages."""
    return [one for one in parsed if not any(_has_signed(one, other) for other in parsed)]


def _has_signed(issuer: x509.Certificate, other: x509.Certificate) -> bool:
    """Say whether the first has signed the second, or may have: of a signature that can't be verified the name decides."""
    try:
        # a renewed certificate of the same key has signed itself
        if other is issuer or other.issuer != issuer.subject or other.public_key() == issuer.public_key():
            return False
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
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateUnreadable from error


def _subject(parsed: x509.Certificate) -> str:
    try:
        return parsed.subject.rfc4514_string()[:300]
    except (ValueError, TypeError):
        # a name in a broken encoding, or of another type than its kind has, says nothing, and needn't
        return ""


def read_pasted_certificates(text: str) -> tuple[Certificate, ...]:
    """Return the certificates that an admin pasted, in their order. Raises CertificateMissing and what one of them raises."""
    if not text.strip():
        raise CertificateMissing
    return read_chain(text)


def usable(texts: Sequence[str], *, now: datetime) -> tuple[tuple[Certificate, ...], tuple[LeftOut, ...]]:
    """Return those of an IdP's certificates that may verify, each once, and why each of the others is left out.

    Raises CertificateMissing, and when none is left the reason of the first: CertificateUnreadable, KeyTooWeak,
    CertificateExpired.
    """
    parsed: dict[bytes, x509.Certificate] = {}
    reasons: list[Unusable] = []
    for text in texts:
        try:
            parsed |= {one.fingerprint(hashes.SHA256()): one for one in _parsed(text)}
        except (CertificateUnreadable, KeyIsPss, KeyTooWeak) as reason:
            reasons.append(reason)
    found: list[Certificate] = []
    # the elements of one chain may be elements of their own, so all of them are compared
    for one in _without_issuers(list(parsed.values())[:MOST_COMPARED]):
        try:
            certificate = _described(one)
            require_current(certificate, now=now)
            found.append(certificate)
        except (CertificateUnreadable, KeyIsPss, KeyTooWeak, CertificateExpired) as reason:
            reasons.append(reason)
    if not found:
        raise reasons[0] if reasons else CertificateMissing
    taken = tuple(found[:MAX_CERTIFICATES])
    beyond = [LeftOut.TOO_MANY] * (len(found) - len(taken) + max(0, len(parsed) - MOST_COMPARED))
    return taken, (*(WHY_LEFT_OUT[type(reason)] for reason in reasons), *beyond)


def require_current(certificate: Certificate, *, now: datetime) -> None:
    """Raises CertificateExpired. One that begins later is accepted: it waits for a change of keys."""
    if certificate.not_after <= now:
        raise CertificateExpired(received=f"{certificate.not_after:%Y-%m-%d}")


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
