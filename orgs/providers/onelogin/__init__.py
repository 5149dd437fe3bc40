"""OneLogin."""

from orgs.providers.onelogin.saml import SAML
from orgs.providers.onelogin.scim import SCIM
from orgs.providers.types import Provider

PROVIDER = Provider(
    code="onelogin",
    name="OneLogin",
    place=50,
    monogram="1L",
    hosts=("onelogin.com",),
    saml=SAML,
    scim=SCIM,
)
