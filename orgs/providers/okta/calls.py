"""Okta’s calls, of an app of its wizard: users by PUT, deactivation by PATCH without a path, groups by Push Groups.

Of its documents; the order within a push is that of the documents, too.
"""

from collections.abc import Sequence

from orgs.providers import checks
from orgs.providers.people import MadeUpPerson
from orgs.providers.sequences import Body, CallForms, ResourceChange, sequence
from orgs.providers.steps import ScimStep
from orgs.providers.templates import GROUP, PATCH_OP, USER


def _user(person: MadeUpPerson, family_name: str, *, is_active: bool = True) -> Body:
    return {
        "schemas": [USER],
        "userName": person.user_name,
        "name": {"givenName": person.given_name, "familyName": family_name},
        "emails": [{"primary": True, "value": person.user_name, "type": "work"}],
        "displayName": f"{person.given_name} {family_name}",
        "locale": "en-US",
        "externalId": f"00u{person.external_id}",
        "groups": [],
        "active": is_active,
    }


def _patch(*operations: Body) -> Body:
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def _rename(person: MadeUpPerson, user_id: str, family_name: str) -> ResourceChange:
    return ResourceChange("PUT", {**_user(person, family_name), "id": user_id})


def _activate(person: MadeUpPerson, user_id: str, is_active: bool) -> ResourceChange:
    return ResourceChange("PATCH", _patch({"op": "replace", "value": {"active": is_active}}))


def _group(name: str, members: Sequence[str]) -> Body:
    return {
        "schemas": [GROUP],
        "displayName": name,
        "members": [{"value": one, "display": "Member"} for one in members],
    }


CALLS = sequence(
    CallForms(
        probes=(
            ScimStep(
                name="list-users",
                label="List users",
                method="GET",
                path="/Users?startIndex=1&count=2",
                checks=checks.LISTED,
            ),
        ),
        query="&startIndex=1&count=100",
        group_query="&startIndex=1&count=100",
        new_user=lambda person: _user(person, person.family_name),
        rename=_rename,
        activate=_activate,
        new_group=_group,
        add_members=lambda ids: _patch({"op": "add", "path": "members", "value": [{"value": one} for one in ids]}),
        remove_member=lambda user_id: _patch({"op": "remove", "path": f'members[value eq "{user_id}"]'}),
        rename_group=lambda group_id, name: _patch({"op": "replace", "value": {"id": group_id, "displayName": name}}),
    )
)
