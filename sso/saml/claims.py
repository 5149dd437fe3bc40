"""Claims as plain JSON, for the minute in which they wait for their browser, and for a test that shows them."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sso.saml.types import Claims

MOMENTS = ("issued_at", "expires_at", "session_expires_at")


def as_json(claims: Claims) -> dict[str, Any]:
    """Return the claims in JSON types; `from_json` reads them back."""
    plain = asdict(claims)
    for name in MOMENTS:
        plain[name] = plain[name].isoformat() if plain[name] is not None else None
    return plain | {
        "attributes": {name: list(values) for name, values in claims.attributes.items()},
        "signed": sorted(claims.signed),
        "certificates": list(claims.certificates),
    }


def from_json(plain: Mapping[str, Any]) -> Claims:
    """Return the claims that `as_json` wrote."""
    moments = {name: datetime.fromisoformat(plain[name]) if plain[name] else None for name in MOMENTS}
    attributes = {name: tuple(values) for name, values in plain["attributes"].items()}
    plural = {"signed": frozenset(plain["signed"]), "certificates": tuple(plain.get("certificates", ()))}
    return Claims(**{**plain, **moments, **plural, "attributes": attributes})
