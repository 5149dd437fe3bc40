"""What each IdP's message looks like before it is signed. `@ASSERTION@` and `@RESPONSE@` are the signatures' places."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template

from tests.vectors.saml.world import ACS, IDP, NOW, REQUEST, SP

FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
PASSWORD = f"{CONTEXT}PasswordProtectedTransport"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
MICROSOFT = "http://schemas.microsoft.com"
XSD = "http://www.w3.org/2001/XMLSchema"


@dataclass(frozen=True)
class Occasion:
    """One sign-in: when, and the IDs of its messages."""

    now: datetime = NOW
    serial: str = "1"
    fraction: str = ".000"

    def fill(self, flavour: str) -> str:
        return Template(flavour).substitute(
            now=self.at(0),
            soon=self.at(300),
            early=self.at(-300),
            before=self.at(-60),
            evening=self.at(8 * 3600),
            serial=self.serial,
            request=REQUEST,
            acs=ACS,
            sp=SP,
            idp=IDP,
        )

    def at(self, seconds: int) -> str:
        return f"{self.now + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{self.fraction}Z"


SUCCESS = '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode></samlp:Status>'


def value(text: str, *, kind: str = "") -> str:
    """Return an AttributeValue, that declares its xs:type as Okta, OneLogin and Google do where a kind is given."""
    typed = f' xmlns:xs="{XSD}" xmlns:xsi="{XSD}-instance" xsi:type="xs:{kind}"' if kind else ""
    return f"<saml:AttributeValue{typed}>{text}</saml:AttributeValue>"


def attribute(name: str, *values: str, extra: str = "", kind: str = "") -> str:
    inner = "".join(value(text, kind=kind) for text in values)
    return f'<saml:Attribute Name="{name}"{extra}>{inner}</saml:Attribute>'


def statement(*attributes: str) -> str:
    return f"<saml:AttributeStatement>{''.join(attributes)}</saml:AttributeStatement>"


def message(
    *,
    name_id: str,
    attributes: str,
    name_id_format: str = f"{FORMAT}emailAddress",
    response_extra: str = "",
    authn: str = 'AuthnInstant="$before" SessionIndex="_session-$serial"',
    context: str = PASSWORD,
    answers: str = ' InResponseTo="$request"',
    bounds: str = 'NotBefore="$early" NotOnOrAfter="{ends}"',
    confirmed: str = "",
    ends: str = "$soon",
) -> str:
    """Return a response in the form that most IdPs share; each gives what is its own, `confirmed` of its confirmation."""
    head = f'ID="_response-$serial" Version="2.0" IssueInstant="$now" Destination="$acs"{answers}'
    return (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
        f' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" {head}{response_extra}>'
        f"<saml:Issuer>$idp</saml:Issuer>@RESPONSE@{SUCCESS}"
        '<saml:Assertion ID="_assertion-$serial" Version="2.0" IssueInstant="$now">'
        "<saml:Issuer>$idp</saml:Issuer>@ASSERTION@"
        f'<saml:Subject><saml:NameID Format="{name_id_format}">{name_id}</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData{answers} NotOnOrAfter="{ends}" Recipient="$acs"{confirmed}>'
        "</saml:SubjectConfirmationData>"
        "</saml:SubjectConfirmation></saml:Subject>"
        f"<saml:Conditions {bounds.format(ends=ends)}><saml:AudienceRestriction>"
        "<saml:Audience>$sp</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
        f"<saml:AuthnStatement {authn}><saml:AuthnContext><saml:AuthnContextClassRef>{context}"
        "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        f"{attributes}</saml:Assertion></samlp:Response>"
    )


JUMPCLOUD = message(
    name_id="uma@acme.example",
    authn='AuthnInstant="$before" SessionIndex="_session-$serial" SessionNotOnOrAfter="$evening"',
    attributes=statement(
        attribute("email", "uma@acme.example"),
        attribute("firstname", "Uma"),
        attribute("lastname", "Ünal"),
        attribute("memberOf", "Engineering", "R&amp;D"),
    ),
)

# the response itself needn't say which request it answers
JUMPCLOUD_ANSWERS_INSIDE = JUMPCLOUD.replace(' InResponseTo="$request"', "", 1)


def numbered(flavour: str) -> str:
    """Return the same message with the prefixes that Java's library gives."""
    for old in ("saml", "samlp"):
        flavour = flavour.replace(f"<{old}:", f"<{old.replace('saml', 'saml2')}:")
        flavour = flavour.replace(f"</{old}:", f"</{old.replace('saml', 'saml2')}:")
        flavour = flavour.replace(f"xmlns:{old}=", f"xmlns:{old.replace('saml', 'saml2')}=")
    return flavour


