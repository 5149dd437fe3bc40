"""Test Connection with groups on: a group is made twice, and its member added and removed in every known form."""

from dataclasses import replace

from orgs.providers import checks
from orgs.providers.checks import has_members, noted, says
from orgs.providers.jumpcloud import bodies
from orgs.providers.steps import Filter, ScimCheck, ScimStep
from orgs.providers.templates import Json

GROUP_PATH = "/Groups/{group_id}"
RENAMED = "{group_name}, renamed"
WITH_USER, EMPTY = has_members("user_id"), has_members()

ADD = {"op": "add", "path": "members", "value": bodies.values(["{user_id}"])}


def _create(name: str, label: str, *members: str) -> ScimStep:
    return ScimStep(
        name=name,
        label=label,
        method="POST",
        path="/Groups",
        body=bodies.group("{group_name}", *members),
        expected=frozenset({201}),
        checks=(checks.STRING_ID, says("/displayName", "{group_name}"), checks.LOCATION, checks.MEDIA_TYPE),
        saves={"group_id": "/id"},
    )


def _look_up(name: str, label: str, claim: ScimCheck) -> ScimStep:
    lookup = Filter("displayName", "{group_name}")
    return ScimStep(name=name, label=label, method="GET", path="/Groups", filter=lookup, checks=(*checks.LISTED, claim))


def _read(name: str, label: str, *claims: ScimCheck, display_name: str = "{group_name}") -> ScimStep:
    found = (checks.STRING_ID, says("/id", "{group_id}"), says("/displayName", display_name), *claims)
    return ScimStep(name=name, label=label, method="GET", path=GROUP_PATH, checks=found)


def _patch(name: str, label: str, operation: bodies.Body) -> ScimStep:
    body = bodies.patch(operation)
    return ScimStep(name=name, label=label, method="PATCH", path=GROUP_PATH, body=body, expected=frozenset({200, 204}))


def _put(name: str, label: str, *members: str) -> ScimStep:
    body = bodies.group("{group_name}", *members, id_template="{group_id}")
    return ScimStep(name=name, label=label, method="PUT", path=GROUP_PATH, body=body, expected=frozenset({200, 204}))


def _delete(name: str, label: str) -> ScimStep:
    # no fallback: without DELETE on groups JumpCloud refuses to activate, and says to turn group management off
    return ScimStep(
        name=name,
        label=label,
        method="DELETE",
        path=GROUP_PATH,
        expected=frozenset({204}),
        moves={"group_id": "deleted_group_id"},
        cleans_up=True,
    )


def _members(operation: str, path: str, value: Json = None) -> bodies.Body:
    return {"op": operation, "path": path} if value is None else {"op": operation, "path": path, "value": value}


def _removal(form: str, label: str, operation: bodies.Body) -> tuple[ScimStep, ...]:
    """Return the steps that remove the member in one way, and check before and afterwards."""
    return (
        _patch(f"add-member-before-{form}", "Add the member again", ADD),
        _patch(f"remove-member-{form}", f"Remove the member: {label}", operation),
        _read(f"read-after-{form}", "Read the group without its member", EMPTY),
    )


GROUP_STEPS = (
    ScimStep(name="list-groups", label="List groups", method="GET", path="/Groups", checks=checks.LISTED),
    _look_up("look-up-group", "Look up the test group", checks.counts(0, "The test group is there already.")),
    _create("create-group", "Create the test group, empty"),
    _look_up("find-group", "Find the test group by its name", checks.finds("group_id")),
    # JumpCloud takes over a group of the same name, whatever its case
    replace(
        _look_up("find-group-in-capitals", "Find the test group, name in capitals", noted(checks.finds("group_id"))),
        filter=Filter("displayName", "{group_name_in_capitals}"),
    ),
    _patch("add-member", "Add the test user to the group", ADD),
    _read("read-member", "Read the group with its member", WITH_USER),
    _patch("rename-group", "Rename the group", {"op": "replace", "value": {"displayName": RENAMED}}),
    _read("read-renamed-group", "Read the renamed group", WITH_USER, display_name=RENAMED),
    _put("put-empty-group", "Replace the group, no members"),
    _read("read-put-empty", "Read the emptied group", EMPTY),
    *_removal("values", "a list of values", _members("remove", "members", bodies.values(["{user_id}"]))),
    *_removal("bracket", "a filter in brackets", _members("remove", 'members[value eq "{user_id}"]')),
    *_removal("all", "all of them", _members("remove", "members")),
    *_removal("replace", "replaced by an empty list", _members("replace", "members", [])),
    _put("put-group", "Replace the group, one member", "{user_id}"),
    _read("read-put-group", "Read the replaced group", WITH_USER),
    _delete("delete-group", "Delete the test group"),
    ScimStep(
        name="read-deleted-group",
        label="Read the deleted group",
        method="GET",
        path="/Groups/{deleted_group_id}",
        expected=frozenset({404}),
        checks=(checks.ERROR_ENVELOPE,),
    ),
    _create("create-group-again", "Create the test group again, with its member", "{user_id}"),
    _read("read-group-again", "Read the group with its member", WITH_USER),
    _delete("delete-group-again", "Delete the test group"),
    _look_up("look-up-deleted-group", "Look up the deleted group", checks.counts(0, "The test group is still listed.")),
)
