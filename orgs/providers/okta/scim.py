"""Okta’s SCIM client, of its app wizard and of its templates."""

from orgs.providers.habits import RequestFacts, RequestShape, ScimEffect, ScimHabits, ScimSetup, ScimSource
from orgs.providers.okta.calls import CALLS
from orgs.providers.types import Instruction

SCIM = ScimHabits(
    user_agents=("okta",),
    shapes=(
        RequestShape(
            accept_charset="(?i)utf-8",
            content_type=r".*scim\+json.*",
            example=RequestFacts("GET", "/Users", content_type="application/scim+json", accept_charset="utf-8"),
        ),
        # its connection test
        RequestShape(
            parameters={"startIndex": "1", "count": "2"},
            example=RequestFacts("GET", "/Users", "startIndex=1&count=2"),
        ),
        RequestShape(
            parameters={"startIndex": "1", "count": "100", "filter": ".*userName eq.*"},
            example=RequestFacts("GET", "/Users", "filter=userName+eq+%22x%22&startIndex=1&count=100"),
        ),
        # a rename that repeats the group's id inside the value
        RequestShape(
            operation={"/path": None, "/value/id": ".+", "/value/schemas": None},
            example=RequestFacts(
                "PATCH",
                "/Groups/7",
                body={"Operations": [{"op": "replace", "value": {"id": "7", "displayName": "Engineering"}}]},
            ),
        ),
    ),
    setup=ScimSetup(
        steps=(
            Instruction(
                "In the app’s tab **General**, choose **Edit** beside **App Settings**, set **Provisioning** to **SCIM**, then "
                "**Save**."
            ),
            Instruction("Open the tab **Provisioning**, then **Integration**, and choose **Edit**."),
            Instruction("**SCIM connector base URL**: paste the Base URL."),
            Instruction("**Unique identifier field for users**: type **userName**."),
            Instruction("Tick the **Supported provisioning actions** that you want: all of them work here."),
            Instruction(
                "**Authentication Mode**: choose **HTTP Header**, and paste the bearer token as **Authorization**."
            ),
            Instruction("Choose **Test Connector Configuration**, then **Save**."),
            Instruction(
                "Under **Provisioning → To App** choose **Edit**, and enable **Create Users**, **Update User Attributes** and "
                "**Deactivate Users**.",
            ),
        ),
        assignment=Instruction(
            "Open the tab **Assignments**, choose **Assign**, and assign people or groups.",
            note="Until then Okta sends nobody. Groups themselves come by the tab Push Groups only.",
        ),
        base_url="Provisioning → Integration → SCIM connector base URL",
        token="Provisioning → Integration → Authorization",  # noqa: S106 - where a token goes
        effects=(
            ScimEffect(
                "A person is unassigned from the app, or is deactivated in Okta",
                "Their membership here is suspended at once. It comes back when they do.",
            ),
            ScimEffect(
                "A person is deleted in Okta",
                "They stay suspended here: Okta deactivates people and never deletes them.",
            ),
            ScimEffect(
                "A group is unlinked under Push Groups",
                "With Delete the group in the target app, it is deleted here. Otherwise it stays as it is. Its people stay.",
            ),
            ScimEffect(
                "Push Groups isn’t used", "No groups come. People come by their assignment, whether by group or alone."
            ),
            ScimEffect("Provisioning is turned off", "Members and groups stay as they are, and no longer follow Okta."),
        ),
        records=Instruction(
            "In Okta, under **Reports → System Log**, look for events whose type begins with application.provision. What "
            "failed and waits is under **Dashboard → Tasks**."
        ),
        sources=(
            ScimSource("the application user name", "userName"),
            ScimSource("email", "emails"),
            ScimSource("firstName", "name.givenName"),
            ScimSource("lastName", "name.familyName"),
            ScimSource("displayName", "displayName"),
            ScimSource("assigned and active", "active"),
            ScimSource("the id of the user in Okta", "externalId"),
        ),
    ),
    calls=CALLS,
    # whoever is assigned anew after their Okta account was deactivated
    creates_again=True,
)