def unprefixed(flavour: str) -> str:
    """Return the same message with default namespaces, as .NET writes it."""
    namespace = ' xmlns="urn:oasis:names:tc:SAML:2.0:assertion"'
    flavour = flavour.replace(namespace.replace("xmlns", "xmlns:saml"), "")
    flavour = flavour.replace("<saml:", "<").replace("</saml:", "</")
    flavour = flavour.replace("<Issuer>", f"<Issuer{namespace}>", 1)
    return flavour.replace("<Assertion ", f"<Assertion{namespace} ")


OKTA = numbered(
    message(
        name_id="uma@acme.example",
        name_id_format=f"{FORMAT}unspecified",
        attributes=statement(
            attribute("email", "uma@acme.example", kind="string"),
            attribute("groups", "Everyone", "Admins", kind="string"),
        ),
    )
)

# here the prefix of xs:string is declared far above, where only an inclusive canonicalisation finds it
OKTA_XS_ABOVE = numbered(
    message(
        name_id="uma@acme.example",
        name_id_format=f"{FORMAT}unspecified",
        response_extra=f' xmlns:xs="{XSD}"',
        attributes=statement(
            f'<saml:Attribute Name="email"><saml:AttributeValue xmlns:xsi="{XSD}-instance" xsi:type="xs:string">'
            "uma@acme.example</saml:AttributeValue></saml:Attribute>"
        ),
    )
)

ENTRA = unprefixed(
    message(
        name_id="uma@acme.example",
        ends="$evening",
        authn='AuthnInstant="$before" SessionIndex="_assertion-$serial"',
        context=f"{CONTEXT}Password",
        attributes=statement(
            attribute(f"{MICROSOFT}/identity/claims/tenantid", "7d3c5a0e-7c3e-4f6c-9d5a-1f0e5b3f7a10"),
            attribute(f"{CLAIMS}/emailaddress", "uma@acme.example"),
            attribute(f"{CLAIMS}/givenname", "Uma"),
            attribute(
                f"{MICROSOFT}/claims/authnmethodsreferences", f"{CONTEXT}Password", f"{MICROSOFT}/claims/multipleauthn"
            ),
        ),
    )
)

GOOGLE = numbered(
    message(
        name_id="uma@acme.example",
        name_id_format=f"{FORMAT}unspecified",
        context=f"{CONTEXT}unspecified",
        attributes=statement(
            attribute("first_name", "Uma", kind="anyType"), attribute("email", "uma@acme.example", kind="anyType")
        ),
    )
)

ONELOGIN = message(
    name_id="uma@acme.example",
    authn='AuthnInstant="$now" SessionIndex="_session-$serial" SessionNotOnOrAfter="$evening"',
    attributes=statement(
        attribute("User.email", "uma@acme.example", kind="string"),
        attribute("User.FirstName", "Uma", kind="string"),
        attribute("memberOf", "", kind="string"),
    ),
)

# begun by the IdP, and nobody at it says until when the session lasts
UNSOLICITED = message(
    name_id="3f9a-Ω-41",
    name_id_format=PERSISTENT,
    answers="",
    authn='AuthnInstant="$before" SessionNotOnOrAfter="9999-12-31T23:59:59.9999999Z"',
    attributes=statement(
        attribute("urn:oid:0.9.2342.19200300.100.1.3", "uma@acme.example", extra=' FriendlyName="mail"'),
        attribute("mail", "uma@acme.example", "u.unal@acme.example"),
    ),
)


def pretty(flavour: str) -> str:
    """Return the same message with every element on a line of its own."""
    for tag in ("<samlp:Status>", "<saml:Assertion ", "<saml:Subject>", "<saml:Conditions ", "<saml:AuthnStatement "):
        flavour = flavour.replace(tag, f"\n    {tag}")
    return flavour.replace("@RESPONSE@", "\n  @RESPONSE@").replace("@ASSERTION@", "\n      @ASSERTION@\n")


def airy(flavour: str) -> str:
    """Return the same message with every name and address of its own on a line of its own, as some printers do it."""
    names = "NameID|Issuer|Audience|AuthnContextClassRef"
    return re.sub(rf"(<saml:(?:{names})[^>]*>)([^<]*)(</saml:)", "\\1\n\t  \\2 &#13;\n\\3", flavour)
