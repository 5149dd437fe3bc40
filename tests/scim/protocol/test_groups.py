"""A group's body is read in every form that consoles send, and rendered so that strict clients read it."""

import pytest
import scim2_models
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.errors import InvalidValue
from scim.protocol.groups import (
    MAX_MEMBERS,
    GroupInput,
    MemberReference,
    read_display_name,
    read_external_id,
    read_group,
    read_members,
    render_group,
)
from scim.protocol.remarks import Remarks
from scim.protocol.schemas import GATEHOUSE_GROUP, GROUP
from scim.protocol.users import Identity

IDENTITY = Identity(
    id="g1",
    location="https://gatehouse.example/Groups/g1",
    created="2025-01-02T03:04:05Z",
    last_modified="2025-01-03T03:04:05Z",
    version=7,
)
UMA = MemberReference("u1", "https://gatehouse.example/Users/u1")


def render(external_id=None, members=(UMA,)):
    return render_group(identity=IDENTITY, display_name="Legal", external_id=external_id, members=members)


def test_read_group_reads_name_external_id_and_members():
    body = {"schemas": [GROUP], "displayName": "Legal", "externalId": "x1", "members": [{"value": "U1"}]}
    assert read_group(body) == GroupInput("Legal", "x1", ("u1",))


def test_read_group_matches_attribute_names_in_any_case():
    body = {"DISPLAYNAME": "Legal", "externalid": "x1", "Members": []}
    assert read_group(body) == GroupInput("Legal", "x1", ())


def test_read_group_gives_none_as_members_when_members_are_absent():
    assert read_group({"displayName": "Legal"}).members is None


@pytest.mark.parametrize("members", [None, []])
def test_read_group_gives_no_members_for_null_and_for_an_empty_list(members):
    assert read_group({"displayName": "Legal", "members": members}).members == ()


def test_read_group_ignores_read_only_and_unknown_attributes():
    body = {"displayName": "Legal", "id": "other", "meta": 5, "shoeSize": 46}
    assert read_group(body) == GroupInput("Legal", None, None)


@pytest.mark.parametrize(
    "body", [{}, {"displayName": None}, {"displayName": ""}, {"displayName": " \t"}, {"displayName": [None]}]
)
def test_read_group_refuses_a_body_without_display_name(body):
    with pytest.raises(InvalidValue, match="displayName is missing"):
        read_group(body)


def test_display_name_of_256_characters_is_read():
    assert read_display_name("x" * 256) == "x" * 256


def test_display_name_of_257_characters_is_refused():
    with pytest.raises(InvalidValue, match="256"):
        read_display_name("x" * 257)


@pytest.mark.parametrize("value", [None, ""])
def test_read_external_id_returns_none_for_null_and_empty_text(value):
    assert read_external_id(value) is None


@pytest.mark.parametrize("value", [True, ["x", "y"], {"id": "x"}, "x" * 1025])
def test_external_id_that_is_no_text_or_too_long_is_refused(value):
    with pytest.raises(InvalidValue, match="externalId"):
        read_external_id(value)


@pytest.mark.parametrize(
    "value",
    [
        [{"value": "u1"}],
        [{"VALUE": "U1"}],
        [{"value": "u1", "$ref": None, "display": "Uma", "type": "User"}],
        [{"value": "u1", "type": "user"}],
        [{"value": "u1", "type": None}],
        [{"value": "u1", "type": ""}],
        {"value": "u1"},
        "u1",
        ["U1"],
        ["u1", {"value": "U1"}],
    ],
)
def test_read_members_reads_a_member_in_every_form(value):
    assert read_members(value) == ("u1",)


def test_read_members_keeps_the_order_and_drops_duplicates():
    assert read_members(["c", "a", "b", "A"]) == ("c", "a", "b")


@pytest.mark.parametrize(
    "value", [True, "", [""], [None], [[]], {}, [{"value": None}], [{"value": True}], [{"display": "Uma"}]]
)
def test_read_members_refuses_a_member_without_an_id(value):
    with pytest.raises(InvalidValue, match="member"):
        read_members(value)


@pytest.mark.parametrize("kind", ["Group", "group", 5])
def test_read_members_refuses_a_member_of_a_type_other_than_user(kind):
    with pytest.raises(InvalidValue, match="Only users"):
        read_members([{"value": "g2", "type": kind}])


def test_read_members_reads_the_largest_allowed_number():
    assert len(read_members([f"u{number}" for number in range(MAX_MEMBERS)])) == MAX_MEMBERS


def test_read_members_refuses_one_member_more_than_allowed():
    with pytest.raises(InvalidValue, match="10001 values"):
        read_members(["u1"] * (MAX_MEMBERS + 1))


def test_a_group_is_rendered_with_its_members():
    assert render()["members"] == [{"value": "u1", "$ref": "https://gatehouse.example/Users/u1", "type": "User"}]


def test_rendered_group_has_no_members_when_members_are_none():
    assert "members" not in render(members=None)


def test_rendered_group_without_members_has_an_empty_list():
    assert render(members=())["members"] == []


@pytest.mark.parametrize(("external_id", "expected"), [(None, None), ("x1", "x1")])
def test_rendered_group_has_an_external_id_only_when_one_is_set(external_id, expected):
    assert render(external_id).get("externalId") == expected


def test_rendered_meta_has_type_times_location_and_version():
    assert render()["meta"] == {
        "resourceType": "Group",
        "created": "2025-01-02T03:04:05Z",
        "lastModified": "2025-01-03T03:04:05Z",
        "location": "https://gatehouse.example/Groups/g1",
        "version": 'W/"7"',
    }


def test_rendered_group_validates_in_scim2_models():
    read = scim2_models.Group.model_validate(render("x1"))
    assert (read.id, read.display_name, read.external_id, read.members[0].value) == ("g1", "Legal", "x1", "u1")


@given(
    name=st.text(min_size=1, max_size=256).filter(str.strip),
    external_id=st.none() | st.text(min_size=1, max_size=256),
    ids=st.lists(st.uuids().map(str), max_size=5, unique=True),
)
def test_rendered_group_is_read_back_to_the_same_input(name, external_id, ids):
    references = [MemberReference(one, f"https://gatehouse.example/Users/{one}") for one in ids]
    shown = render_group(identity=IDENTITY, display_name=name, external_id=external_id, members=references)
    assert read_group(shown) == GroupInput(name, external_id, tuple(ids))


def test_read_group_reads_the_role_and_names_what_is_unknown():
    remarks = Remarks()
    body = {
        "displayName": "Admins",
        GATEHOUSE_GROUP: {"organizationRole": "admin"},
        "shoe": 1,
        "schemas": [],
        "id": "x",
    }
    assert read_group(body, remarks) == GroupInput("Admins", None, None, "admin")
    assert remarks.text() == "Ignored, because there are no such attributes here: shoe."


@pytest.mark.parametrize("role", [{}, {"organizationRole": ""}, None])
def test_read_group_reads_no_role_when_the_extension_is_empty(role):
    assert read_group({"displayName": "Admins", GATEHOUSE_GROUP: role}).organization_role is None


def test_rendered_group_has_its_role_in_the_extension():
    shown = render_group(identity=IDENTITY, display_name="A", external_id=None, members=None, organization_role="admin")
    assert (shown["schemas"], shown[GATEHOUSE_GROUP]) == ([GROUP, GATEHOUSE_GROUP], {"organizationRole": "Admin"})
