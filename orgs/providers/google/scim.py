"""Google Workspace’s automatic provisioning."""

from orgs.providers.habits import ScimHabits
from orgs.providers.types import Absent

SCIM = ScimHabits(
    user_agents=("google",),
    shapes=Absent("Google’s requests show nothing but its User-Agent that others’ don’t."),
    setup=Absent("Google provisions the apps of its own catalog only: a custom SAML app has no form for it."),
    calls=Absent("Nobody has captured Google’s calls in their order."),
)
