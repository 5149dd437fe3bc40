"""Okta’s SCIM client, of its app wizard and of its templates."""

from orgs.providers.habits import RequestFacts, RequestShape, ScimHabits, ScimSetup
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
                note="Groups come by the tab Push Groups only.",
            ),
        ),
        base_url="Provisioning → Integration → SCIM connector base URL",
        token="Provisioning → Integration → Authorization",  # noqa: S106 - where a token goes
        traps=("Okta deactivates people whom it no longer provisions, and never deletes them.",),
    ),
    calls=CALLS,
    # whoever is assigned anew after their Okta account was deactivated
    creates_again=True,
)
