"""The keys that sign, made when they are first needed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sandbox.test_idp.store import writing
from sandbox.test_idp.types import KeyPair, Keys

BITS = 2048
NAMES = ("signing", "other")
LIFE = timedelta(days=5 * 365)
CLOCK_SLACK = timedelta(days=1)


def ensure_keys(folder: Path) -> Keys:
    """Return both key pairs, which are made once. Raises StateUnreadable."""
    with writing(folder) as db:
        found = {
            name: KeyPair(key, pem) for name, key, pem in db.execute("SELECT name, key, certificate FROM key_pair")
        }
        made = {name: _pair(name) for name in NAMES if name not in found}
        rows = [(name, pair.key, pair.certificate) for name, pair in made.items()]
        db.executemany("INSERT INTO key_pair (name, key, certificate) VALUES (?, ?, ?)", rows)
    return Keys(**found, **made)


def bare(certificate: str) -> str:
    """Return a certificate's base64 without PEM's lines, as metadata carries it."""
    return "".join(line for line in certificate.splitlines() if not line.startswith("-----"))


def _pair(usage: str) -> KeyPair:
    now = datetime.now(UTC)
    common_name = f"Sandbox IdP, not for production ({usage})"
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    certificate = builder.not_valid_before(now - CLOCK_SLACK).not_valid_after(now + LIFE).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return KeyPair(private.decode("ascii"), public.decode("ascii"))
