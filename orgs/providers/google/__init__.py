"""Google Workspace."""

from orgs.providers.google.saml import SAML
from orgs.providers.google.scim import SCIM
from orgs.providers.types import Provider

PROVIDER = Provider(
    code="google",
    name="Google Workspace",
    place=40,
    monogram="",
    icon="mark-google",
    hosts=("accounts.google.com",),
    saml=SAML,
    scim=SCIM,
)
