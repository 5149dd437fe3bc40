"""JumpCloud: its Custom Application with Single Sign-On by SAML, and its Custom SCIM integration."""

from orgs.providers.jumpcloud.saml import SAML
from orgs.providers.jumpcloud.scim import SCIM
from orgs.providers.types import Provider

PROVIDER = Provider(
    code="jumpcloud",
    name="JumpCloud",
    place=10,
    monogram="JC",
    hosts=("jumpcloud.com",),
    saml=SAML,
    scim=SCIM,
)
