"""Okta."""

from orgs.providers.okta.saml import SAML
from orgs.providers.okta.scim import SCIM
from orgs.providers.types import Provider

PROVIDER = Provider(
    code="okta",
    name="Okta",
    place=20,
    monogram="",
    icon="mark-okta",
    hosts=(
        "okta.com",
        "oktapreview.com",
        "okta-emea.com",
        "okta-gov.com",
    ),
    saml=SAML,
    scim=SCIM,
)
