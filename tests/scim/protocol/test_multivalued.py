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


def test_add_appends_a_new_value():
    assert values("add", "emails", [{"value": "new@acme.example"}]) == [WORK, HOME, {"value": "new@acme.example"}]


@pytest.mark.parametrize("same", [WORK, HOME, {"value": "uma@acme.example", "type": "work"}])
def test_add_of_an_existing_value_changes_nothing(same):
    assert values("add", "emails", [same]) == [WORK, HOME]


def test_add_of_an_existing_value_merges_its_new_sub_attributes():
    assert values("add", "emails", HOME | {"display": "At home"}) == [WORK, HOME | {"display": "At home"}]


def test_add_of_another_value_keeps_existing_duplicates():
    document = {"userName": "uma", "emails": [WORK, WORK | {"display": "Again"}]}
    operation = {"op": "add", "path": "emails", "value": [HOME]}
    assert len(apply(document, read_operations({"Operations": [operation]}))["emails"]) == 3


def test_add_of_the_same_value_with_another_type_adds_a_value():
    assert len(values("add", "emails", HOME | {"type": "other"})) == 3


@pytest.mark.parametrize("given", [HOME | {"primary": True}, {"value": "new@acme.example", "primary": True}])
def test_add_of_a_primary_value_leaves_it_as_the_only_primary_one(given):
    assert [item["value"] for item in values("add", "emails", given) if item.get("primary")] == [given["value"]]


@pytest.mark.parametrize("empty", [None, [], ""])
def test_add_of_an_empty_value_changes_nothing(empty):
    assert values("add", "emails", empty) == [WORK, HOME]


def test_add_of_an_existing_postal_address_does_not_repeat_it():
    assert values("add", "addresses", [OSLO, {"country": "NO"}]) == [OSLO, MOSS, {"country": "NO"}]


@pytest.mark.parametrize("empty", [None, [], ""])
def test_replace_with_an_empty_value_removes_all_values(empty):
    assert values("replace", "emails", empty) is None


def test_remove_without_a_value_removes_all_values():
    assert values("remove", "emails") is None


@pytest.mark.parametrize("empty", [None, ""])
def test_remove_with_an_empty_value_removes_all_values(empty):
    assert values("remove", "emails", empty) is None


@pytest.mark.parametrize(
    "listed", [[{"value": "UMA@home.example"}], {"value": "uma@home.example", "display": "x"}, "uma@home.example"]
)
def test_remove_of_listed_values_keeps_the_others(listed):
    assert values("remove", "emails", listed) == [WORK]


def test_remove_of_an_empty_list_removes_nothing():
    assert values("remove", "emails", []) == [WORK, HOME]


def test_remove_of_one_postal_address_keeps_the_other():
    assert values("remove", "addresses", [{"locality": "oslo"}]) == [MOSS]


def test_remove_by_filter_keeps_values_not_selected():
    assert values("remove", 'emails[type eq "work"]') == [HOME]


def test_remove_by_filter_changes_nothing_when_no_value_is_selected():
    assert values("remove", 'emails[type eq "fax"]') == [WORK, HOME]


@pytest.mark.parametrize("path", ["emails.type", "emails[value pr].TYPE"])
def test_remove_of_a_sub_attribute_removes_it_from_every_selected_value(path):
    assert values("remove", path) == [{"value": "uma@acme.example", "primary": True}, {"value": "uma@home.example"}]


@pytest.mark.parametrize("path", ['emails[type eq "work"].value', 'emails[type eq "work"]'])
@pytest.mark.parametrize("empty", [None, "", []])
def test_replace_of_a_selected_value_with_an_empty_value_removes_it(path, empty):
    assert values("replace", path, empty) == [HOME]


def test_remove_of_the_value_sub_attribute_removes_the_whole_value():
    assert values("remove", 'emails[type eq "work"].value') == [HOME]


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize("value", [{"display": "At work"}, [{"display": "At work"}]])
def test_add_and_replace_keep_unnamed_sub_attributes_of_the_selected_value(op, value):
    assert values(op, 'emails[type eq "work"]', value) == [WORK | {"display": "At work"}, HOME]


def test_replace_of_primary_on_a_selected_value_clears_primary_on_the_other():
    assert values("replace", 'emails[type eq "home"].primary', "True") == [
        WORK | {"primary": False},
        HOME | {"primary": True},
    ]


def test_replace_of_primary_on_the_primary_value_changes_nothing():
    assert values("replace", 'emails[type eq "work"].primary', "true") == [WORK, HOME]


def test_replace_of_primary_on_several_values_makes_only_the_last_primary():
    assert [item["primary"] for item in values("replace", "emails.primary", "true")] == [False, True]


@pytest.mark.parametrize("op", ["add", "replace"])
def test_add_and_replace_create_the_value_that_the_filter_describes(op):
    made = {"type": "other", "value": "new@acme.example"}
    assert values(op, 'emails[type eq "other"].value', "new@acme.example") == [WORK, HOME, made]


def test_value_created_from_a_primary_filter_is_the_only_primary_one():
    found = values("replace", 'emails[type eq "other" and primary eq true].value', "new@acme.example")
    assert [item.get("primary") for item in found] == [False, None, True]


def test_add_of_a_sub_attribute_without_filter_creates_the_first_value():
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
def test_replace_raises_no_target_when_the_filter_describes_no_single_value(condition):
    with pytest.raises(NoTarget, match="describe"):
        values("replace", f"emails[{condition}].display", "x")


@pytest.mark.parametrize("change", [{}, {"shoe": 4}])
def test_replace_without_known_sub_attributes_changes_nothing(change):
    assert values("replace", 'emails[type eq "other"]', change) == [WORK, HOME]


def test_add_is_refused_when_it_would_exceed_the_most_values():
    with pytest.raises(InvalidValue, match="102 values"):
        values("add", "emails", [f"{number}@acme.example" for number in range(100)])
