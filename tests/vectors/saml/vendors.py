"""What the messages of more vendors look like before they are signed, each with the habits that its makers document."""

from tests.vectors.saml.flavours import CLAIMS, CONTEXT, FORMAT, attribute, message, statement

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
