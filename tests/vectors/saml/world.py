"""The one connection that all vectors are about, and the moment at which they arrive."""

from datetime import UTC, datetime
from pathlib import Path

from sso.saml.types import Expectation

FOLDER = Path(__file__).parent
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
IDP = "https://idp.example/saml2/acme"
SP = "https://portal.example/saml/6f1c/metadata"
ACS = "https://portal.example/saml/6f1c/acs"
REQUEST = "_request-1"
# RSA 2048 of the IdP, RSA 2048 of somebody else, RSA 1024, EC P-256
KEYS = ("idp", "other", "weak", "ec")


def private_pem(name: str) -> bytes:
    return (FOLDER / "keys" / f"{name}.key.pem").read_bytes()


def certificate_pem(name: str) -> str:
    """Return a certificate; `look_alike` bears the IdP's names and number over the other's key."""
    return (FOLDER / "keys" / f"{name}.cert.pem").read_text(encoding="ascii")


def expectation(*keys: str, **changes: object) -> Expectation:
    """Return what the connection expects, with these keys pinned (the IdP's unless some are named)."""
    pinned = tuple(certificate_pem(key) for key in keys or ("idp",))
    given: dict[str, object] = {"idp_entity_id": IDP, "sp_entity_id": SP, "acs_url": ACS, "certificates": pinned}
    return Expectation(**given | changes)  # type: ignore[arg-type]
