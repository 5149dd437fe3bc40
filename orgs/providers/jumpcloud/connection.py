"""Test Connection: a user, and with groups on a group, are made, changed in every form, and taken away again."""

from dataclasses import replace

from orgs.providers import checks
from orgs.providers.checks import noted, says
from orgs.providers.jumpcloud import bodies
from orgs.providers.jumpcloud.connection_groups import GROUP_STEPS
from orgs.providers.people import MadeUpPerson, object_id
from orgs.providers.steps import Fallback, Filter, ScimCheck, ScimStep
from orgs.providers.templates import Context, Json

USER_PATH = "/Users/{user_id}"
TESTER = MadeUpPerson("{user_name}", "{given_name}", "{family_name}", "{external_id}", "Test user", "Connection test")
SAME_USER = (checks.STRING_ID, says("/id", "{user_id}"), says("/userName", "{user_name}"))
SAME_EXTERNAL_ID = noted(says("/externalId", "{external_id}"))

NO_PATCH = Fallback("PATCH isn't offered for users; JumpCloud can do with PUT.", sets="no_patch")
NO_DELETE = Fallback(
    "DELETE isn't offered for users; the test user is set inactive and has to be removed by hand.",
    moves={"user_id": "kept_user_id"},
)


def connection_context(test_email: str, run: str) -> Context:
    """Return what the connection test starts from; `run` tells the test groups of two runs apart."""
    return {
        "user_name": test_email,
        "user_name_in_capitals": test_email.upper(),
        "external_id": object_id(test_email),
        "given_name": "Connection",
        "family_name": "JumpCloud-Test",
        "group_name": f"JumpCloud test group {run}",
        "group_name_in_capitals": f"JUMPCLOUD TEST GROUP {run.upper()}",
    }


def _look_up(name: str, label: str, *claims: ScimCheck) -> ScimStep:
    lookup = Filter("userName", "{user_name}")
    return ScimStep(
        name=name, label=label, method="GET", path="/Users", filter=lookup, checks=(*checks.LISTED, *claims)
    )


def _read_back(name: str, label: str, *claims: ScimCheck) -> ScimStep:
    return ScimStep(name=name, label=label, method="GET", path=USER_PATH, checks=(*SAME_USER, *claims))


def _put(name: str, label: str, body: bodies.Body, *claims: ScimCheck) -> ScimStep:
    return ScimStep(
        name=name,
        label=label,
        method="PUT",
        path=USER_PATH,
        body=body,
        expected=frozenset({200, 204}),
        checks=(*SAME_USER, *claims),
    )


def _patch(name: str, label: str, operation: bodies.Body, *claims: ScimCheck) -> ScimStep:
    return ScimStep(
        name=name,
        label=label,
        method="PATCH",
        path=USER_PATH,
        body=bodies.patch(operation),
        expected=frozenset({200, 204}),
        checks=(*SAME_USER, *claims),
        fallback=NO_PATCH,
        unless="no_patch",
    )


def _replace(value: Json, path: str = "") -> bodies.Body:
    return {"op": "replace", "path": path, "value": value} if path else {"op": "replace", "value": value}


GONE = checks.counts(0, "The test user is still listed.")
IS_ACTIVE, IS_INACTIVE = says("/active", expected=True), says("/active", expected=False)

