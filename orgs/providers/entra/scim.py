"""Microsoft Entra ID’s provisioning service."""

from datetime import timedelta

from orgs.providers.entra.calls import CALLS
from orgs.providers.habits import RequestFacts, RequestShape, ScimEffect, ScimHabits, ScimSetup, ScimSource
from orgs.providers.types import Instruction

GUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"


def _patch(operation: dict[str, object]) -> RequestFacts:
    return RequestFacts("PATCH", "/Users/7", body={"Operations": [operation]})


SCIM = ScimHabits(
    user_agents=("azure", "entra", "microsoft"),
    shapes=(
        # the flag of the tenant URL, wherever it lands
        RequestShape(target="(?i).*aadoptscim062020.*", example=RequestFacts("GET", "/Users", "aadOptscim062020")),
        # whether somebody is a member
        RequestShape(
            parameters={"filter": '(?i).*id eq "[^"]*" and members eq "[^"]*".*'},
            example=RequestFacts("GET", "/Groups", "filter=id+eq+%22g%22+and+members+eq+%22u%22"),
        ),
        RequestShape(
            parameters={"filter": r'(?i).*emails\[type eq "work"\].*value eq.*'},
            example=RequestFacts("GET", "/Users", "filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22x%22"),
        ),
        # its connection test looks for a user that can't exist
        RequestShape(
            parameters={"filter": f'(?i)userName eq "{GUID}"'},
            example=RequestFacts("GET", "/Users", "filter=userName+eq+%220f8fad5b-d9cb-469f-a165-70867728950e%22"),
        ),
        RequestShape(
            parameters={"filter": "(?i).*displayName eq.*", "excludedAttributes": ".*"},
            example=RequestFacts("GET", "/Groups", "excludedAttributes=members&filter=displayName+eq+%22x%22"),
        ),
        RequestShape(
            operation={"/op": "Add|Replace|Remove"},
            example=_patch({"op": "Add", "path": "title", "value": "Engineer"}),
        ),
        RequestShape(
            operation={"/path": "active", "/value": "True|False"},
            example=_patch({"op": "replace", "path": "active", "value": "False"}),
        ),
    ),
    setup=ScimSetup(
        steps=(
            Instruction("In the application open **Provisioning**, and set **Provisioning Mode** to **Automatic**."),
            Instruction("Under **Admin Credentials**, **Tenant URL**: paste the Base URL."),
            Instruction("**Secret Token**: paste the bearer token."),
            Instruction("Choose **Test Connection**, then **Save**."),
            Instruction(
                "Under **Mappings**, for users, map **objectId** to **externalId** in place of **mailNickname**: a person "
                "returns by their externalId, and a mail nickname can be given to somebody else."
            ),
            Instruction("Choose **Start provisioning**."),
        ),
        assignment=Instruction(
            "In the application open **Users and groups**, choose **Add user/group**, and assign who should be here.",
            note="Until then Entra sends nobody, unless its scope is set to all users and groups.",
        ),
        base_url="Provisioning → Admin Credentials → Tenant URL",
        token="Provisioning → Admin Credentials → Secret Token",  # noqa: S106 - where a token goes
        effects=(
            ScimEffect(
                "A person is unassigned, blocked from signing in, or deleted",
                "Their membership here is suspended in the next cycle. It comes back when they do.",
            ),
            ScimEffect(
                "30 days have passed since the person was deleted",
                "Somebody who never signed in here is removed. Anybody else stays suspended, and their address is free again.",
            ),
            ScimEffect(
                "A group is unassigned or deleted",
                "The group is deleted here. Its people stay, if they are assigned otherwise.",
            ),
            ScimEffect(
                "Provision Microsoft Entra ID Groups is turned off, under Mappings",
                "Groups and their members here stay as they are, and no longer follow Entra.",
            ),
            ScimEffect("Provisioning is stopped", "Members and groups stay as they are, and no longer follow Entra."),
        ),
        records=Instruction(
            "In Entra, in the application under **Monitor → Provisioning logs**: each person with the steps and the answer. "
            "Under **Provisioning** it also says when a job is in quarantine."
        ),
        sources=(
            ScimSource("userPrincipalName", "userName"),
            ScimSource("mail", "emails"),
            ScimSource("givenName", "name.givenName"),
            ScimSource("surname", "name.familyName"),
            ScimSource("displayName", "displayName"),
            ScimSource("assigned, enabled and not deleted", "active"),
            ScimSource("objectId, once you have mapped it", "externalId"),
        ),
        traps=(
            "Entra provisions in cycles of about 40 minutes. Provision on demand sends one person at once.",
            "A person who is deleted there is set inactive here, and deleted after 30 days.",
            "Until then Entra has another name for them. The address that they have here stays, and they can be restored.",
        ),
    ),
    calls=CALLS,
    calls_every=timedelta(minutes=40),
    # the object id without its hyphens before the user principal name, for the 30 days in which the person can be restored
    deleted_name="(?i)[0-9a-f]{32}[^@]+@.+",
)
