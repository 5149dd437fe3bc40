"""Every form in which a console changes a group becomes one delta (RFC 7644 §3.5.2)."""

from contextlib import suppress
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.errors import InvalidPath, InvalidValue, Mutability, NoTarget, ScimError
from scim.protocol.group_changes import GroupChange, MemberDelta, apply_to_group
from scim.protocol.operations import read_operations
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import GATEHOUSE_GROUP, GROUP

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "type", "x"]), inner),
    max_leaves=5,
)
ATTRIBUTES = (
    "members",
    "Members",
    "members.value",
    "members.display",
    "displayName",
    "externalId",
    "id",
    "shoe",
    GROUP,
)
FILTERED = ('members[value eq "a" or value eq "B"]', "members[value pr]", 'displayName[value eq "a"]')
PATHS = st.sampled_from([None, *ATTRIBUTES, *FILTERED])
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "REMOVE"]), "path": PATHS},
    optional={
        "value": JSON | st.dictionaries(st.sampled_from(["displayName", "externalId", "members", "id", GROUP]), JSON)
    },
)


def change(*operations):
    return apply_to_group(read_operations({"Operations": list(operations)}))


def op(op, path=None, *value):
    return {"op": op} | ({"path": path} if path else {}) | ({"value": value[0]} if value else {})


def after(delta, present):
    """Return the members that a group has after a delta, as its docstring says."""
    if delta is None:
        return list(present)
    kept = () if delta.replaces else tuple(member for member in present if member not in delta.removed)
    return [*kept, *(member for member in delta.added if member not in kept)]


def members(*operations, present=("a", "b", "c")):
    return after(change(*operations).members, present)


@pytest.mark.parametrize(
    "removal",
    [
        op("remove", 'members[value eq "b"]'),
        op("remove", 'members[value eq "B"]'),
        op("Remove", 'Members[Value Eq "b"]'),
        op("remove", f'{GROUP}:members[value eq "b"]'),
        op("remove", 'members[value eq "b"].value'),
        op("remove", "members", [{"value": "b"}]),
        op("Remove", "members", [{"$ref": None, "value": "b"}]),
        op("remove", "members", {"value": "b"}),
        op("remove", "members", ["b"]),
        op("remove", "members", "b"),
        op("remove", "members.value", ["b"]),
        op("remove", f"{GROUP}:members", [{"value": "b", "display": "Ben", "type": "User"}]),
    ],
    ids=lambda one: f"{one['path']} {one.get('value', '')}",
)
def test_remove_in_every_form_removes_exactly_the_named_member(removal):
    assert members(removal) == ["a", "c"]


def test_remove_with_an_or_filter_removes_several_members():
    assert members(op("remove", 'members[value eq "a" or value eq "c"]')) == ["b"]


def test_remove_with_a_list_of_values_removes_several_members():
    assert members(op("remove", "members", [{"value": "a"}, {"value": "c"}])) == ["b"]


@pytest.mark.parametrize(
    "clearing",
    [
        op("remove", "members"),
        op("remove", "members", None),
        op("replace", "members", []),
        op("replace", "members", None),
        op("replace", None, {"members": []}),
    ],
)
def test_remove_without_value_and_replace_with_nothing_remove_all_members(clearing):
    assert change(clearing).members == MemberDelta(replaces=True, added=(), removed=())


def test_remove_with_an_empty_list_removes_nobody():
    assert members(op("remove", "members", [])) == ["a", "b", "c"]


@pytest.mark.parametrize("value", ["", {}, [{}], [None], [{"value": ""}], [{"value": False}], True])
def test_remove_with_a_value_that_names_nobody_is_refused(value):
    with pytest.raises(InvalidValue):
        change(op("remove", "members", value))


@pytest.mark.parametrize("path", ["members.display", 'members[value eq "b"].display', "members.type", "members.$ref"])
@pytest.mark.parametrize("verb", ["remove", "replace", "add"])
def test_change_of_a_members_sub_attribute_is_refused_as_read_only(verb, path):
    with pytest.raises(Mutability):
        change(op(verb, path, "x"))


