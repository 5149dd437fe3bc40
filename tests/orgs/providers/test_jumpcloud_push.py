"""Activate and the changes after it: what is there afterwards, and that a second push finds the first."""

import pytest

from orgs.providers.jumpcloud.changes import lifecycle
from orgs.providers.jumpcloud.push import activate
from orgs.providers.people import made_up_groups, made_up_people
from orgs.providers.steps import ScimStep, StepOutcome
from scim.dialects.walk import walk
from tests.orgs.providers.small_directory import SmallDirectory

PEOPLE = made_up_people(40, "acme.example")
GROUPS = made_up_groups(5, PEOPLE)


def run(directory: SmallDirectory, steps: tuple[ScimStep, ...]) -> list[str]:
    """Return the reasons of the steps that failed."""
    return [result.reason for result in walk(steps, {}, directory) if not result.passed]


@pytest.fixture
def pushed() -> SmallDirectory:
    directory = SmallDirectory()
    assert run(directory, activate(PEOPLE, GROUPS)) == []
    return directory


def user(directory: SmallDirectory, number: int) -> dict[str, object]:
    return next(r for r in directory.stored.values() if r.get("userName") == PEOPLE[number].user_name)


def group(directory: SmallDirectory, name: str) -> dict[str, object]:
    return next(r for r in directory.stored.values() if r.get("displayName") == name and "userName" not in r)


def test_forty_people_and_five_groups_are_pushed(pushed):
    users = [resource for resource in pushed.stored.values() if "userName" in resource]
    assert (len(users), len(pushed.stored)) == (40, 45)


def test_every_group_has_its_members(pushed):
    sizes = {name: len(group(pushed, name)["members"]) for name in ("Engineering", "Sales", "Finance")}
    assert sizes == {"Engineering": 10, "Sales": 10, "Finance": 10}


def test_a_second_push_creates_nothing(pushed):
    pushed.calls.clear()
    assert run(pushed, activate(PEOPLE, GROUPS)) == []
    assert "POST" not in {call.method for call in pushed.calls}


def test_groups_without_members_are_not_pushed():
    assert activate((), made_up_groups(2, ())) == ()


def test_a_lifecycle_passes_on_what_was_pushed(pushed):
    assert run(pushed, lifecycle(PEOPLE, GROUPS)) == []


def test_a_lifecycle_leaves_one_inactive_one_brought_back_and_one_deleted(pushed):
    run(pushed, lifecycle(PEOPLE, GROUPS))
    assert (user(pushed, 2)["active"], user(pushed, 3)["active"]) == (False, True)
    assert PEOPLE[4].user_name not in {r.get("userName") for r in pushed.stored.values()}


def test_a_lifecycle_renames_a_person_and_a_group_and_takes_one_out(pushed):
    run(pushed, lifecycle(PEOPLE, GROUPS))
    assert user(pushed, 0)["displayName"] == "Ada Married-Name"
    assert len(group(pushed, "Finance and friends")["members"]) == 10
    assert len(group(pushed, "Engineering")["members"]) == 9


def test_a_lifecycle_says_when_nobody_was_pushed():
    assert run(SmallDirectory(), lifecycle(PEOPLE))[0].startswith("Not found there: push it first.")


def test_a_group_that_has_its_new_name_already_is_left_alone(pushed):
    run(pushed, lifecycle(PEOPLE, GROUPS))
    run(pushed, activate(PEOPLE, GROUPS))
    outcomes = {result.step.name: result.outcome for result in walk(lifecycle(PEOPLE, GROUPS), {}, pushed)}
    assert outcomes["rename-group:Finance"] is StepOutcome.NOT_NEEDED


def test_a_lifecycle_of_too_few_people_is_refused():
    with pytest.raises(ValueError, match="needs 5 people"):
        lifecycle(PEOPLE[:4])


@pytest.mark.parametrize("seed", [0, 7])
def test_made_up_people_are_all_different(seed):
    assert len({person.user_name for person in made_up_people(2000, "acme.example", seed)}) == 2000


def test_made_up_people_are_the_same_every_time():
    assert made_up_people(3, "acme.example") == made_up_people(3, "acme.example")
    assert made_up_people(3, "acme.example") != made_up_people(3, "acme.example", seed=1)
