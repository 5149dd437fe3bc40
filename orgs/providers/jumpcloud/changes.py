"""What happens to a directory after Activate: renames, leaving and coming back, each in JumpCloud's own form."""

from collections.abc import Sequence
from dataclasses import replace

from orgs.providers import checks
from orgs.providers.checks import counts, lacks_member, says
from orgs.providers.jumpcloud import bodies
from orgs.providers.jumpcloud.push import DONE, look_up_group
from orgs.providers.people import MadeUpPerson, PushedGroup
from orgs.providers.steps import Fallback, Filter, ScimStep

PEOPLE_NEEDED = 5
NOT_THERE = "Not found there: push it first."


def lifecycle(people: Sequence[MadeUpPerson], groups: Sequence[PushedGroup] = ()) -> tuple[ScimStep, ...]:
    """Return the changes of an ordinary week to what `activate` pushed, starting from an empty context.

    The first person is renamed, the third set inactive, the fourth set inactive and brought back, the fifth deleted;
    the first group loses its first member, the last one is renamed. Raises ValueError for fewer than five people.
    """
    if len(people) < PEOPLE_NEEDED:
        raise ValueError(f"a lifecycle needs {PEOPLE_NEEDED} people, not {len(people)}")
    pushed = [group for group in groups if group.members]
    steps = [*rename_person(people[0], family_name="Married-Name")]
    if pushed:
        steps += remove_member(pushed[0], pushed[0].members[0])
        steps += rename_group(pushed[-1], f"{pushed[-1].name} and friends")
    steps += deactivate_person(people[2])
    steps += (*deactivate_person(people[3]), *reactivate_person(people[3]))
    return (*steps, *delete_person(people[4]))


def find_person(person: MadeUpPerson, act: str) -> ScimStep:
    """Find someone who was pushed; the id is kept under the person's key."""
    return ScimStep(
        name=f"{act}-find:{person.user_name}",
        label=f"Look up {person.user_name}",
        method="GET",
        path="/Users",
        filter=Filter("userName", person.user_name),
        checks=(*checks.LISTED, counts(1, NOT_THERE), says("/Resources/0/userName", person.user_name)),
        saves={person.key: "/Resources/0/id"},
    )


def rename_person(person: MadeUpPerson, *, family_name: str) -> tuple[ScimStep, ...]:
    """Give the person another family name; the address stays."""
    renamed = replace(person, family_name=family_name)
    return _change("rename", f"Rename {person.display_name}", renamed, is_active=True)


def deactivate_person(person: MadeUpPerson) -> tuple[ScimStep, ...]:
    """Set the person inactive."""
    return _change("deactivate", f"Deactivate {person.user_name}", person, is_active=False)


def reactivate_person(person: MadeUpPerson) -> tuple[ScimStep, ...]:
    """Bring the person back."""
    return _change("reactivate", f"Reactivate {person.user_name}", person, is_active=True)


def delete_person(person: MadeUpPerson) -> tuple[ScimStep, ...]:
    """Delete the person, or set them inactive where DELETE isn't offered."""
    kept = f"kept_{person.key}"
    instead = Fallback("DELETE isn't offered for users; the person is set inactive.", moves={person.key: kept})
    return (
        find_person(person, "delete"),
        ScimStep(
            name=f"delete:{person.user_name}",
            label=f"Delete {person.user_name}",
            method="DELETE",
            path=f"/Users/{{{person.key}}}",
            expected=frozenset({204}),
            fallback=instead,
        ),
        _put(f"delete-deactivate:{person.user_name}", f"Deactivate {person.user_name}", person, kept, is_active=False),
    )


def remove_member(group: PushedGroup, person: MadeUpPerson) -> tuple[ScimStep, ...]:
    """Take the person out of the group, by a value list."""
    path, ids = f"/Groups/{{{group.key}}}", bodies.values([f"{{{person.key}}}"])
    removed: bodies.Body = {"op": "remove", "path": "members", "value": ids}
    return (
        find_person(person, "remove-member"),
        _find_group(group, "remove-member"),
        ScimStep(
            name=f"remove-member:{group.name}",
            label=f"Remove {person.user_name} from {group.name}",
            method="PATCH",
            path=path,
            body=bodies.patch(removed),
            expected=DONE,
        ),
        ScimStep(
            name=f"remove-member-read:{group.name}",
            label=f"Read the group {group.name}",
            method="GET",
            path=path,
            checks=(lacks_member(person.key),),
        ),
    )


def rename_group(group: PushedGroup, new_name: str) -> tuple[ScimStep, ...]:
    """Give the group another name; its id stays. Nothing is sent when a group has the new name already."""
    path, renamed = f"/Groups/{{{group.key}}}", {"displayName": new_name}
    taken = f"taken_{group.key}"
    return (
        look_up_group(replace(group, name=new_name), {taken: "/Resources/0/id"}),
        replace(_find_group(group, "rename-group"), unless=taken),
        ScimStep(
            name=f"rename-group:{group.name}",
            label=f"Rename the group {group.name} to {new_name}",
            method="PATCH",
            path=path,
            body=bodies.patch({"op": "replace", "value": renamed}),
            expected=DONE,
            unless=taken,
        ),
        ScimStep(
            name=f"rename-group-read:{group.name}",
            label=f"Read the group {new_name}",
            method="GET",
            path=path,
            checks=(says("/displayName", new_name),),
            unless=taken,
        ),
    )


def _change(act: str, label: str, person: MadeUpPerson, *, is_active: bool) -> tuple[ScimStep, ...]:
    claims = (says("/active", expected=is_active), says("/name/familyName", person.family_name))
    return (
        find_person(person, act),
        _put(f"{act}:{person.user_name}", label, person, person.key, is_active=is_active),
        ScimStep(
            name=f"{act}-read:{person.user_name}",
            label=f"Read {person.user_name}",
            method="GET",
            path=f"/Users/{{{person.key}}}",
            checks=claims,
        ),
    )


def _put(name: str, label: str, person: MadeUpPerson, key: str, *, is_active: bool) -> ScimStep:
    body = bodies.whole_user(person, f"{{{key}}}", is_active=is_active)
    return ScimStep(name=name, label=label, method="PUT", path=f"/Users/{{{key}}}", body=body, expected=DONE)


def _find_group(group: PushedGroup, act: str) -> ScimStep:
    step = look_up_group(group, {group.key: "/Resources/0/id"})
    return replace(step, name=f"{act}-find:{group.name}", checks=(*step.checks, counts(1, NOT_THERE)))
