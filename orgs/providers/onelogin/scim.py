"""OneLogin’s SCIM provisioner."""

from orgs.providers.habits import RequestFacts, RequestShape, ScimHabits, ScimSetup
from orgs.providers.types import Absent, Instruction

SCIM = ScimHabits(
    user_agents=("onelogin",),
    shapes=(
        # a stray & at the end of its look-ups
        RequestShape(target=r"[^?]*\?filter=.*&", example=RequestFacts("GET", "/Users", "filter=userName+eq+%22x%22&")),
        # the schemas of the drafts before the RFC
        RequestShape(
            schema="urn:scim:schemas:core:.*",
            example=RequestFacts("PUT", "/Users/7", body={"schemas": ["urn:scim:schemas:core:2.0"]}),
        ),
    ),
    setup=ScimSetup(
        steps=(
            Instruction("In the application open **Configuration**."),
            Instruction("**SCIM Base URL**: paste the Base URL."),
            Instruction("**SCIM Bearer Token**: paste the bearer token."),
            Instruction("Under **API Connection** choose **Enable**, then **Save**."),
            Instruction("Open **Provisioning**, tick **Enable provisioning**, then **Save**."),
        ),
        base_url="Configuration → SCIM Base URL",
        token="Configuration → SCIM Bearer Token",  # noqa: S106 - where a token goes
    ),
    calls=Absent("Nobody has captured OneLogin’s calls in their order."),
)
