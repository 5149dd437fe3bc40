"""OneLogin’s SCIM provisioner."""

from orgs.providers.habits import RequestFacts, RequestShape, ScimEffect, ScimHabits, ScimSetup, ScimSource
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
        assignment=Instruction(
            "Give people the application by a role: **Users → Roles**, choose the role, and add the application to it.",
            note="Until then OneLogin sends nobody. Where it asks for approval, approve them in the application’s tab Users.",
        ),
        base_url="Configuration → SCIM Base URL",
        token="Configuration → SCIM Bearer Token",  # noqa: S106 - where a token goes
        effects=(
            ScimEffect(
                "A person loses the role, or is suspended or deleted in OneLogin",
                "What you chose under Provisioning: Suspend suspends the membership here; Delete removes somebody who never "
                "signed in here, and suspends anybody else; Do Nothing leaves it as it is.",
            ),
            ScimEffect(
                "Groups aren’t mapped by a rule of the application",
                "No groups come. They are sent where a rule sets them and the parameter Groups is included in provisioning.",
            ),
            ScimEffect(
                "Enable provisioning is unticked", "Members and groups stay as they are, and no longer follow OneLogin."
            ),
        ),
        records=Instruction(
            "In OneLogin, under **Activity → Events**, and what waits or failed under **Users → Provisioning**."
        ),
        sources=(
            ScimSource("scimusername", "userName"),
            ScimSource("Email", "emails"),
            ScimSource("First Name", "name.givenName"),
            ScimSource("Last Name", "name.familyName"),
            ScimSource("status", "active"),
            ScimSource("OneLogin ID", "externalId"),
        ),
    ),
    calls=Absent("Nobody has captured OneLogin’s calls in their order."),
)
