"""Keycloak, whose extensions provision people here; each has a console of its own."""

from orgs.providers.habits import ScimHabits
from orgs.providers.types import Absent, Provider

PROVIDER = Provider(
    code="keycloak",
    name="Keycloak",
    place=72,
    monogram="K",
    hosts=(),
    saml=Absent("Nobody has written down the words of Keycloak’s console. Connect it as Custom SAML."),
    scim=ScimHabits(
        user_agents=("keycloak",),
        shapes=Absent("The requests of Keycloak’s extensions show nothing that others’ don’t."),
        setup=Absent("Keycloak provisions by extensions, and each has a form of its own."),
        calls=Absent("Keycloak provisions by extensions, and each has calls of its own."),
        replaces_groups=True,
    ),
)
