"""PATCH of a user: every dialect's way to say it, and all of it or nothing."""

import json
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.errors import InvalidPath, InvalidValue, Mutability, NoTarget, ScimError
from scim.protocol.operations import read_operations
from scim.protocol.patch import apply
from scim.protocol.schemas import ENTERPRISE, USER
from scim.protocol.users import normal_user

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "scim" / "patch").glob("*.json"))
UMA = {
    "userName": "uma@acme.example",
    "active": False,
    "name": {"givenName": "Uma", "familyName": "Ulv"},
    ENTERPRISE: {"department": "Legal", "manager": {"value": "m1"}},
}
PATHS = [
    "active",
    "userName",
    "name",
    "name.givenName",
    "emails",
    "emails.value",
    'emails[type eq "work"]',
    'emails[type eq "work"].value',
    'emails[not (value pr) or primary eq "x"].primary',
    "addresses",
    "groups",
    "shoeSize",
    ENTERPRISE,
    f"{ENTERPRISE}:manager",
    f"{USER}:title",
    USER,
]
JSON = st.recursive(
    st.sampled_from([None, True, "True", "", "x", "a@acme.example", 1, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*PATHS, "value", "type", "primary", "x y"]), inner, max_size=3)
    ),
    max_leaves=8,
)
OPERATION = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "REMOVE"])},
    optional={"path": st.sampled_from(PATHS), "value": JSON},
)


def patched(document: dict, *operations: dict) -> dict:
    return apply(document, read_operations({"Operations": list(operations)}))


def changed(*operations: dict) -> dict:
    """Return what differs from UMA, None standing for an attribute that is gone."""
    result = patched(UMA, *operations)
    return {name: result.get(name) for name in UMA | result if result.get(name) != UMA.get(name)}


def replace(path: str | None, value: object) -> dict:
    return {"op": "replace", "value": value} | ({"path": path} if path else {})


def remove(path: str) -> dict:
    return {"op": "remove", "path": path}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda path: path.stem)
def test_a_request_as_a_client_sends_it_has_its_result(vector):
    case = json.loads(vector.read_text())
    assert apply(case["before"], read_operations(case["request"])) == case["after"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda path: path.stem)
def test_the_same_request_again_changes_nothing(vector):
    case = json.loads(vector.read_text())
    assert apply(case["after"], read_operations(case["request"])) == case["after"]


@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_missing_attribute_is_made(op):
    assert changed({"op": op, "path": "title", "value": "Dr"}) == {"title": "Dr"}


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_unassigns_an_attribute(empty):
    assert changed(replace(f"{ENTERPRISE}:department", empty)) == {ENTERPRISE: {"manager": {"value": "m1"}}}


@pytest.mark.parametrize("path", ["name.givenName", f"{USER}:name.givenName", "NAME.GIVENNAME"])
def test_one_part_of_a_name_is_removed(path):
    assert changed(remove(path)) == {"name": {"familyName": "Ulv"}}


def test_a_name_without_parts_is_gone():
    assert changed(remove("name.givenName"), remove("name.familyName")) == {"name": None}


@pytest.mark.parametrize("operation", [remove("name"), replace("name", None)])
def test_a_whole_name_is_removed(operation):
    assert changed(operation) == {"name": None}


@pytest.mark.parametrize("path", [None, "name"])
def test_parts_of_a_name_that_are_not_named_stay(path):
    value = {"GivenName": "Ulla"} if path else {"name": {"GivenName": "Ulla"}}
    assert changed(replace(path, value)) == {"name": {"givenName": "Ulla", "familyName": "Ulv"}}


def test_a_part_named_with_null_goes_alone():
    assert changed(replace(None, {"name": {"givenName": None}})) == {"name": {"familyName": "Ulv"}}


@pytest.mark.parametrize("value", [{}, {"shoeSize": 4}])
def test_an_object_without_known_parts_changes_nothing(value):
    assert changed(replace("name", value)) == {}


@pytest.mark.parametrize(
    "operation",
    [
        replace("shoeSize", 44),
        replace("name.nick", "U"),
        replace("title.x", "U"),
        replace("urn:example:2.0:User:badge", "7"),
        replace(None, {"shoeSize": 44, "@odata.type": "User", "": 1, "urn:example:2.0:User": {"badge": 7}}),
        replace(None, {"id": "x", "meta": {}, "schemas": [], "groups": [{"value": "g"}]}),
        replace(None, {ENTERPRISE: {"manager.displayName": "Mo", "cost center": 1}}),
        replace("emails", {"value": None}),
        {"op": "add", "path": 'emails[type eq "work"].value', "value": None},
        remove("urn:example:2.0:User"),
        remove(f"{ENTERPRISE}[department pr]"),
        replace("urn:example:extension:User:id", "x"),
        replace(f"{ENTERPRISE}:id", "x"),
        {"op": "add", "path": "schemas", "value": [ENTERPRISE]},
        remove(f"{ENTERPRISE}:division"),
        remove("nickName"),
    ],
)
def test_what_is_unknown_or_empty_is_ignored(operation):
    assert changed(operation) == {}