@pytest.mark.parametrize(
    "addition",
    [
        op("add", "members", [{"value": "d"}]),
        op("Add", "members", [{"$ref": None, "value": "D"}]),
        op("add", "members", "d"),
        op("add", None, {"members": [{"value": "d"}]}),
        op("add", GROUP, {"members": [{"value": "d"}]}),
        op("add", None, {GROUP: {"members": [{"value": "d"}]}}),
        op("add", None, {f"{GROUP}:members": [{"value": "d"}]}),
    ],
)
def test_add_in_every_form_adds_the_member(addition):
    assert members(addition) == ["a", "b", "c", "d"]


def test_add_of_an_existing_member_changes_nothing():
    assert members(op("add", "members", [{"value": "a"}])) == ["a", "b", "c"]


def test_replace_of_members_sets_exactly_the_listed_members():
    assert members(op("replace", "members", [{"value": "x"}, {"value": "a"}])) == ["x", "a"]


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([op("remove", "members", "a"), op("add", "members", "a")], {"a", "b", "c"}),
        ([op("add", "members", "d"), op("remove", "members", "d")], {"a", "b", "c"}),
        ([op("replace", "members", ["d", "e"]), op("remove", "members", "d")], {"e"}),
        ([op("replace", "members", ["d"]), op("add", "members", "e")], {"d", "e"}),
        ([op("add", "members", "d"), op("replace", "members", ["e"])], {"e"}),
        ([op("remove", "members", "a"), op("replace", "members", ["a"])], {"a"}),
        ([op("remove", "members"), op("add", "members", "d")], {"d"}),
        ([op("add", "members", "d"), op("remove", "members")], set()),
    ],
)
def test_member_operations_are_applied_in_order(operations, expected):
    assert set(members(*operations)) == expected


@pytest.mark.parametrize(
    "rename",
    [
        op("replace", "displayName", "Legal"),
        op("Replace", "DISPLAYNAME", "Legal"),
        op("add", f"{GROUP}:displayName", "Legal"),
        op("replace", None, {"displayName": "Legal"}),
        op("replace", None, {"id": "g1", "displayName": "Legal"}),
        op("replace", None, {GROUP: {"displayName": "Legal"}}),
        op("replace", GROUP, {"displayName": "Legal"}),
        op("replace", None, {"schemas": [GROUP], "displayName": "Legal", "meta": {}}),
    ],
)
def test_rename_is_read_in_every_form(rename):
    assert change(rename) == GroupChange(display_name="Legal")


@pytest.mark.parametrize("removal", [op("remove", "displayName"), op("remove", GROUP), op("remove", GROUP, {})])
def test_removal_of_display_name_is_refused(removal):
    with pytest.raises(InvalidValue):
        change(removal)


@pytest.mark.parametrize("value", ["", "  ", None, True, ["Legal", "Law"], {"x": 1}, "x" * 257])
def test_display_name_that_is_no_text_or_empty_or_too_long_is_refused(value):
    with pytest.raises(InvalidValue):
        change(op("replace", "displayName", value))


def test_last_of_two_renames_wins():
    assert change(op("replace", "displayName", "A"), op("replace", "displayName", "B")).display_name == "B"


@pytest.mark.parametrize("setting", [op("add", "externalId", "x1"), op("replace", None, {"externalid": "x1"})])
def test_add_and_replace_set_the_external_id(setting):
    assert change(setting) == GroupChange(external_id="x1")


@pytest.mark.parametrize("value", [None, ""])
def test_replace_with_null_or_empty_text_clears_the_external_id(value):
    assert change(op("replace", "externalId", value)) == GroupChange(clears_external_id=True)


def test_remove_clears_the_external_id():
    assert change(op("remove", "externalId")) == GroupChange(clears_external_id=True)