USER_LOOKUPS = (
    ScimStep(name="list-users", label="List users", method="GET", path="/Users", checks=checks.LISTED),
    replace(
        _look_up("look-up-user", "Look up the test user", checks.FREE_OR_LEFT_OVER),
        saves={"left_over_id": "/Resources/0/id"},
    ),
    replace(
        _look_up("look-up-user-plus", "Look up the test user, spaces sent as +", checks.FREE_OR_LEFT_OVER),
        filter=Filter("userName", "{user_name}", space="+"),
    ),
)
USER_CREATION = (
    ScimStep(
        name="take-over-user",
        label="Take over the inactive user of an earlier test",
        method="PUT",
        path="/Users/{left_over_id}",
        body=bodies.whole_user(TESTER, "{left_over_id}"),
        expected=frozenset({200, 204}),
        checks=(checks.STRING_ID, says("/userName", "{user_name}"), IS_ACTIVE),
        moves={"left_over_id": "user_id"},
    ),
    ScimStep(
        name="create-user",
        label="Create the test user",
        method="POST",
        path="/Users",
        body=bodies.new_user(TESTER),
        expected=frozenset({201}),
        checks=(
            checks.STRING_ID,
            says("/userName", "{user_name}"),
            SAME_EXTERNAL_ID,
            IS_ACTIVE,
            checks.LOCATION,
            checks.MEDIA_TYPE,
        ),
        saves={"user_id": "/id"},
        unless="user_id",
    ),
    _read_back("read-user", "Read the test user", SAME_EXTERNAL_ID, IS_ACTIVE),
    _look_up("find-user", "Find the test user by its address", checks.finds("user_id")),
    # directories disagree about the case of addresses; a miss here ends in a second user
    replace(
        _look_up("find-user-in-capitals", "Find the test user, address in capitals", noted(checks.finds("user_id"))),
        filter=Filter("userName", "{user_name_in_capitals}"),
    ),
)
USER_CHANGES = (
    _put(
        "put-user", "Update the test user", bodies.whole_user(TESTER, "{user_id}"), noted(says("/title", TESTER.title))
    ),
    _put("put-bare-user", "Update the test user, e-mails null", bodies.bare_user(TESTER, "{user_id}"), IS_ACTIVE),
    _read_back("read-updated-user", "Read the updated user", says("/name/givenName", "{given_name}"), IS_ACTIVE),
    _patch(
        "patch-name",
        "Rename the test user by PATCH",
        _replace("Renamed", "name.givenName"),
        says("/name/givenName", "Renamed"),
    ),
    _patch("patch-inactive", "Deactivate by PATCH", _replace(value=False, path="active"), IS_INACTIVE),
    replace(
        _read_back("read-patched-user", "Read the patched user", says("/name/givenName", "Renamed"), IS_INACTIVE),
        unless="no_patch",
    ),
    _patch("patch-active", "Reactivate by PATCH without a path", _replace({"active": True}), IS_ACTIVE),
    _put("put-inactive", "Deactivate by PUT", bodies.whole_user(TESTER, "{user_id}", is_active=False), IS_INACTIVE),
    _look_up(
        "find-inactive-user",
        "Find the inactive user",
        checks.finds("user_id"),
        says("/Resources/0/active", expected=False),
    ),
    _put("put-active", "Reactivate by PUT", bodies.whole_user(TESTER, "{user_id}"), IS_ACTIVE),
    _read_back("read-active-user", "Read the active user", SAME_EXTERNAL_ID, IS_ACTIVE),
)
USER_REMOVAL = (
    ScimStep(
        name="delete-user",
        label="Delete the test user",
        method="DELETE",
        path=USER_PATH,
        expected=frozenset({204}),
        moves={"user_id": "deleted_user_id"},
        fallback=NO_DELETE,
        cleans_up=True,
    ),
    ScimStep(
        name="deactivate-kept-user",
        label="Deactivate the test user instead",
        method="PUT",
        path="/Users/{kept_user_id}",
        body=bodies.whole_user(TESTER, "{kept_user_id}", is_active=False),
        expected=frozenset({200, 204}),
        checks=(IS_INACTIVE,),
        cleans_up=True,
    ),
    ScimStep(
        name="read-deleted-user",
        label="Read the deleted user",
        method="GET",
        path="/Users/{deleted_user_id}",
        expected=frozenset({404}),
        checks=(checks.ERROR_ENVELOPE,),
    ),
    replace(
        _look_up("look-up-deleted-user", "Look up the deleted user", GONE),
        needs=frozenset({"deleted_user_id"}),
    ),
)

CONNECTION_TEST = (*USER_LOOKUPS, *USER_CREATION, *USER_CHANGES, *USER_REMOVAL)
CONNECTION_TEST_GROUPS = (*USER_LOOKUPS, *USER_CREATION, *USER_CHANGES, *GROUP_STEPS, *USER_REMOVAL)
