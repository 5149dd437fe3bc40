"""Custom SAML."""

from orgs.providers.custom.saml import SAML
from orgs.providers.custom.scim import SCIM
from orgs.providers.types import Provider

PROVIDER = Provider(
    code="custom",
    name="Custom SAML",
    place=1000,
    monogram="",
    hosts=(),
    saml=SAML,
    scim=SCIM,
)
