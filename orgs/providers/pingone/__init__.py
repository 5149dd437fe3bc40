"""PingOne."""

from orgs.providers.pingone.saml import SAML
from orgs.providers.pingone.scim import SCIM
from orgs.providers.types import Provider

PROVIDER = Provider(
    code="pingone",
    name="PingOne",
    place=60,
    monogram="P1",
    hosts=(
        "pingone.com",
        "pingone.eu",
        "pingone.ca",
        "pingone.com.au",
        "pingone.sg",
        "pingone.asia",
    ),
    saml=SAML,
    scim=SCIM,
)
