"""What the messages of more vendors look like before they are signed, each with the habits that its makers document."""

from tests.vectors.saml.flavours import attribute, message, statement

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
