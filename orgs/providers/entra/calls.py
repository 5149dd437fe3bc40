"""Entra’s calls in its default form: one operation for each attribute, capitalized, and booleans as text.

Of its documents and of a captured user.
"""

from collections.abc import Sequence

from orgs.providers import checks
from orgs.providers.people import MadeUpPerson
from orgs.providers.sequences import Body, CallForms, ResourceChange, sequence
from orgs.providers.steps import Filter, ScimStep
from orgs.providers.templates import ENTERPRISE, GROUP, PATCH_OP, USER


def _user(person: MadeUpPerson) -> Body:
    return {
        "schemas": [USER, ENTERPRISE],
        # a mail nickname, unless the admin maps something else
        "externalId": f"nick.{person.external_id}",
        "userName": person.user_name,
        "active": True,
        "displayName": f"{person.given_name} {person.family_name}",
        "emails": [{"primary": True, "type": "work", "value": person.user_name}],
        "meta": {"resourceType": "User"},
        "name": {
            "formatted": f"{person.given_name} {person.family_name}",
            "familyName": person.family_name,
            "givenName": person.given_name,
        },
        "title": "Engineer",
    }


def _patch(*operations: Body) -> Body:
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def _rename(person: MadeUpPerson, user_id: str, family_name: str) -> ResourceChange:
    named = {"op": "Replace", "path": "name.familyName", "value": family_name}
    shown = {"op": "Replace", "path": "displayName", "value": f"{person.given_name} {family_name}"}
    return ResourceChange("PATCH", _patch(named, shown))


def _activate(person: MadeUpPerson, user_id: str, is_active: bool) -> ResourceChange:
    return ResourceChange("PATCH", _patch({"op": "Replace", "path": "active", "value": str(is_active)}))


def _group(name: str, members: Sequence[str]) -> Body:
    # members follow by PATCH
    return {"schemas": [GROUP], "externalId": f"group.{name}", "displayName": name, "meta": {"resourceType": "Group"}}


CALLS = sequence(
    CallForms(
        probes=(
            ScimStep(
                name="probe",
                label="Look up a user that can’t exist",
                method="GET",
                path="/Users",
                filter=Filter("userName", "0f8fad5b-d9cb-469f-a165-70867728950e", space="+"),
                checks=(*checks.LISTED, checks.counts(0, "A user was found whose name is a random id.")),
            ),
        ),
        group_query="&excludedAttributes=members",
        new_user=_user,
        rename=_rename,
        activate=_activate,
        new_group=_group,
        add_members=lambda ids: _patch({"op": "Add", "path": "members", "value": [{"value": one} for one in ids]}),
        remove_member=lambda user_id: _patch({"op": "Remove", "path": "members", "value": [{"value": user_id}]}),
        rename_group=lambda _, name: _patch({"op": "Replace", "path": "displayName", "value": name}),
    )
)
