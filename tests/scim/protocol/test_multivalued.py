"""Operations on several values: no doubles, one primary, and no more is touched than was selected."""

import re

import pytest

from scim.protocol.errors import InvalidValue, NoTarget
from scim.protocol.operations import read_operations
from scim.protocol.patch import apply

WORK = {"value": "uma@acme.example", "type": "work", "primary": True}
HOME = {"value": "uma@home.example", "type": "home"}
OSLO, MOSS = {"locality": "Oslo", "country": "NO"}, {"locality": "Moss", "country": "NO"}


def values(op: str, path: str, *value: object) -> list[dict] | None:
    """Return the e-mail addresses, or the postal ones, after one operation on a user who has two of each."""
    document = {"userName": "uma", "emails": [WORK, HOME], "addresses": [OSLO, MOSS]}
    operation = {"op": op, "path": path} | ({"value": value[0]} if value else {})
    return apply(document, read_operations({"Operations": [operation]})).get(re.split(r"[.\[]", path, maxsplit=1)[0])


def test_an_added_value_comes_last():
    assert values("add", "emails", [{"value": "new@acme.example"}]) == [WORK, HOME, {"value": "new@acme.example"}]


@pytest.mark.parametrize("same", [WORK, HOME, {"value": "uma@acme.example", "type": "work"}])
def test_a_value_that_is_there_is_not_added_again(same):
    assert values("add", "emails", [same]) == [WORK, HOME]


def test_a_value_that_is_there_takes_what_is_new():
    assert values("add", "emails", HOME | {"display": "At home"}) == [WORK, HOME | {"display": "At home"}]


def test_doubles_that_were_there_before_stay_when_another_value_is_added():
    document = {"userName": "uma", "emails": [WORK, WORK | {"display": "Again"}]}
    operation = {"op": "add", "path": "emails", "value": [HOME]}
    assert len(apply(document, read_operations({"Operations": [operation]}))["emails"]) == 3


def test_a_value_of_another_type_is_another_value():
    assert len(values("add", "emails", HOME | {"type": "other"})) == 3


@pytest.mark.parametrize("given", [HOME | {"primary": True}, {"value": "new@acme.example", "primary": True}])
def test_an_added_primary_value_is_the_only_one(given):
    assert [item["value"] for item in values("add", "emails", given) if item.get("primary")] == [given["value"]]


@pytest.mark.parametrize("empty", [None, [], ""])
def test_adding_nothing_changes_nothing(empty):
    assert values("add", "emails", empty) == [WORK, HOME]


def test_an_address_that_is_there_is_not_added_again():
    assert values("add", "addresses", [OSLO, {"country": "NO"}]) == [OSLO, MOSS, {"country": "NO"}]


@pytest.mark.parametrize("empty", [None, [], ""])
def test_replacing_by_nothing_removes_all(empty):
    assert values("replace", "emails", empty) is None


def test_removing_without_a_value_removes_all():
    assert values("remove", "emails") is None


@pytest.mark.parametrize("empty", [None, ""])
def test_removing_with_an_empty_value_removes_all(empty):
    assert values("remove", "emails", empty) is None


@pytest.mark.parametrize(
    "listed", [[{"value": "UMA@home.example"}], {"value": "uma@home.example", "display": "x"}, "uma@home.example"]
)
def test_removing_listed_values_leaves_the_others(listed):
    assert values("remove", "emails", listed) == [WORK]


def test_removing_an_empty_list_removes_nothing():
    assert values("remove", "emails", []) == [WORK, HOME]


def test_removing_one_postal_address_leaves_the_other():
    assert values("remove", "addresses", [{"locality": "oslo"}]) == [MOSS]


def test_removing_by_a_filter_leaves_what_it_does_not_select():
    assert values("remove", 'emails[type eq "work"]') == [HOME]


def test_removing_by_a_filter_that_selects_nothing_changes_nothing():
    assert values("remove", 'emails[type eq "fax"]') == [WORK, HOME]


@pytest.mark.parametrize("path", ["emails.type", "emails[value pr].TYPE"])
def test_a_part_is_removed_from_every_selected_value(path):
    assert values("remove", path) == [{"value": "uma@acme.example", "primary": True}, {"value": "uma@home.example"}]


@pytest.mark.parametrize("path", ['emails[type eq "work"].value', 'emails[type eq "work"]'])
@pytest.mark.parametrize("empty", [None, "", []])
def test_replacing_a_selected_value_by_nothing_removes_it(path, empty):
    assert values("replace", path, empty) == [HOME]


def test_removing_the_value_of_a_value_removes_it():
    assert values("remove", 'emails[type eq "work"].value') == [HOME]


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize("value", [{"display": "At work"}, [{"display": "At work"}]])
def test_a_selected_value_keeps_the_parts_that_are_not_named(op, value):
    assert values(op, 'emails[type eq "work"]', value) == [WORK | {"display": "At work"}, HOME]


def test_a_selected_value_that_becomes_primary_takes_it_from_the_other():
    assert values("replace", 'emails[type eq "home"].primary', "True") == [
        WORK | {"primary": False},
        HOME | {"primary": True},
    ]


def test_the_first_value_stays_primary_when_it_is_made_so_again():
    assert values("replace", 'emails[type eq "work"].primary', "true") == [WORK, HOME]


def test_of_several_selected_values_one_becomes_primary():
    assert [item["primary"] for item in values("replace", "emails.primary", "true")] == [False, True]


@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_value_that_the_filter_describes_is_made(op):
    made = {"type": "other", "value": "new@acme.example"}
    assert values(op, 'emails[type eq "other"].value', "new@acme.example") == [WORK, HOME, made]


def test_a_made_primary_value_is_the_only_one():
    found = values("replace", 'emails[type eq "other" and primary eq true].value', "new@acme.example")
    assert [item.get("primary") for item in found] == [False, None, True]


def test_a_part_without_a_filter_makes_the_first_value():
    document = apply(
        {"userName": "u"}, read_operations({"Operations": [{"op": "add", "path": "emails.value", "value": "x"}]})
    )
    assert document["emails"] == [{"value": "x"}]


@pytest.mark.parametrize(
    "condition",
    [
        'type eq "a" or type eq "b"',
        'not (type pr) and value sw "z"',
        'type sw "z"',
        'type eq "a" and type eq "b"',
        'value eq "gone@acme.example"',
        'type eq "other" and value eq "gone@acme.example"',
        "type eq null",
    ],
)
def test_a_filter_that_describes_no_single_value_has_no_target(condition):
    with pytest.raises(NoTarget, match="describe"):
        values("replace", f"emails[{condition}].display", "x")


@pytest.mark.parametrize("change", [{}, {"shoe": 4}])
def test_a_change_without_known_parts_changes_nothing(change):
    assert values("replace", 'emails[type eq "other"]', change) == [WORK, HOME]


def test_operations_cannot_pile_up_values():
    with pytest.raises(InvalidValue, match="102 values"):
        values("add", "emails", [f"{number}@acme.example" for number in range(100)])
