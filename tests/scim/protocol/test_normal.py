"""Whatever spelling a client chose, one form is stored; what can't be stored is named."""

import pytest

from scim.protocol.errors import InvalidValue
from scim.protocol.normal import normal_object
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import MAX_EXTERNAL_ID, MAX_LONG_TEXT, MAX_NAME, MAX_TEXT, MAX_VALUES
from scim.protocol.users import SPECS


def normal(**given: object) -> dict[str, object]:
    return normal_object(given, SPECS)


def refusal(**given: object) -> str:
    with pytest.raises(InvalidValue) as caught:
        normal(**given)
    return caught.value.detail


def test_attribute_names_are_matched_in_any_case_and_written_in_schema_case():
    assert normal(USERNAME="u", Name={"GIVENNAME": "Uma"}) == {"userName": "u", "name": {"givenName": "Uma"}}


def test_unknown_attributes_are_ignored():
    assert normal(title="Dr", shoeSize=44, name={"nick": "U"}) == {"title": "Dr"}


def test_password_is_dropped():
    assert normal(password="secret") == {}


def test_read_only_attributes_are_ignored():
    assert normal(id="1", meta={"version": "x"}, groups=[{"value": "g"}]) == {}


@pytest.mark.parametrize("empty", [None, {}, {"givenName": None}, {"givenName": ""}])
def test_empty_complex_attribute_is_unassigned(empty):
    assert normal(name=empty) == {}


@pytest.mark.parametrize("empty", [None, [], [None], [{}], [""], "", {"value": None}])
def test_an_empty_list_of_values_is_unassigned(empty):
    assert normal(emails=empty) == {}


@pytest.mark.parametrize("spelling", [True, "True", "true", " TRUE ", "1", 1])
def test_every_spelling_of_true_is_true(spelling):
    assert normal(active=spelling) == {"active": True}


@pytest.mark.parametrize("spelling", [False, "False", "false", "0", 0])
def test_every_spelling_of_false_is_false(spelling):
    assert normal(active=spelling) == {"active": False}


@pytest.mark.parametrize("other", ["yes", 2, 1.0, ["x"], {"x": True}, [True, True]])
def test_boolean_attribute_is_refused_when_neither_true_nor_false(other):
    assert refusal(active=other) == "active must be true or false."


@pytest.mark.parametrize("value", [True, ["a", "b"], [True], {"a": 1}, {"value": {"value": "a"}}])
def test_text_attribute_is_refused_when_the_value_is_no_text(value):
    assert refusal(userName=value) == "userName must be text, in double quotes."


def test_sub_attribute_of_a_wrong_type_is_refused_with_its_path():
    assert refusal(emails=[{"value": False}]) == "emails.value must be text, in double quotes."


@pytest.mark.parametrize("value", [5, ["x"], "Uma"])
def test_a_complex_attribute_must_be_an_object(value):
    assert refusal(name=value) == "name must be an object."


@pytest.mark.parametrize("value", [5, [5], [["x"]]])
def test_multi_valued_attribute_is_refused_unless_it_is_a_list_of_objects(value):
    assert refusal(addresses=value) == "addresses must be objects in a list."


def test_single_object_is_read_as_a_list_of_one_value():
    assert normal(emails={"value": "u@acme.example"}) == {"emails": [{"value": "u@acme.example"}]}


def test_bare_values_in_a_list_are_read_as_objects():
    assert normal(emails=["a@acme.example", "b@acme.example"])["emails"] == [
        {"value": "a@acme.example"},
        {"value": "b@acme.example"},
    ]


def test_the_last_of_several_primary_values_is_primary():
    given = [{"value": "a", "primary": True}, {"value": "b", "primary": "True"}, {"value": "c"}]
    assert [item.get("primary") for item in normal(emails=given)["emails"]] == [False, True, None]


@pytest.mark.parametrize(
    ("name", "longest"), [("userName", MAX_NAME), ("title", MAX_TEXT), ("externalId", MAX_EXTERNAL_ID)]
)
def test_text_attribute_is_kept_at_its_longest_length_and_refused_beyond(name, longest):
    assert normal(**{name: "x" * longest})
    assert f"longer than {longest}" in refusal(**{name: "x" * (longest + 1)})


def test_multi_valued_attribute_is_refused_beyond_a_hundred_values():
    assert len(normal(emails=["x"] * MAX_VALUES)["emails"]) == MAX_VALUES
    assert "emails has 101 values" in refusal(emails=["x"] * (MAX_VALUES + 1))


@pytest.mark.parametrize(
    "given", ["X", ["X"], [{"value": "X"}], {"$ref": None, "Value": "X"}, [{"$ref": None, "value": "X"}]]
)
def test_text_in_a_list_of_one_or_in_an_object_is_read_as_the_text(given):
    assert normal(title=given) == {"title": "X"}


@pytest.mark.parametrize("given", ["False", ["False"], [{"$ref": None, "value": "False"}]])
def test_boolean_in_a_list_of_one_or_in_an_object_is_read_as_the_boolean(given):
    assert normal(active=given) == {"active": False}


@pytest.mark.parametrize(("number", "text"), [(5, "5"), (0, "0"), (1.5, "1.5"), (-7, "-7")])
def test_number_is_kept_as_the_text_of_a_text_attribute(number, text):
    assert normal(title=number, phoneNumbers=[number, {"value": number}]) == {
        "title": text,
        "phoneNumbers": [{"value": text}, {"value": text}],
    }


@pytest.mark.parametrize("name", ["name", "addresses", "active", "emails", "title", "externalId", "photos"])
@pytest.mark.parametrize("empty", ["", [], {}, [""], None])
def test_empty_value_unassigns_an_attribute_of_every_type(name, empty):
    assert normal(**{name: empty}) == {}


@pytest.mark.parametrize("name", ["photos", "x509Certificates"])
def test_value_that_is_too_long_to_keep_is_left_out_with_what_belongs_to_it(name):
    remarks = Remarks()
    given = {name: [{"value": "x" * (MAX_LONG_TEXT + 1), "type": "photo", "primary": True}, {"value": "y"}]}
    assert normal_object(given, SPECS, "", remarks) == {name: [{"value": "y"}]}
    assert remarks.text() == f"Left out, because they are too long: {name}.value."


def test_value_that_is_too_long_is_left_out_when_nobody_asks_for_remarks():
    assert normal(photos=["x" * (MAX_LONG_TEXT + 1)]) == {}


def test_unknown_attributes_with_a_value_are_named_in_the_remarks():
    remarks = Remarks()
    normal_object({"shoeSize": 44, "hat": None, "name": {"nick": "U", "x": ""}}, SPECS, "", remarks)
    assert remarks.text() == "Ignored, because there are no such attributes here: shoeSize, name.nick."
