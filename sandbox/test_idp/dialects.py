"""How vendors write the same response, which tells a tolerant reader from a lucky one."""

from dataclasses import dataclass

from sandbox.test_idp.types import Style

NAME_FORMAT = "urn:oasis:names:tc:SAML:2.0:attrname-format"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The prefixes of the three namespaces (None is the default namespace), and the markup of attributes."""

    protocol: str
    assertion: str | None
    signature: str | None
    name_format: str = ""
    value_type: str = ""
    # what exc-c14n must keep, though only a value of xsi:type uses it
    inclusive: str = ""


DIALECTS = {
    Style.JUMPCLOUD: Dialect("samlp", "saml", "ds", f"{NAME_FORMAT}:basic", "xs:string"),
    Style.OKTA: Dialect("saml2p", "saml2", "ds", f"{NAME_FORMAT}:unspecified", "xs:string", "xs"),
    Style.ENTRA: Dialect("samlp", None, None),
}
