"""How one defect is put into a message.

What a signature covers is signed after the defect was made, unless the defect is that it was made later.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from tests.vectors.saml import flavours
from tests.vectors.saml.flavours import Occasion
from tests.vectors.saml.keys import stored
from tests.vectors.saml.signing import DSIG, STANDARD, Style, sign
from tests.vectors.saml.world import ACS, IDP, SP

Edit = tuple[str, str]


@dataclass(frozen=True)
class Bad:
    """A message with one defect, and the code of its refusal."""

    code: str
    message: Callable[[], str | bytes]


def unsigned() -> str:
    """Return the message before anybody signed it."""
    return Occasion().fill(flavours.JUMPCLOUD)


def signed() -> str:
    """Return the message as it is accepted."""
    return sign(unsigned(), STANDARD)


def edited(text: str, edits: tuple[Edit, ...]) -> str:
    """Return the text after each edit, whose old text must be there just once."""
    for old, new in edits:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text


def made(code: str, *edits: Edit, assertion: Style | None = STANDARD, response: Style | None = None) -> Bad:
    """Return a message that the IdP itself made wrong, and signed."""
    return Bad(code, lambda: sign(edited(unsigned(), edits), assertion, response))


def altered(code: str, *edits: Edit, assertion: Style | None = STANDARD, response: Style | None = None) -> Bad:
    """Return a message that somebody changed on its way."""
    return Bad(code, lambda: edited(sign(unsigned(), assertion, response), edits))


def whole(code: str, *edits: Edit) -> Bad:
    """Return a message with a signed response that the IdP made wrong."""
    return made(code, *edits, assertion=None, response=STANDARD)


def whole_altered(code: str, *edits: Edit) -> Bad:
    """Return a message with a signed response that somebody changed."""
    return altered(code, *edits, assertion=None, response=STANDARD)


def styled(code: str, style: Style) -> Bad:
    """Return a message whose signature is in order, but of another form."""
    return made(code, assertion=style)


def resigned(message: str, algorithm: hashes.HashAlgorithm | None = None) -> str:
    """Return the message with a new value over what its SignedInfo says now, right or not."""
    root = etree.fromstring(message)
    signature = root.find(f".//{{{DSIG}}}Signature")
    assert signature is not None
    info, value = signature[0], signature[1]
    key = stored("idp")
    assert isinstance(key, rsa.RSAPrivateKey)
    content = etree.tostring(info, method="c14n", exclusive=True)
    value.text = base64.b64encode(key.sign(content, padding.PKCS1v15(), algorithm or hashes.SHA256())).decode()
    return etree.tostring(root, encoding="unicode")


def resigned_after(
    code: str, *edits: Edit, algorithm: hashes.HashAlgorithm | None = None, assertion: Style = STANDARD
) -> Bad:
    """Return a message whose SignedInfo was changed by whoever holds the IdP's key."""
    return Bad(code, lambda: resigned(altered(code, *edits, assertion=assertion).message(), algorithm))  # type: ignore[arg-type]


def resigned_re(code: str, pattern: str, new: str) -> Bad:
    return Bad(code, lambda: resigned(str(re_edited(code, pattern, new).message())))


def re_edited(code: str, pattern: str, new: str, **styles: Style | None) -> Bad:
    """Return a message that was changed on its way where this pattern matches first."""

    def message() -> str:
        text = altered(code, **styles).message()
        assert isinstance(text, str)
        found, count = re.subn(pattern, new, text, count=1, flags=re.DOTALL)
        assert count == 1, pattern
        return found

    return Bad(code, message)


def cut(code: str, pattern: re.Pattern[str], new: str = "") -> Bad:
    """Return a message that the IdP made and signed without what the pattern matches."""

    def message() -> str:
        text, count = pattern.subn(new, unsigned())
        assert count == 1, pattern
        return sign(text, STANDARD)

    return Bad(code, message)


NAME_ID = "uma@acme.example</saml:NameID>"
ATTRIBUTE = "Engineering<"
SUBJECT = "<saml:Subject>"
CONFIRMED = '<saml:SubjectConfirmationData InResponseTo="_request-1" NotOnOrAfter="2026-03-01T12:05:00.000Z"'
RECIPIENT = f'Recipient="{ACS}"'
DESTINATION = f'Destination="{ACS}"'
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
BOUNDS = '<saml:Conditions NotBefore="2026-03-01T11:55:00.000Z" NotOnOrAfter="2026-03-01T12:05:00.000Z">'
AUDIENCE = f"<saml:Audience>{SP}</saml:Audience>"
RESTRICTION = f"<saml:AudienceRestriction>{AUDIENCE}</saml:AudienceRestriction>"
FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
WHO = f'<saml:NameID Format="{FORMAT}">{NAME_ID}'
SUCCESS_CODE = "urn:oasis:names:tc:SAML:2.0:status:Success"
FAILURE_CODE = "urn:oasis:names:tc:SAML:2.0:status:Responder"
RESPONSE_HEAD = 'ID="_response-1" Version="2.0" IssueInstant="2026-03-01T12:00:00.000Z"'
ASSERTION_HEAD = 'ID="_assertion-1" Version="2.0" IssueInstant="2026-03-01T12:00:00.000Z"'
RESPONSE_ISSUER = f"<saml:Issuer>{IDP}</saml:Issuer>@RESPONSE@"
ASSERTION_ISSUER = f"<saml:Issuer>{IDP}</saml:Issuer>@ASSERTION@"
OTHER_ISSUER = "<saml:Issuer>https://idp.example/saml2/globex</saml:Issuer>"
