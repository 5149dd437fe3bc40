"""Makes the test keys. They are worth nothing anywhere else, and are kept so that signatures stay what they are."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.vectors.saml.world import FOLDER, KEYS, private_pem

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
SERIAL = 0x6A7E


def make_keys() -> None:
    """Every key has a file, and a certificate of its own; those that have one keep it."""
    folder = FOLDER / "keys"
    folder.mkdir(exist_ok=True)
    for name in KEYS:
        path = folder / f"{name}.key.pem"
        if not path.exists():
            path.write_bytes(written(fresh(name)))
    for name, key in [(name, name) for name in KEYS] + [("look_alike", "other")]:
        path = folder / f"{name}.cert.pem"
        if not path.exists():
            path.write_bytes(certificate("idp" if name == "look_alike" else name, stored(key)))


def fresh(name: str) -> Key:
    if name == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if name == "weak" else 2048)


def stored(name: str) -> Key:
    key = serialization.load_pem_private_key(private_pem(name), None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def written(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate(common_name: str, key: Key, **dates: datetime) -> bytes:
    """Return a certificate that the key signed itself, for 2026 to 2046 unless other dates are given, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{common_name}.example")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(SERIAL)
        .not_valid_before(dates.get("begins", datetime(2026, 1, 1, tzinfo=UTC)))
        .not_valid_after(dates.get("ends", datetime(2046, 1, 1, tzinfo=UTC)))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
