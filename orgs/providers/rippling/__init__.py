"""Rippling, which provisions people here; what is known of it is its name in a request."""

from orgs.providers.habits import ScimHabits
from orgs.providers.types import Absent, Provider

PROVIDER = Provider(
    code="rippling",
    name="Rippling",
    place=70,
    monogram="R",
    hosts=(),
    saml=Absent("Nobody has written down the words of Rippling’s console. Connect it as Custom SAML."),
    scim=ScimHabits(
        user_agents=("rippling",),
        shapes=Absent("Rippling’s requests show nothing but its User-Agent that others’ don’t."),
        setup=Absent("Nobody has written down the words of Rippling’s console."),
        calls=Absent("Nobody has captured Rippling’s calls in their order."),
    ),
)
