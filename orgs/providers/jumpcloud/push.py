"""Activate: everyone bound to the application is pushed, then their groups; a second push updates them."""

from collections.abc import Iterable, Sequence

from orgs.providers import checks
from orgs.providers.checks import at_most_one, includes_members, says
from orgs.providers.jumpcloud import bodies
from orgs.providers.people import MadeUpPerson, PushedGroup
from orgs.providers.steps import Filter, ScimStep

DONE = frozenset({200, 204})


def activate(people: Sequence[MadeUpPerson], groups: Sequence[PushedGroup] = ()) -> tuple[ScimStep, ...]:
    """Return the steps that push these people and groups, starting from an empty context.

    Members of a group have to be among the people. Empty groups are not pushed, as JumpCloud leaves them out.
    """
    steps = [step for person in people for step in push_person(person)]
    for number, group in enumerate(group for group in groups if group.members):
        steps += push_group(group, creates_with_members=number % 2 == 0)
    return tuple(steps)


def push_person(person: MadeUpPerson) -> tuple[ScimStep, ...]:
    """Look the person up; create them, or update the one who was found."""
    found = f"found_{person.key}"
    claims = (says("/userName", person.user_name), says("/active", expected=True))
    return (
        ScimStep(
            name=f"look-up:{person.user_name}",
            label=f"Look up {person.user_name}",
            method="GET",
            path="/Users",
            filter=Filter("userName", person.user_name),
            checks=(*checks.LISTED, at_most_one("userName", person.user_name)),
            saves={found: "/Resources/0/id", person.key: "/Resources/0/id"},
        ),
        ScimStep(
            name=f"create:{person.user_name}",
            label=f"Create {person.user_name}",
            method="POST",
            path="/Users",
            body=bodies.new_user(person),
            expected=frozenset({201}),
            checks=(checks.STRING_ID, *claims, checks.LOCATION),
            saves={person.key: "/id"},
            unless=found,
        ),
        ScimStep(
            name=f"update:{person.user_name}",
            label=f"Update {person.user_name}",
            method="PUT",
            path=f"/Users/{{{found}}}",
            body=bodies.whole_user(person, f"{{{found}}}"),
            expected=DONE,
            checks=claims,
        ),
    )


def push_group(group: PushedGroup, *, creates_with_members: bool) -> tuple[ScimStep, ...]:
    """Take over the group of that name or create it, then see that it has its members.

    JumpCloud was seen to create groups with members and without; without, one PATCH adds them all.
    """
    found, ids = f"found_{group.key}", member_ids(group.members)
    added: bodies.Body = {"op": "add", "path": "members", "value": bodies.values(ids)}
    return (
        look_up_group(group, {found: "/Resources/0/id", group.key: "/Resources/0/id"}),
        ScimStep(
            name=f"create-group:{group.name}",
            label=f"Create the group {group.name}",
            method="POST",
            path="/Groups",
            body=bodies.group(group.name, *(ids if creates_with_members else ())),
            expected=frozenset({201}),
            checks=(checks.STRING_ID, says("/displayName", group.name), checks.LOCATION),
            saves={group.key: "/id"},
            unless=found,
        ),
        ScimStep(
            name=f"add-members:{group.name}",
            label=f"Add {len(ids)} members to {group.name}",
            method="PATCH",
            path=f"/Groups/{{{found if creates_with_members else group.key}}}",
            body=bodies.patch(added),
            expected=DONE,
        ),
        ScimStep(
            name=f"read-group:{group.name}",
            label=f"Read the group {group.name}",
            method="GET",
            path=f"/Groups/{{{group.key}}}",
            checks=(says("/displayName", group.name), includes_members(*(person.key for person in group.members))),
        ),
    )


def look_up_group(group: PushedGroup, saves: dict[str, str]) -> ScimStep:
    """Look the group up by its name."""
    return ScimStep(
        name=f"look-up-group:{group.name}",
        label=f"Look up the group {group.name}",
        method="GET",
        path="/Groups",
        filter=Filter("displayName", group.name),
        checks=(*checks.LISTED, at_most_one("displayName", group.name)),
        saves=saves,
    )


def member_ids(people: Iterable[MadeUpPerson]) -> tuple[str, ...]:
    """Return the placeholders of these people's ids."""
    return tuple(f"{{{person.key}}}" for person in people)