@pytest.mark.parametrize("operation", [remove("active"), replace("active", None)])
def test_active_can_be_removed(operation):
    assert changed(operation) == {"active": None}


@pytest.mark.parametrize(
    "path", ["id", "meta", "meta.version", "groups", "groups[value pr]", f"{ENTERPRISE}:manager.displayName"]
)
def test_a_path_to_what_the_service_sets_is_refused(path):
    with pytest.raises(Mutability, match="read-only"):
        changed(replace(path, "x"))


@pytest.mark.parametrize(
    "operation",
    [remove("userName"), replace("userName", None), replace("userName", " "), replace(None, {"userName": ""})],
)
def test_a_user_name_cannot_be_lost(operation):
    with pytest.raises(InvalidValue, match="userName"):
        changed(operation)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("userName", 5, "userName must be text"),
        ("active", "maybe", "active must be true or false"),
        ("name", "Uma", "name must be an object"),
        ("name.givenName", ["Uma"], "name.givenName must be text"),
        ("emails", 5, "emails must be objects in a list"),
        ("emails.primary", "maybe", "emails.primary must be true or false"),
        (ENTERPRISE, "Legal", "object of attributes"),
        (USER, None, "object of attributes"),
        (None, {ENTERPRISE: []}, "object of attributes"),
        (None, {"emails": [{"value": 5}]}, "emails.value must be text"),
        ("emails", ["x"] * 101, "101 values"),
    ],
)
def test_a_value_of_another_type_is_refused(path, value, sentence):
    with pytest.raises(InvalidValue, match=sentence):
        changed(replace(path, value))


def test_removing_the_core_schema_has_no_target():
    with pytest.raises(NoTarget):
        changed(remove(USER))


@pytest.mark.parametrize("value", [{"title": "Dr"}, {USER: {"title": "Dr"}}, {"urn:scim:schemas:core:1.0:title": "Dr"}])
@pytest.mark.parametrize("path", [None, USER])
def test_the_core_schema_may_be_named(path, value):
    assert changed(replace(path, value)) == {"title": "Dr"}


@pytest.mark.parametrize(
    "operation",
    [remove(ENTERPRISE), replace(ENTERPRISE, None), replace(None, {ENTERPRISE: None}), remove(ENTERPRISE.upper())],
)
def test_the_whole_extension_is_removed(operation):
    assert changed(operation) == {ENTERPRISE: None}


def test_the_extension_is_made_by_its_first_attribute():
    result = patched({"userName": "u"}, replace(ENTERPRISE, {"costCenter": "7"}))
    assert result == {"userName": "u", ENTERPRISE: {"costCenter": "7"}}


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ('name[givenName eq "Uma"].familyName', "one value"),
        ('emails[shoe eq "x"].value', "no sub-attribute 'shoe'"),
        ('emails[type.x eq "x"].value', "no sub-attribute"),
    ],
)
def test_a_filter_that_cannot_select_is_refused(path, sentence):
    with pytest.raises(InvalidPath, match=sentence):
        changed(replace(path, "x"))


def test_an_unreadable_filter_inside_a_value_is_refused():
    with pytest.raises(InvalidPath):
        changed(replace(None, {'emails[type eq "work].value': "x"}))


def test_the_operations_are_applied_in_order():
    assert changed(replace("title", "a"), remove("title"), replace("title", "b")) == {"title": "b"}


def test_a_removed_user_name_may_come_back_in_the_same_request():
    assert changed(remove("userName"), replace("userName", "ulla")) == {"userName": "ulla"}


def test_the_document_given_stays_as_it_was():
    before = deepcopy(UMA)
    patched(UMA, replace("name.givenName", "Ulla"), remove(ENTERPRISE), replace("emails", ["x@acme.example"]))
    assert before == UMA


def test_a_refused_operation_leaves_no_trace_of_those_before_it():
    before = deepcopy(UMA)
    with pytest.raises(Mutability):
        patched(UMA, replace("name.givenName", "Ulla"), replace("id", "x"))
    assert before == UMA


@given(st.lists(OPERATION, min_size=1, max_size=4))
def test_arbitrary_operations_give_a_normal_document_or_a_scim_error(operations):
    with suppress(ScimError):
        result = patched(UMA, *operations)
        assert normal_user(result) == result


@given(JSON)
def test_arbitrary_bodies_raise_nothing_but_scim_errors(body):
    with suppress(ScimError):
        patched(UMA, *([body] if isinstance(body, dict) else [{"op": "add", "value": body}]))
