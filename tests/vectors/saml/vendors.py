"""What the messages of more vendors look like before they are signed, each with the habits that its makers document."""

from tests.vectors.saml.flavours import (
    CLAIMS,
    CONTEXT,
    FORMAT,
    XSD,
    attribute,
    message,
    numbered,
    statement,
    unprefixed,
)

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"


def bound_to_java(flavour: str) -> str:
    """Return the same message as Java's binding of XML writes it: assertions have no prefix, the protocol a number."""
    flavour = flavour.replace("<saml:", "<").replace("</saml:", "</").replace("samlp:", "ns2:")
    return flavour.replace(f'xmlns:samlp="{PROTOCOL}" xmlns:saml="{SAML}"', f'xmlns="{SAML}" xmlns:ns2="{PROTOCOL}"')


FUSIONAUTH = bound_to_java(
    message(
        name_id="uma@acme.example",
        confirmed=' NotBefore="$now"',
        attributes=statement(
            attribute("id", "00000000-0000-0001-0000-000000000000"),
            attribute("email", "uma@acme.example"),
            attribute("first_name", "Uma"),
        ),
    )
)
AMAZON = message(
    name_id="uma@acme.example",
    authn='AuthnInstant="$before" SessionIndex="_session-$serial" SessionNotOnOrAfter="$evening"',
    attributes=statement(attribute("Email", "uma@acme.example"), attribute("FirstName", "Uma")),
)
# its library writes a NameID without a format
SUSTAINSYS = message(
    name_id="uma@acme.example",
    bounds='NotOnOrAfter="{ends}"',
    authn='AuthnInstant="$before"',
    context=f"{CONTEXT}unspecified",
    attributes=statement(attribute(f"{CLAIMS}/emailaddress", "uma@acme.example")),
).replace(f'<saml:NameID Format="{FORMAT}emailAddress">', "<saml:NameID>")
OLDER_ONELOGIN = message(
    name_id="uma@acme.example",
    bounds='NotOnOrAfter="{ends}"',
    authn='AuthnInstant="$now" SessionIndex="_session-$serial" SessionNotOnOrAfter="$evening"',
    attributes=statement(attribute("User.email", "uma@acme.example"), attribute("User.LastName", "Ünal")),
)
# a filter that fills in the audience alone
CONDITIONS_WITHOUT_BOUNDS = message(
    name_id="uma@acme.example", bounds="", attributes=statement(attribute("mail", "uma@acme.example"))
).replace("<saml:Conditions >", "<saml:Conditions>")
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
NAME_FORMAT = "urn:oasis:names:tc:SAML:2.0:attrname-format"
WINDOWS = "urn:federation:authentication:windows"
ADFS = unprefixed(
    message(
        name_id="uma@acme.example",
        response_extra=' Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified"',
        authn='AuthnInstant="$before" SessionIndex="_assertion-$serial"',
        context=WINDOWS,
        attributes=statement(
            attribute(f"{CLAIMS}/emailaddress", "uma@acme.example"),
            attribute(f"{CLAIMS}/givenname", "Uma"),
            attribute("http://schemas.xmlsoap.org/claims/Group", "Domain Users", "Engineering"),
        ),
    )
)
# the address is an attribute, and the Name ID another one each time
SHIBBOLETH = numbered(
    message(
        name_id="AAdzZWNyZXQx",
        name_id_format=f'{TRANSIENT}" NameQualifier="$idp" SPNameQualifier="$sp',
        response_extra=f' xmlns:xsd="{XSD}"',
        confirmed=' Address="192.0.2.7"',
        attributes=statement(
            attribute(
                "urn:oid:0.9.2342.19200300.100.1.3",
                "uma@acme.example",
                extra=f' FriendlyName="mail" NameFormat="{NAME_FORMAT}:uri"',
            ),
            attribute("urn:oid:2.5.4.42", "Uma", extra=f' FriendlyName="givenName" NameFormat="{NAME_FORMAT}:uri"'),
        ),
    ).replace("<saml:AuthnContext>", '<saml:SubjectLocality Address="192.0.2.7"/><saml:AuthnContext>')
)
# each role is an attribute of its own, all of one name
KEYCLOAK = message(
    name_id="uma@acme.example",
    authn='AuthnInstant="$now" SessionIndex="_session-$serial::1" SessionNotOnOrAfter="$evening"',
    context=f"{CONTEXT}unspecified",
    attributes=statement(
        attribute("email", "uma@acme.example", extra=f' NameFormat="{NAME_FORMAT}:basic"', kind="string"),
        attribute("Role", "offline_access", extra=f' NameFormat="{NAME_FORMAT}:basic"', kind="string"),
        attribute("Role", "engineering", extra=f' NameFormat="{NAME_FORMAT}:basic"', kind="string"),
    ),
)
# one tenant's people have their kind of account and its number as Name ID
AUTH0 = message(
    name_id="auth0|5f7c8ec7c33c6c004bbafe82",
    name_id_format=f"{FORMAT}unspecified",
    authn='AuthnInstant="$now" SessionIndex="_session-$serial"',
    context=f"{CONTEXT}unspecified",
    attributes=statement(
        attribute(
            f"{CLAIMS}/emailaddress", "uma@acme.example", extra=f' NameFormat="{NAME_FORMAT}:uri"', kind="string"
        ),
        attribute(f"{CLAIMS}/name", "Uma Ünal", extra=f' NameFormat="{NAME_FORMAT}:uri"', kind="string"),
        attribute("http://schemas.auth0.com/email_verified", "true", kind="boolean"),
    ),
)
PINGONE = message(
    name_id="uma@acme.example",
    authn='AuthnInstant="$before" SessionIndex="_session-$serial"',
    context=f"{CONTEXT}Password",
    attributes=statement(
        attribute("email", "uma@acme.example", extra=f' NameFormat="{NAME_FORMAT}:basic"', kind="string"),
        attribute("given_name", "Uma", extra=f' NameFormat="{NAME_FORMAT}:basic"', kind="string"),
    ),
)
DUO = message(
    name_id="uma@acme.example",
    authn='AuthnInstant="$now" SessionIndex="_session-$serial" SessionNotOnOrAfter="$evening"',
    attributes=statement(
        attribute("Email", "uma@acme.example", extra=f' NameFormat="{NAME_FORMAT}:unspecified"'),
        attribute("FirstName", "Uma", extra=f' NameFormat="{NAME_FORMAT}:unspecified"'),
    ),
)
AUTHENTIK = message(
    name_id="uma@acme.example",
    authn='AuthnInstant="$before" SessionIndex="_session-$serial" SessionNotOnOrAfter="$evening"',
    attributes=statement(
        attribute(f"{CLAIMS}/emailaddress", "uma@acme.example"),
        attribute("http://schemas.xmlsoap.org/claims/Group", "Engineering", "Domain Users"),
        attribute("http://schemas.goauthentik.io/2021/02/saml/username", "uma"),
    ),
)
