"""A user's body is read in every form that consoles send, and rendered so that strict clients read it."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import scim2_models
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.errors import InvalidValue, ScimError
from scim.protocol.schemas import ENTERPRISE, USER, USER_SPECS
from scim.protocol.users import (
    AddressCandidates,
    FilterValue,
    GroupReference,
    Identity,
    facts,
    filter_values,
    new_candidates,
    normal_user,
    read_user,
    render_user,
    replace_user,
)

VECTORS = {
    path.stem: json.loads(path.read_text())
    for path in (Path(__file__).parents[2] / "vectors" / "scim").glob("*_user*.json")
}
IDENTITY = Identity(
    id="u1",
    location="https://gatehouse.example/Users/u1",
    created="2025-01-02T03:04:05Z",
    last_modified="2025-01-03T03:04:05Z",
    version=7,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "type", "primary"]), inner),
    max_leaves=5,
)
BODIES = st.fixed_dictionaries(
    {"userName": st.text(min_size=1, max_size=20)},
    optional=dict.fromkeys(
        [*(spec.name for spec in USER_SPECS if spec.name != "userName"), ENTERPRISE, USER, "x"], JSON
    ),
)


def user(**changes):
    return read_user({"userName": "nora"} | changes)


def addresses(*emails):
    return facts(user(emails=list(emails))).addresses


def render(document, groups=()):
    return render_user(document, identity=IDENTITY, groups=groups)


@pytest.mark.parametrize("name", VECTORS)
def test_recorded_user_body_of_each_idp_is_read(name):
    known = facts(read_user(VECTORS[name]))
    assert (known.user_name, known.given_name, known.family_name, known.active) == (
        "nora@acme.example",
        "Nora",
        "Nilsen",
        True,
    )


@pytest.mark.parametrize("name", VECTORS)
def test_rendered_user_of_each_idp_validates_in_scim2_models(name):
    shown = render(read_user(VECTORS[name]))
    read = scim2_models.User[scim2_models.EnterpriseUser].model_validate(shown)
    assert read.user_name == "nora@acme.example"


@pytest.mark.parametrize("name", VECTORS)
def test_rendered_user_of_each_idp_is_read_back_to_the_same_document(name):
    document = read_user(VECTORS[name])
    assert normal_user(render(document)) == document


@pytest.mark.parametrize(
    ("name", "attribute", "expected"),
    [
        ("jumpcloud_put_user", "addresses", None),
        ("jumpcloud_put_user", "photos", [{"value": "https://img.acme.example/nora.png"}]),
        ("jumpcloud_put_user_minimal", "emails", None),
        ("onelogin_put_user", "emails", [{"value": "nora@acme.example", "type": "work", "primary": True}]),
        ("onelogin_put_user", "title", None),
        ("onelogin_put_user", ENTERPRISE, {"department": "Legal"}),
        ("okta_create_user", "password", None),
        ("okta_create_user", "groups", None),
        ("jumpcloud_create_user", ENTERPRISE, None),
    ],
)
def test_unusual_attribute_values_of_each_idp_are_read(name, attribute, expected):
    assert read_user(VECTORS[name]).get(attribute) == expected


def test_text_booleans_of_entra_become_booleans():
    document = read_user(VECTORS["entra_create_user"])
    assert (document["active"], document["roles"][0]["primary"]) == (True, True)


@pytest.mark.parametrize("name", [USER, USER.upper(), "urn:scim:schemas:core:1.0"])
def test_attributes_under_the_core_schema_urn_are_read(name):
    assert normal_user({name: {"userName": "nora", "title": "Counsel"}}) == {"userName": "nora", "title": "Counsel"}


def test_core_schema_urn_is_ignored_when_its_value_is_no_object():
    assert normal_user({"userName": "nora", USER: "x"}) == {"userName": "nora"}


@pytest.mark.parametrize("value", [{}, None, "", [], {"department": None}, {"shoeSize": 46}, {"manager": ""}])
def test_an_empty_extension_is_not_stored(value):
    assert ENTERPRISE not in user(**{ENTERPRISE: value})


@pytest.mark.parametrize("value", ["x", 5, ["x"], True])
def test_extension_is_refused_when_its_value_is_no_object(value):
    with pytest.raises(InvalidValue, match="must be an object"):
        user(**{ENTERPRISE: value})


def test_extension_attributes_under_two_spellings_of_the_urn_are_merged():
    document = user(
        **{ENTERPRISE: {"division": "EMEA"}, "urn:scim:schemas:extension:enterprise:1.0": {"department": "Legal"}}
    )
    assert document[ENTERPRISE] == {"division": "EMEA", "department": "Legal"}


@pytest.mark.parametrize(
    "body", [{}, {"userName": None}, {"userName": ""}, {"userName": " \t"}, {"displayName": "Nora"}]
)
def test_read_user_refuses_a_body_without_user_name(body):
    with pytest.raises(InvalidValue, match="userName is missing"):
        read_user(body)


@pytest.mark.parametrize("value", [True, ["nora", "n"], {"id": "nora"}, "x" * 257])
def test_user_name_that_is_no_text_or_too_long_is_refused(value):
    with pytest.raises(InvalidValue, match="userName"):
        user(userName=value)


@pytest.mark.parametrize("active", [None, True, "True", "true", 1, "1"])
def test_a_new_user_is_active_unless_the_body_says_otherwise(active):
    assert user(active=active)["active"] is True


@pytest.mark.parametrize("active", [False, "False", "false", 0, "0", " FALSE "])
def test_a_new_user_can_be_inactive(active):
    assert user(active=active)["active"] is False


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("body", [{}, {"active": None}])
def test_put_without_active_leaves_it_as_it_is(before, body):
    assert replace_user({"userName": "nora", "active": before}, {"userName": "nora"} | body)["active"] is before


def test_put_without_active_leaves_it_absent_when_it_was_absent():
    assert "active" not in replace_user({"userName": "nora"}, {"userName": "nora"})


def test_put_sets_active():
    assert (
        replace_user({"userName": "nora", "active": True}, {"userName": "nora", "active": "False"})["active"] is False
    )


def test_put_unassigns_attributes_not_sent():
    before = user(title="Counsel", emails=["nora@acme.example"], **{ENTERPRISE: {"department": "Legal"}})
    assert replace_user(before, {"userName": "nora"}) == {"userName": "nora", "active": True}


def test_put_does_not_modify_the_document_given():
    before = user(title="Counsel")
    copy = deepcopy(before)
    replace_user(before, {"userName": "other"})
    assert before == copy


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"displayName": "Nora N.", "name": {"formatted": "Dr Nora Nilsen"}}, "Nora N."),
        ({"name": {"formatted": "Dr Nora Nilsen", "givenName": "Nora"}}, "Dr Nora Nilsen"),
        ({"name": {"givenName": "Nora", "familyName": "Nilsen"}}, "Nora Nilsen"),
        ({"name": {"familyName": "Nilsen"}}, "Nilsen"),
        ({}, "nora"),
    ],
)
def test_display_name_falls_back_to_formatted_given_family_and_user_name(body, expected):
    assert facts(user(**body)).display_name == expected


@pytest.mark.parametrize(("body", "expected"), [({}, None), ({"externalId": "x1"}, "x1"), ({"externalId": ""}, None)])
def test_external_id_is_none_when_absent_or_empty(body, expected):
    assert facts(user(**body)).external_id == expected


A, B, C, D = "a@acme.test", "b@acme.test", "c@acme.test", "d@acme.test"
PRIVATE = "nora@private.test"


def test_candidates_are_the_primary_then_the_work_then_the_other_emails_and_the_user_name():
    emails = [{"value": A}, {"value": B, "type": "Work"}, {"value": C, "primary": True}, {"value": D, "type": "home"}]
    assert addresses(*emails) == AddressCandidates((C, B), (A, D), None)
    assert facts(user(userName=f" {A} ")).addresses == AddressCandidates((), (), A)


@pytest.mark.parametrize(
    "text", ["no address", "zoë.k@acme.test", "CORP\\k@acme.test", "a..b@acme.test", "x#@@acme.test"]
)
def test_candidates_leave_out_what_is_no_address(text):
    assert facts(user(userName=text, emails=[{"type": "work"}, text])).addresses == AddressCandidates((), (), None)


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        ([{"value": PRIVATE, "primary": True}, {"value": A, "type": "work"}], A),
        ([{"value": B, "type": "work"}, {"value": A, "primary": True}], A),
        ([{"value": "n@other.test", "type": "work"}, {"value": PRIVATE, "primary": True}], PRIVATE),
        ([{"value": A, "type": "home"}, {"value": "n@other.test", "type": "work"}], "n@other.test"),
        ([{"value": PRIVATE, "type": "home"}, {"value": A, "type": "other"}], PRIVATE),
        ([{"value": "a..b@acme.test", "type": "work", "primary": True}], "nora@onmicrosoft.test"),
        ([], "nora@onmicrosoft.test"),
    ],
)
def test_chosen_address_is_in_a_verified_domain_then_primary_then_work_then_any_then_the_user_name(emails, expected):
    assert facts(user(userName="nora@onmicrosoft.test", emails=emails)).addresses.choose({"acme.test"}) == expected


def test_no_address_is_chosen_when_there_is_none():
    assert facts(user(emails=["nothing"])).addresses.choose({"acme.test"}) is None


def test_domains_are_asked_for_only_when_the_choice_depends_on_them():
    work, primary = {"value": A, "type": "work"}, {"value": PRIVATE, "primary": True}
    assert addresses(work, {"value": PRIVATE, "type": "home"}).domains == frozenset()
    assert addresses(work, primary).domains == {"acme.test", "private.test"}


HEX = "0f8fad5bd9cb469fa16570867728950e"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"userName": A, "emails": [B]}, {"userName": A, "emails": [B], "title": "x"}, None),
        ({"userName": A, "emails": [B]}, {"userName": A}, None),
        ({"userName": A, "emails": [B]}, {"userName": C}, C),
        ({"userName": A}, {"userName": A, "emails": [B]}, B),
        ({"userName": A}, {"userName": HEX + A}, None),
        (
            {"userName": A, "emails": [A]},
            {"userName": HEX + A, "emails": [HEX + A, {"value": HEX + B, "type": "work"}]},
            None,
        ),
        ({"userName": HEX + A}, {"userName": A}, A),
    ],
)
def test_new_candidates_are_those_by_which_a_change_renames_the_person(before, after, expected):
    said = new_candidates(facts(read_user(before)).addresses, facts(read_user(after)).addresses)
    assert said.choose(frozenset()) == expected


def test_filter_values_has_the_employee_number_of_the_extension():
    document = {ENTERPRISE: {"employeeNumber": "4711"}}
    assert filter_values(document) == (FilterValue("employeeNumber", type="", value="4711", primary=False),)


def test_filter_values_lists_the_values_of_multi_valued_attributes():
    document = user(emails=[{"value": "a", "type": "work", "primary": True}, {"type": "home"}], phoneNumbers=["1"])
    assert filter_values(document) == (
        FilterValue("emails", "work", "a", primary=True),
        FilterValue("phoneNumbers", "", "1", primary=False),
    )


def test_rendered_user_names_the_enterprise_schema_only_when_its_object_is_present():
    plain, extended = user(), user(**{ENTERPRISE: {"department": "Legal"}})
    assert [render(one)["schemas"] for one in (plain, extended)] == [[USER], [USER, ENTERPRISE]]


def test_rendered_user_lists_the_given_groups():
    legal = GroupReference("g1", "https://gatehouse.example/Groups/g1", "Legal")
    assert render(user(), [legal])["groups"] == [
        {"value": "g1", "$ref": "https://gatehouse.example/Groups/g1", "display": "Legal", "type": "direct"}
    ]


def test_rendered_user_with_groups_validates_in_scim2_models():
    legal = GroupReference("g1", "https://gatehouse.example/Groups/g1", "Legal")
    assert scim2_models.User.model_validate(render(user(), [legal])).groups[0].value == "g1"


def test_rendered_user_in_no_group_has_no_groups_attribute():
    assert "groups" not in render(user())


def test_rendered_meta_has_type_times_location_and_version():
    assert render(user())["meta"] == {
        "resourceType": "User",
        "created": "2025-01-02T03:04:05Z",
        "lastModified": "2025-01-03T03:04:05Z",
        "location": "https://gatehouse.example/Users/u1",
        "version": 'W/"7"',
    }


@pytest.mark.parametrize("name", ["id", "meta", "groups", "schemas", "password"])
def test_read_only_attributes_and_password_are_not_stored(name):
    assert name not in user(**{name: "x"})


@given(BODIES)
def test_rendered_arbitrary_user_is_read_back_to_the_same_document(body):
    try:
        document = read_user(body)
    except ScimError:
        return
    assert read_user(render(document)) == document
