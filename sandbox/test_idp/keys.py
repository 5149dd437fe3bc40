"""The keys that sign, made when they are first needed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sandbox.test_idp.files import change_json, unreadable
from sandbox.test_idp.types import KeyPair, Keys

BITS = 2048
LIFE = timedelta(days=5 * 365)
CLOCK_SLACK = timedelta(days=1)


def ensure_keys(folder: Path) -> Keys:
    """Both key pairs are in the folder; returns them. Raises StateUnreadable."""
    path = folder / "keys.json"
    row = change_json(path, None, lambda found: found or _fresh())
    try:
        return Keys(KeyPair(**row["signing"]), KeyPair(**row["other"]))
    except (KeyError, TypeError) as error:
        raise unreadable(path) from error


def bare(certificate: str) -> str:
    """Return a certificate's base64 without PEM's lines, as metadata carries it."""
    return "".join(line for line in certificate.splitlines() if not line.startswith("-----"))


def _fresh() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {name: _pair(f"Sandbox IdP, not for production ({name})", now) for name in ("signing", "other")}


def _pair(common_name: str, now: datetime) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    certificate = builder.not_valid_before(now - CLOCK_SLACK).not_valid_after(now + LIFE).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return {"key": private.decode("ascii"), "certificate": public.decode("ascii")}
