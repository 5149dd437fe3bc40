"""authentik, which provisions people here; of its console nothing is written down."""

from orgs.providers.authentik.scim import SCIM
from orgs.providers.types import Absent, Provider

PROVIDER = Provider(
    code="authentik",
    name="authentik",
    place=71,
    monogram="A",
    hosts=(),
    saml=Absent("Nobody has written down the words of authentik’s console. Connect it as Custom SAML."),
    scim=SCIM,
)
