"""Microsoft Entra ID."""

from orgs.providers.entra.saml import SAML
from orgs.providers.entra.scim import SCIM
from orgs.providers.types import Provider

PROVIDER = Provider(
    code="entra",
    name="Microsoft Entra ID",
    place=30,
    monogram="E",
    hosts=(
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "sts.windows.net",
    ),
    saml=SAML,
    scim=SCIM,
)