def test_external_id_set_after_its_removal_is_kept():
    assert change(op("remove", "externalId"), op("add", "externalId", "x2")) == GroupChange(external_id="x2")


@pytest.mark.parametrize("path", ["id", "meta", "meta.location", f"{GROUP}:id"])
def test_change_of_id_or_meta_is_refused_as_read_only(path):
    with pytest.raises(Mutability):
        change(op("replace", path, "x"))


@pytest.mark.parametrize(
    "operation",
    [
        op("add", "schemas", [GROUP]),
        op("add", "members", []),
        op("remove", "members", []),
        op("add", None, {"shoeSize": 46, "id": "g9"}),
        op("add", None, {GROUP: "Legal"}),
    ],
)
def test_group_attributes_that_mean_no_change_are_ignored(operation):
    assert change(operation) == GroupChange()


@pytest.mark.parametrize(
    "operation",
    [
        op("add", 'members[value eq "a"]', {"value": "b"}),
        op("replace", 'members[value eq "a"]', {"value": "b"}),
        op("remove", 'members[display eq "Adam"]'),
        op("remove", "members[value pr]"),
        op("remove", 'members[not (value eq "a")]'),
        op("remove", 'members[value eq "a" and display eq "Adam"]'),
        op("remove", 'members[type eq "User"]'),
        op("remove", 'members[type eq "User" and type pr]'),
        op("remove", "members[value eq true]"),
        op("remove", 'members[value eq "a" or display eq "b"]'),
        op("remove", 'displayName[value eq "a"]'),
    ],
)
def test_unsupported_member_filter_is_refused_as_invalid_path(operation):
    with pytest.raises(InvalidPath):
        change(operation)


def test_remove_without_a_path_raises_no_target():
    with pytest.raises(NoTarget):
        change(op("remove", None, {"members": [{"value": "a"}]}))


@pytest.mark.parametrize("value", ["x", 5, None, []])
def test_replace_of_a_whole_group_is_refused_when_the_value_is_no_object(value):
    with pytest.raises(InvalidValue):
        change(op("replace", GROUP, value))


@given(st.lists(OPERATIONS, min_size=1, max_size=4))
def test_arbitrary_operations_give_a_change_or_a_scim_error_and_stay_unmodified(operations):
    before = deepcopy(operations)
    with suppress(ScimError):
        change(*operations)
    assert operations == before


@given(
    st.lists(st.tuples(st.sampled_from(["add", "remove", "replace"]), st.lists(st.sampled_from("abcdef"))), min_size=1),
    st.sets(st.sampled_from("abcdef")),
)
def test_folded_delta_equals_the_operations_applied_one_by_one(steps, present):
    expected = set(present)
    for verb, named in steps:
        expected = {"add": expected | set(named), "remove": expected - set(named), "replace": set(named)}[verb]
    assert set(members(*(op(verb, "members", named) for verb, named in steps), present=sorted(present))) == expected


def test_thousand_operations_on_ten_thousand_members_fold_into_one_delta():
    everybody = [{"value": f"{number:036}"} for number in range(10_000)]
    each = [op("remove", f'members[value eq "{member["value"]}"]') for member in everybody[:999]]
    assert len(change(op("add", "members", everybody), *each).members.added) == 9_001


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        ('value eq "b" and type eq "User"', ["a", "c"]),
        ('type eq "user" and value eq "b"', ["a", "c"]),
        ('(value eq "b") and (type eq "User")', ["a", "c"]),
        ('(value eq "a" or value eq "b") and type eq "User"', ["c"]),
        ('(value eq "a" and type eq "User") or (value eq "b" and type eq "User")', ["c"]),
        ('value eq "b" and (type eq "User" or type eq "Group")', ["a", "c"]),
        ('value eq "b" and not (type eq "Group")', ["a", "c"]),
        ('value eq "b" and type eq "Group"', ["a", "b", "c"]),
        ('value eq "a" and value eq "b"', ["a", "b", "c"]),
        ("value eq 7", ["a", "b", "c"]),
    ],
)
def test_remove_by_a_filter_on_value_and_type_removes_whom_it_selects(condition, left):
    assert members(op("remove", f"members[{condition}]")) == left


