"""PingOne’s provisioning by SCIM."""

from orgs.providers.habits import ScimEffect, ScimHabits, ScimSetup, ScimSource
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
        ),
        assignment=Instruction(
            "Add a rule that says whom the connection provisions, by a filter or a population, and switch the rule on.",
            note="Until then PingOne sends nobody. Groups come by the rule’s tab Group Provisioning.",
        ),
        base_url="Provisioning → the connection → SCIM Base URL",
        token="Provisioning → the connection → OAuth Access Token",  # noqa: S106 - where a token goes
        effects=(
            ScimEffect(
                "A person no longer fits the rule, or is disabled or deleted in PingOne",
                "What you chose as deprovisioning: Disable suspends the membership here; Delete removes somebody who never "
                "signed in here, and suspends anybody else; none of both leaves it as it is.",
            ),
            ScimEffect(
                "A group is taken away from Group Provisioning",
                "The group stays here as it is, and no longer follows PingOne.",
            ),
            ScimEffect(
                "The rule or the connection is switched off",
                "Members and groups stay as they are, and no longer follow PingOne.",
            ),
        ),
        records=Instruction(
            "In PingOne, under **Monitoring → Audit**, and the status of the rule’s last synchronization."
        ),
        sources=(
            ScimSource("Username", "userName"),
            ScimSource("Email Address", "emails"),
            ScimSource("Given Name", "name.givenName"),
            ScimSource("Family Name", "name.familyName"),
            ScimSource("Enabled", "active"),
        ),
        traps=("PingOne can’t clear an attribute: what it sent once stays here until it sends another value.",),
    ),
    calls=Absent("Nobody has captured PingOne’s calls in their order."),
)
