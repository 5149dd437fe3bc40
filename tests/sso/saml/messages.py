"""How these tests take vectors from the disk and ask the core about them."""

import base64
import json
from typing import Any

from sso.identity.errors import SignInError
from sso.identity.types import VerifiedIdentity
from sso.saml.response import verify
from sso.saml.types import Expectation
from tests.vectors.saml.world import FOLDER, NOW, expectation

GOOD_NAMES = sorted(path.stem for path in (FOLDER / "good").glob("*.xml"))
BAD_CODES: dict[str, str] = json.loads((FOLDER / "bad" / "codes.json").read_text(encoding="utf-8"))


def field(document: str | bytes) -> str:
    """Return the form field that carries this document."""
    return base64.b64encode(document.encode() if isinstance(document, str) else document).decode("ascii")


def good(name: str) -> bytes:
    return (FOLDER / "good" / f"{name}.xml").read_bytes()


def bad(name: str) -> bytes:
    return (FOLDER / "bad" / f"{name}.xml").read_bytes()


def said(name: str) -> dict[str, Any]:
    """Return what an accepted vector says, as its JSON has it."""
    found: dict[str, Any] = json.loads((FOLDER / "good" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def expected_of(name: str, **changes: object) -> Expectation:
    return expectation(*said(name)["pinned"], **changes)


def accepted(name: str, **changes: object) -> VerifiedIdentity:
    return verify(field(good(name)), expected_of(name, **changes), now=NOW)


def outcome(document: str | bytes, expected: Expectation, now: Any = NOW) -> VerifiedIdentity | SignInError:
    """Return the claims or the refusal; anything else that is raised is a defect."""
    try:
        return verify(field(document), expected, now=now)
    except SignInError as refusal:
        return refusal


def code_of(document: str | bytes, expected: Expectation | None = None, now: Any = NOW) -> str:
    """Return the code of the refusal, or an empty text."""
    found = outcome(document, expected or expectation(), now)
    return found.code if isinstance(found, SignInError) else ""
