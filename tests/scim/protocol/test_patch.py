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
def test_recorded_patch_request_gives_the_expected_document(vector):
    case = json.loads(vector.read_text())
    assert apply(case["before"], read_operations(case["request"])) == case["after"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda path: path.stem)
def test_recorded_patch_request_applied_again_changes_nothing(vector):
    case = json.loads(vector.read_text())
    assert apply(case["after"], read_operations(case["request"])) == case["after"]


@pytest.mark.parametrize("op", ["add", "replace"])
def test_add_and_replace_create_a_missing_attribute(op):
    assert changed({"op": op, "path": "title", "value": "Dr"}) == {"title": "Dr"}


@pytest.mark.parametrize("empty", [None, ""])
def test_replace_with_an_empty_value_unassigns_the_attribute(empty):
    assert changed(replace(f"{ENTERPRISE}:department", empty)) == {ENTERPRISE: {"manager": {"value": "m1"}}}


@pytest.mark.parametrize("path", ["name.givenName", f"{USER}:name.givenName", "NAME.GIVENNAME"])
def test_remove_of_a_sub_attribute_keeps_the_others(path):
    assert changed(remove(path)) == {"name": {"familyName": "Ulv"}}


def test_name_is_unassigned_when_its_last_sub_attribute_is_removed():
    assert changed(remove("name.givenName"), remove("name.familyName")) == {"name": None}


@pytest.mark.parametrize("operation", [remove("name"), replace("name", None)])
def test_remove_and_replace_with_null_unassign_the_whole_name(operation):
    assert changed(operation) == {"name": None}


@pytest.mark.parametrize("path", [None, "name"])
def test_replace_of_a_complex_attribute_keeps_unnamed_sub_attributes(path):
    value = {"GivenName": "Ulla"} if path else {"name": {"GivenName": "Ulla"}}
    assert changed(replace(path, value)) == {"name": {"givenName": "Ulla", "familyName": "Ulv"}}


def test_replace_with_a_null_sub_attribute_removes_only_that_one():
    assert changed(replace(None, {"name": {"givenName": None}})) == {"name": {"familyName": "Ulv"}}


@pytest.mark.parametrize("value", [{}, {"shoeSize": 4}])
def test_replace_of_a_name_without_known_sub_attributes_changes_nothing(value):
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
def test_patch_of_unknown_or_empty_attributes_is_ignored(operation):
    assert changed(operation) == {}


@pytest.mark.parametrize("operation", [remove("active"), replace("active", None)])
def test_active_can_be_removed(operation):
    assert changed(operation) == {"active": None}


@pytest.mark.parametrize(
    "path", ["id", "meta", "meta.version", "groups", "groups[value pr]", f"{ENTERPRISE}:manager.displayName"]
)
def test_patch_of_a_read_only_attribute_is_refused(path):
    with pytest.raises(Mutability, match="read-only"):
        changed(replace(path, "x"))


@pytest.mark.parametrize(
    "operation",
    [remove("userName"), replace("userName", None), replace("userName", " "), replace(None, {"userName": ""})],
)
def test_removal_of_user_name_is_refused(operation):
    with pytest.raises(InvalidValue, match="userName"):
        changed(operation)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("userName", True, "userName must be text"),
        ("active", "maybe", "active must be true or false"),
        ("name", "Uma", "name must be an object"),
        ("name.givenName", ["Uma", "Ula"], "name.givenName must be text"),
        ("emails", True, "emails must be objects in a list"),
        ("emails.primary", "maybe", "emails.primary must be true or false"),
        (ENTERPRISE, "Legal", "object of attributes"),
        (USER, None, "object of attributes"),
        (None, {ENTERPRISE: []}, "object of attributes"),
        (None, {"emails": [{"value": True}]}, "emails.value must be text"),
        ("emails", ["x"] * 101, "101 values"),
    ],
)
def test_patch_with_a_value_of_a_wrong_type_is_refused(path, value, sentence):
    with pytest.raises(InvalidValue, match=sentence):
        changed(replace(path, value))


def test_remove_of_the_core_schema_raises_no_target():
    with pytest.raises(NoTarget):
        changed(remove(USER))


@pytest.mark.parametrize("value", [{"title": "Dr"}, {USER: {"title": "Dr"}}, {"urn:scim:schemas:core:1.0:title": "Dr"}])
@pytest.mark.parametrize("path", [None, USER])
def test_patch_reads_attributes_under_the_core_schema_urn(path, value):
    assert changed(replace(path, value)) == {"title": "Dr"}


@pytest.mark.parametrize(
    "operation",
    [remove(ENTERPRISE), replace(ENTERPRISE, None), replace(None, {ENTERPRISE: None}), remove(ENTERPRISE.upper())],
)
def test_remove_and_replace_with_null_unassign_the_whole_extension(operation):
    assert changed(operation) == {ENTERPRISE: None}


def test_replace_creates_a_missing_extension():
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
def test_patch_path_with_a_filter_that_cannot_select_raises_invalid_path(path, sentence):
    with pytest.raises(InvalidPath, match=sentence):
        changed(replace(path, "x"))


def test_malformed_filter_in_a_value_key_raises_invalid_path():
    with pytest.raises(InvalidPath):
        changed(replace(None, {'emails[type eq "work].value': "x"}))


def test_patch_operations_are_applied_in_order():
    assert changed(replace("title", "a"), remove("title"), replace("title", "b")) == {"title": "b"}


def test_user_name_may_be_removed_and_set_again_in_the_same_request():
    assert changed(remove("userName"), replace("userName", "ulla")) == {"userName": "ulla"}


def test_apply_does_not_modify_the_document_given():
    before = deepcopy(UMA)
    patched(UMA, replace("name.givenName", "Ulla"), remove(ENTERPRISE), replace("emails", ["x@acme.example"]))
    assert before == UMA


def test_apply_does_not_modify_the_document_given_when_a_later_operation_is_refused():
    before = deepcopy(UMA)
    with pytest.raises(Mutability):
        patched(UMA, replace("name.givenName", "Ulla"), replace("id", "x"))
    assert before == UMA


@given(st.lists(OPERATION, min_size=1, max_size=4))
def test_apply_gives_a_normal_document_or_a_scim_error_for_arbitrary_operations(operations):
    with suppress(ScimError):
        result = patched(UMA, *operations)
        assert normal_user(result) == result


@given(JSON)
def test_apply_raises_only_scim_errors_for_arbitrary_bodies(body):
    with suppress(ScimError):
        patched(UMA, *([body] if isinstance(body, dict) else [{"op": "add", "value": body}]))