def test_one_path_removes_hundreds_of_members():
    everybody = [f"{number:036}" for number in range(600)]
    path = "members[" + " or ".join(f'value eq "{one}"' for one in everybody[:500]) + "]"
    assert members(op("remove", path), present=everybody) == everybody[500:]


def test_path_of_more_terms_than_a_request_may_have_is_refused():
    path = "members[" + " or ".join(f'value eq "{one}"' for one in range(1001)) + "]"
    with pytest.raises(InvalidPath, match=r"1,000 terms"):
        change(op("remove", path))


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("memebers", "memebers"),
        ("shoeSize", "shoeSize"),
        ("displayName.first", "displayName.first"),
        ("externalId.x", "externalId.x"),
        ("urn:example:extension:Group:displayName", "urn:example"),
        (f"{GROUP}:memebers", "memebers"),
        (f"{GATEHOUSE_GROUP}:shoe", "shoe"),
    ],
)
@pytest.mark.parametrize("verb", ["add", "replace", "remove"])
def test_path_to_what_a_group_does_not_have_is_an_invalid_path(verb, path, named):
    with pytest.raises(InvalidPath, match=named):
        change(op(verb, path, "x"))


@pytest.mark.parametrize(
    "setting",
    [
        op("replace", "organizationRole", "ADMIN"),
        op("add", f"{GATEHOUSE_GROUP}:organizationRole", "Admin"),
        op("add", f"{GATEHOUSE_GROUP}.organizationRole", ["Admin"]),
        op("replace", GATEHOUSE_GROUP, {"organizationRole": "admin"}),
        op("replace", None, {GATEHOUSE_GROUP: {"OrganizationRole": "Admin"}}),
        op("replace", None, {f"{GATEHOUSE_GROUP}:organizationRole": [{"$ref": None, "value": "Admin"}]}),
    ],
)
def test_patch_sets_the_role_of_a_group_in_every_form(setting):
    assert change(setting) == GroupChange(organization_role="admin")


@pytest.mark.parametrize(
    "clearing",
    [
        op("remove", "organizationRole"),
        op("remove", GATEHOUSE_GROUP),
        op("replace", GATEHOUSE_GROUP, None),
        op("replace", "organizationRole", ""),
        op("replace", None, {GATEHOUSE_GROUP: None}),
        op("replace", None, {GATEHOUSE_GROUP: {"organizationRole": None}}),
    ],
)
def test_patch_clears_the_role_of_a_group_in_every_form(clearing):
    assert change(clearing) == GroupChange(clears_organization_role=True)


def test_group_gives_nobody_the_role_of_owner():
    with pytest.raises(InvalidValue, match="Owners are named by owners"):
        change(op("replace", "organizationRole", "Owner"))


@pytest.mark.parametrize("value", [["X"], [{"$ref": None, "value": "X"}], {"value": "X"}])
def test_group_is_renamed_by_a_name_in_a_list_or_an_object(value):
    assert change(op("Replace", "displayName", value)) == GroupChange(display_name="X")


def test_unknown_attributes_within_a_value_are_named_in_the_remarks():
    remarks = Remarks()
    value = {
        "shoeSize": 46,
        "hat": None,
        "id": "g9",
        "schemas": [GROUP],
        GATEHOUSE_GROUP: {"x": 1},
        "urn:e:G": {"y": 1},
    }
    assert apply_to_group(read_operations({"Operations": [op("replace", None, value)]}), remarks) == GroupChange()
    assert list(remarks.ignored) == ["shoeSize", "x", "urn:e:G"]


@pytest.mark.parametrize("number", [7, 7.5])
def test_member_named_by_a_number_is_nobody_who_is_there(number):
    assert members(op("remove", "members", [{"value": number}, number])) == ["a", "b", "c"]
