"""Call sequences built of a provider's own forms: how it writes a user, a change, a group. Only what it asks differs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from orgs.providers import checks
from orgs.providers.checks import at_most_one, counts, finds, has_members, includes_members, lacks_member, noted, says
from orgs.providers.habits import CallSequence
from orgs.providers.people import MadeUpPerson, PushedGroup, object_id
from orgs.providers.steps import Filter, Method, ScimCheck, ScimStep
from orgs.providers.templates import Context, Json

Body = Mapping[str, Json]
DONE = frozenset({200, 204})
PEOPLE_NEEDED = 3
TESTER = MadeUpPerson("{user_name}", "{given_name}", "{family_name}", "{external_id}")


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """How a provider writes one change of a resource."""

    method: Method
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForms:
    """How a provider writes what every provider says. Ids and members are templates of SCIM ids."""

    probes: tuple[ScimStep, ...]  # what begins its connection test
    query: str = ""  # what follows the filter of a look-up
    group_query: str = ""
    new_user: Callable[[MadeUpPerson], Body]
    rename: Callable[[MadeUpPerson, str, str], ResourceChange]  # person, id, new family name
    activate: Callable[[MadeUpPerson, str, bool], ResourceChange]  # person, id, whether active
    new_group: Callable[[str, Sequence[str]], Body]
    add_members: Callable[[Sequence[str]], Body]
    remove_member: Callable[[str], Body]
    rename_group: Callable[[str, str], Body]  # id, new name


def sequence(forms: CallForms) -> CallSequence:
    """Return the calls in the order in which providers make them: test, push, the changes of an ordinary week."""

    def activate(people: Sequence[MadeUpPerson], groups: Sequence[PushedGroup] = ()) -> tuple[ScimStep, ...]:
        pushed = [step for person in people for step in _push_person(forms, person)]
        return (*pushed, *(step for group in groups if group.members for step in _push_group(forms, group)))

    def lifecycle(people: Sequence[MadeUpPerson], groups: Sequence[PushedGroup] = ()) -> tuple[ScimStep, ...]:
        steps = [*_find(forms, people[0], "rename"), *_rename(forms, people[0], people[0].key)]
        for is_active, act in ((False, "deactivate"), (True, "reactivate"), (False, "deactivate-again")):
            steps += [*_find(forms, people[1], act), _activate(forms, people[1], people[1].key, is_active, act)]
        filled = [group for group in groups if group.members]
        return (*steps, *(_group_changes(forms, filled[0]) if filled else ()))

    tested = (*forms.probes, *_test_user(forms))
    return CallSequence(
        connection_test=(*tested, _delete_user()),
        connection_test_with_groups=(*tested, *_test_group(forms), _delete_user()),
        context=_context,
        activate=activate,
        lifecycle=lifecycle,
        people_needed=PEOPLE_NEEDED,
    )


def _context(test_email: str, run: str) -> Context:
    return {
        "user_name": test_email,
        "external_id": f"test-{object_id(test_email)}",
        "given_name": "Connection",
        "family_name": "Test",
        "group_name": f"Test group {run}",
    }


def _test_user(forms: CallForms) -> tuple[ScimStep, ...]:
    free = _look_up_user(forms, "{user_name}", "look-up-user", counts(0, "The address is in use there."))
    created = _create_user(forms, TESTER, "create-user", {"user_id": "/id"})
    again = replace(
        created,
        name="create-user-again",
        label="Create the same person again, which is refused",
        expected=frozenset({409}),
        checks=(checks.ERROR_ENVELOPE,),
        saves={},
    )
    return (
        free,
        created,
        _look_up_user(forms, "{user_name}", "find-user", finds("user_id")),
        again,
        *_rename(forms, TESTER, "user_id"),
        _activate(forms, TESTER, "user_id", is_active=False, act="deactivate"),
        _look_up_user(
            forms, "{user_name}", "find-inactive-user", finds("user_id"), says("/Resources/0/active", expected=False)
        ),
        _activate(forms, TESTER, "user_id", is_active=True, act="reactivate"),
    )


def _test_group(forms: CallForms) -> tuple[ScimStep, ...]:
    path, name = "/Groups/{group_id}", "{group_name}"
    user = "{user_id}"
    return (
        _look_up_group(forms, name, "look-up-group", counts(0, "The test group is there already.")),
        _create_group(forms, name, (), "create-group", {"group_id": "/id"}),
        _look_up_group(forms, name, "find-group", finds("group_id")),
        _patch("add-member", path, forms.add_members([user])),
        _read("read-member", path, has_members("user_id")),
        _patch("remove-member", path, forms.remove_member(user)),
        _read("read-without-member", path, has_members()),
        _patch("rename-group", path, forms.rename_group("{group_id}", "{group_name}, renamed")),
        _read("read-renamed-group", path, says("/displayName", "{group_name}, renamed")),
        ScimStep(
            name="delete-group",
            label="Delete the test group",
            method="DELETE",
            path=path,
            expected=frozenset({204}),
            cleans_up=True,
        ),
    )


def _delete_user() -> ScimStep:
    # not every provider deletes; the test leaves nothing behind
    return ScimStep(
        name="delete-user",
        label="Delete the test user",
        method="DELETE",
        path="/Users/{user_id}",
        expected=frozenset({204}),
        cleans_up=True,
    )


def _push_person(forms: CallForms, person: MadeUpPerson) -> tuple[ScimStep, ...]:
    found = f"found_{person.key}"
    known = at_most_one("userName", person.user_name)
    look = _look_up_user(forms, person.user_name, f"look-up:{person.user_name}", known)
    create = _create_user(forms, person, f"create:{person.user_name}", {person.key: "/id"})
    return (
        replace(look, saves={found: "/Resources/0/id", person.key: "/Resources/0/id"}),
        replace(create, unless=found),
    )


def _push_group(forms: CallForms, group: PushedGroup) -> tuple[ScimStep, ...]:
    found, members = f"found_{group.key}", [f"{{{person.key}}}" for person in group.members]
    look = _look_up_group(forms, group.name, f"look-up-group:{group.name}", at_most_one("displayName", group.name))
    create = _create_group(forms, group.name, members, f"create-group:{group.name}", {group.key: "/id"})
    return (
        replace(look, saves={found: "/Resources/0/id", group.key: "/Resources/0/id"}),
        replace(create, unless=found),
        _patch(f"add-members:{group.name}", f"/Groups/{{{group.key}}}", forms.add_members(members)),
        _read(
            f"read-group:{group.name}",
            f"/Groups/{{{group.key}}}",
            includes_members(*(person.key for person in group.members)),
        ),
    )


def _group_changes(forms: CallForms, group: PushedGroup) -> tuple[ScimStep, ...]:
    person, path = group.members[0], f"/Groups/{{{group.key}}}"
    look = _look_up_group(forms, group.name, f"change-find:{group.name}", counts(1, "Not found there: push it first."))
    return (
        *_find(forms, person, "remove-member"),
        replace(look, saves={group.key: "/Resources/0/id"}),
        _patch(f"remove-member:{group.name}", path, forms.remove_member(f"{{{person.key}}}")),
        _read(f"remove-member-read:{group.name}", path, lacks_member(person.key)),
        _patch(f"rename-group:{group.name}", path, forms.rename_group(f"{{{group.key}}}", f"{group.name} and friends")),
    )


def _find(forms: CallForms, person: MadeUpPerson, act: str) -> tuple[ScimStep, ...]:
    there = counts(1, "Not found there: push it first.")
    look = _look_up_user(forms, person.user_name, f"{act}-find:{person.user_name}", there)
    return (replace(look, saves={person.key: "/Resources/0/id"}),)


def _rename(forms: CallForms, person: MadeUpPerson, key: str) -> tuple[ScimStep, ...]:
    path, change = f"/Users/{{{key}}}", forms.rename(person, f"{{{key}}}", "Married-Name")
    return (
        _write(f"rename:{person.user_name}", f"Rename {person.user_name}", path, change),
        _read(f"rename-read:{person.user_name}", path, says("/name/familyName", "Married-Name")),
    )


def _activate(forms: CallForms, person: MadeUpPerson, key: str, is_active: bool, act: str) -> ScimStep:
    change = forms.activate(person, f"{{{key}}}", is_active)
    step = _write(f"{act}:{person.user_name}", f"{act.capitalize()} {person.user_name}", f"/Users/{{{key}}}", change)
    return replace(step, checks=(says("/active", expected=is_active),))


def _look_up_user(forms: CallForms, user_name: str, name: str, *claims: ScimCheck) -> ScimStep:
    lookup = Filter("userName", user_name, more=forms.query)
    return ScimStep(
        name=name,
        label=f"Look up {user_name}",
        method="GET",
        path="/Users",
        filter=lookup,
        checks=(*checks.LISTED, *claims),
    )


def _look_up_group(forms: CallForms, group_name: str, name: str, *claims: ScimCheck) -> ScimStep:
    lookup, label = Filter("displayName", group_name, more=forms.group_query), f"Look up the group {group_name}"
    return ScimStep(
        name=name, label=label, method="GET", path="/Groups", filter=lookup, checks=(*checks.LISTED, *claims)
    )


def _create_user(forms: CallForms, person: MadeUpPerson, name: str, saves: Mapping[str, str]) -> ScimStep:
    claims = (checks.STRING_ID, says("/userName", person.user_name), says("/active", expected=True), checks.LOCATION)
    body = forms.new_user(person)
    return ScimStep(
        name=name,
        label=f"Create {person.user_name}",
        method="POST",
        path="/Users",
        body=body,
        expected=frozenset({201}),
        checks=(*claims, noted(says("/externalId", str(body.get("externalId", person.external_id))))),
        saves=saves,
    )


def _create_group(
    forms: CallForms, group_name: str, members: Sequence[str], name: str, saves: Mapping[str, str]
) -> ScimStep:
    return ScimStep(
        name=name,
        label=f"Create the group {group_name}",
        method="POST",
        path="/Groups",
        body=forms.new_group(group_name, members),
        expected=frozenset({201}),
        checks=(checks.STRING_ID, says("/displayName", group_name), checks.LOCATION),
        saves=saves,
    )


def _patch(name: str, path: str, body: Body) -> ScimStep:
    return _write(name, name.replace("-", " ").capitalize(), path, ResourceChange("PATCH", body))


def _write(name: str, label: str, path: str, change: ResourceChange) -> ScimStep:
    return ScimStep(name=name, label=label, method=change.method, path=path, body=change.body, expected=DONE)


def _read(name: str, path: str, *claims: ScimCheck) -> ScimStep:
    label = name.replace("-", " ").capitalize()
    return ScimStep(name=name, label=label, method="GET", path=path, checks=(checks.STRING_ID, *claims))
