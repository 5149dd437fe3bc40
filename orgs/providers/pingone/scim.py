"""PingOne’s provisioning by SCIM."""

from orgs.providers.habits import ScimHabits, ScimSetup
from orgs.providers.types import Absent, Instruction

SCIM = ScimHabits(
    user_agents=("pingone", "pingidentity"),
    shapes=Absent("PingOne’s requests show nothing but its User-Agent that others’ don’t."),
    setup=ScimSetup(
        steps=(
            Instruction("Open **Integrations → Provisioning**, choose **+**, then **New Connection**."),
            Instruction("Choose **Identity Store**, then **SCIM Outbound**."),
            Instruction("**SCIM Base URL**: paste the Base URL."),
            Instruction("**Authentication Method**: choose **OAuth 2 Bearer Token**, and paste the bearer token."),
            Instruction("Choose **Test Connection**, then **Continue** and **Save**; switch the connection on."),
            Instruction("Add a rule that says whom it provisions, and switch that on, too."),
        ),
        base_url="Provisioning → the connection → SCIM Base URL",
        token="Provisioning → the connection → OAuth Access Token",  # noqa: S106 - where a token goes
    ),
    calls=Absent("Nobody has captured PingOne’s calls in their order."),
)
