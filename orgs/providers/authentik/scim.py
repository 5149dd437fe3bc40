"""authentik’s SCIM provider: users by PUT, group names by PATCH without a path, members one operation each.

Of its source. Where a server has no PATCH it sends groups by PUT, and an empty group without `members`.
"""

from collections.abc import Sequence
from dataclasses import replace

from orgs.providers import checks
from orgs.providers.habits import RequestFacts, RequestShape, ScimHabits
from orgs.providers.people import MadeUpPerson, object_id
from orgs.providers.sequences import Body, CallForms, ResourceChange, sequence
from orgs.providers.steps import ScimStep
from orgs.providers.templates import GROUP, PATCH_OP, USER, Context
from orgs.providers.types import Absent


def _user(person: MadeUpPerson, family_name: str, *, is_active: bool = True) -> Body:
    return {
        "schemas": [USER],
        # a digest of its own id, of 64 hex digits
        "externalId": person.external_id + "0" * 40,
        "userName": person.user_name,
        "name": {
            "formatted": f"{person.given_name} {family_name}",
            "givenName": person.given_name,
            "familyName": family_name,
        },
        "displayName": f"{person.given_name} {family_name}",
        "photos": [],
        "active": is_active,
        "emails": [{"value": person.user_name, "type": "other", "primary": True}],
    }


def _put(person: MadeUpPerson, user_id: str, family_name: str, *, is_active: bool = True) -> ResourceChange:
    return ResourceChange("PUT", {**_user(person, family_name, is_active=is_active), "id": user_id})


def _patch(*operations: Body) -> Body:
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def _member(op: str, user_id: str) -> Body:
    return {"op": op, "path": "members", "value": [{"value": user_id}]}


def _group(name: str, members: Sequence[str]) -> Body:
    # members follow by PATCH
    return {"schemas": [GROUP], "externalId": f"group.{name}", "displayName": name}


def _context(test_email: str, run: str) -> Context:
    return {**_SEQUENCE.context(test_email, run), "external_id": object_id(test_email)}


_SEQUENCE = sequence(
    CallForms(
        probes=(
            ScimStep(
                name="read-configuration",
                label="Read the service provider configuration",
                method="GET",
                path="/ServiceProviderConfig",
                checks=(checks.says("/patch/supported", expected=True),),
            ),
        ),
        new_user=lambda person: _user(person, person.family_name),
        rename=_put,
        activate=lambda person, user_id, is_active: _put(person, user_id, person.family_name, is_active=is_active),
        new_group=_group,
        add_members=lambda ids: _patch(*(_member("add", one) for one in ids)),
        remove_member=lambda user_id: _patch(_member("remove", user_id)),
        rename_group=lambda group_id, name: _patch(
            {"op": "replace", "value": {"schemas": [GROUP], "id": group_id, "displayName": name}}
        ),
    )
)
CALLS = replace(_SEQUENCE, context=_context)

SCIM = ScimHabits(
    user_agents=("authentik",),
    shapes=(
        RequestShape(
            body={"/externalId": "[0-9a-f]{64}"},
            example=RequestFacts(
                "POST", "/Users", body={"schemas": [USER], "externalId": "0" * 64, "userName": "nora"}
            ),
        ),
        # a rename that holds the whole group
        RequestShape(
            operation={"/path": None, "/value/id": ".+", "/value/schemas/0": ".+"},
            example=RequestFacts(
                "PATCH",
                "/Groups/7",
                body=dict(
                    _patch({"op": "replace", "value": {"schemas": [GROUP], "id": "7", "displayName": "Engineering"}})
                ),
            ),
        ),
    ),
    setup=Absent("Nobody has written down the words of authentik’s console."),
    calls=CALLS,
    replaces_groups=True,
)
