"""JumpCloud’s Custom SCIM: its form, its requests, and its Test Connection, Activate and later changes as tables of steps.

The bodies have the captured shapes; the order of the connection test is not published, so every form that
JumpCloud is known or said to use is in it, and a server that passes serves whichever of them comes.
"""

from orgs.providers.habits import (
    CallSequence,
    RequestFacts,
    RequestShape,
    ScimEffect,
    ScimHabits,
    ScimSetup,
    ScimSource,
)
from orgs.providers.jumpcloud.bodies import new_user
from orgs.providers.jumpcloud.changes import PEOPLE_NEEDED, lifecycle
from orgs.providers.jumpcloud.connection import CONNECTION_TEST, CONNECTION_TEST_GROUPS, connection_context
from orgs.providers.jumpcloud.push import activate
from orgs.providers.people import made_up_people
from orgs.providers.templates import ENTERPRISE
from orgs.providers.types import Instruction

CALLS = CallSequence(
    connection_test=CONNECTION_TEST,
    connection_test_with_groups=CONNECTION_TEST_GROUPS,
    context=connection_context,
    activate=activate,
    lifecycle=lifecycle,
    people_needed=PEOPLE_NEEDED,
)

SCIM = ScimHabits(
    user_agents=("jumpcloud",),
    shapes=(
        # an object id of 24 hex digits, beside the enterprise schema even when nothing of it is sent
        RequestShape(
            body={"/externalId": "[0-9a-f]{24}"},
            schema=ENTERPRISE,
            example=RequestFacts("POST", "/Users", body=new_user(made_up_people(1, "acme.example")[0])),
        ),
    ),
    setup=ScimSetup(
        steps=(
            Instruction(
                "In the JumpCloud Admin Portal open **SSO Applications**, choose your application, then **Identity Management**."
            ),
            Instruction("As the **API Type** choose **SCIM API**, and as the **SCIM Version** **SCIM 2.0**."),
            Instruction("**Base URL**: paste the Base URL."),
            Instruction(
                "**Token Key**: paste the bearer token, the whole of it. JumpCloud adds the word “Bearer” by itself."
            ),
            Instruction(
                "**Test User Email**: type an address that nobody has here yet.",
                note="JumpCloud creates a person and a group to test with, and deletes both. Nobody gets mail.",
            ),
            Instruction(
                "To send groups too, turn on **Enable management of User Groups and Group Membership**.",
            ),
            Instruction("Choose **Test Connection**. When it has passed, choose **Activate**, then **Save**."),
        ),
        assignment=Instruction(
            "Open the tab **User Groups**, tick each user group whose people should be here, then **Save**.",
            note="Until then JumpCloud sends nobody. With group management on, the ticked groups are sent, too.",
        ),
        base_url="Identity Management → SCIM 2.0 → Base URL",
        token="Identity Management → SCIM 2.0 → Token Key",  # noqa: S106 - where a token goes
        effects=(
            ScimEffect(
                "A person leaves the last of the application’s user groups, or is suspended",
                "Their membership here is suspended at once. It comes back when they do.",
            ),
            ScimEffect(
                "A person is deleted",
                "Somebody who never signed in here is removed. Anybody else is suspended, and their address is free again.",
            ),
            ScimEffect(
                "A user group is taken away from the application",
                "The group stays here as it is. Its people are suspended, unless another of the application’s groups has them.",
            ),
            ScimEffect("A user group is deleted", "The group is deleted here. Its people stay."),
            ScimEffect(
                "Enable management of User Groups and Group Membership is turned off",
                "Groups and their members here stay as they are, and no longer follow JumpCloud.",
            ),
            ScimEffect(
                "Identity Management is deactivated, or the application is deleted",
                "Members and groups stay as they are, and no longer follow JumpCloud.",
            ),
        ),
        records=Instruction(
            "In JumpCloud, under **Insights → Directory Insights**, look for user_create_provision, user_update_provision, "
            "user_deprovision, user_delete_provision and group_create_provision. user_lookup_provision is written only when "
            "a look-up went wrong."
        ),
        sources=(
            ScimSource("email", "userName"),
            ScimSource("email, as work and primary", "emails"),
            ScimSource("firstname", "name.givenName"),
            ScimSource("lastname", "name.familyName"),
            ScimSource("displayname", "displayName"),
            ScimSource("not suspended, and the password not expired", "active"),
            ScimSource("the id of the user in JumpCloud", "externalId"),
        ),
        traps=(
            "Each later edit of an active configuration asks for a Test User Email again, and tests again.",
            "A person whose JumpCloud password has expired arrives here as inactive, and is suspended until it is renewed.",
            "Groups without members aren’t sent. They appear here with their first member.",
        ),
    ),
    calls=CALLS,
)
