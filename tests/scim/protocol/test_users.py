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
    FilterValue,
    GroupReference,
    Identity,
    facts,
    filter_values,
    looks_like_address,
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
def test_what_a_console_sends_is_read(name):
    known = facts(read_user(VECTORS[name]))
    assert (known.user_name, known.given_name, known.family_name, known.active) == (
        "nora@acme.example",
        "Nora",
        "Nilsen",
        True,
    )


@pytest.mark.parametrize("name", VECTORS)
def test_a_strict_client_reads_what_a_console_has_sent(name):
    shown = render(read_user(VECTORS[name]))
    read = scim2_models.User[scim2_models.EnterpriseUser].model_validate(shown)
    assert read.user_name == "nora@acme.example"


@pytest.mark.parametrize("name", VECTORS)
def test_what_is_stored_is_read_back_as_it_is(name):
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
def test_a_console_s_habits_are_understood(name, attribute, expected):
    assert read_user(VECTORS[name]).get(attribute) == expected


def test_entra_s_words_become_booleans():
    document = read_user(VECTORS["entra_create_user"])
    assert (document["active"], document["roles"][0]["primary"]) == (True, True)


@pytest.mark.parametrize("name", [USER, USER.upper(), "urn:scim:schemas:core:1.0"])
def test_attributes_within_the_core_schema_s_urn_are_read(name):
    assert normal_user({name: {"userName": "nora", "title": "Counsel"}}) == {"userName": "nora", "title": "Counsel"}


def test_a_core_urn_that_holds_no_object_is_ignored():
    assert normal_user({"userName": "nora", USER: "x"}) == {"userName": "nora"}


@pytest.mark.parametrize("value", [{}, None, {"department": None}, {"shoeSize": 46}, {"manager": ""}])
def test_an_empty_extension_is_not_stored(value):
    assert ENTERPRISE not in user(**{ENTERPRISE: value})


@pytest.mark.parametrize("value", ["x", 5, [], True])
def test_an_extension_that_is_no_object_is_refused(value):
    with pytest.raises(InvalidValue, match="must be an object"):
        user(**{ENTERPRISE: value})


def test_two_spellings_of_the_extension_add_up():
    document = user(
        **{ENTERPRISE: {"division": "EMEA"}, "urn:scim:schemas:extension:enterprise:1.0": {"department": "Legal"}}
    )
    assert document[ENTERPRISE] == {"division": "EMEA", "department": "Legal"}


@pytest.mark.parametrize(
    "body", [{}, {"userName": None}, {"userName": ""}, {"userName": " \t"}, {"displayName": "Nora"}]
)
def test_a_user_without_a_name_is_refused(body):
    with pytest.raises(InvalidValue, match="userName is missing"):
        read_user(body)


@pytest.mark.parametrize("value", [5, True, ["nora"], {"value": "nora"}, "x" * 257])
def test_a_user_name_is_text_of_some_length(value):
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


def test_put_without_active_on_a_document_without_it_leaves_it_out():
    assert "active" not in replace_user({"userName": "nora"}, {"userName": "nora"})


def test_put_sets_active():
    assert (
        replace_user({"userName": "nora", "active": True}, {"userName": "nora", "active": "False"})["active"] is False
    )


def test_put_unassigns_what_is_not_sent():
    before = user(title="Counsel", emails=["nora@acme.example"], **{ENTERPRISE: {"department": "Legal"}})
    assert replace_user(before, {"userName": "nora"}) == {"userName": "nora", "active": True}


def test_put_leaves_the_document_given_as_it_was():
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
def test_a_person_is_shown_by_the_best_name_there_is(body, expected):
    assert facts(user(**body)).display_name == expected


@pytest.mark.parametrize(("body", "expected"), [({}, None), ({"externalId": "x1"}, "x1"), ({"externalId": ""}, None)])
def test_an_external_id_is_text_or_none(body, expected):
    assert facts(user(**body)).external_id == expected


def test_the_primary_address_comes_first_and_then_the_one_at_work():
    emails = [
        {"value": "a"},
        {"value": "b", "type": "Work"},
        {"value": "c", "primary": True},
        {"value": "d", "type": "home"},
    ]
    assert addresses(*emails) == ("c", "b", "a", "d")


def test_an_e_mail_without_a_value_is_no_address():
    assert addresses({"type": "work"}) == ()


@pytest.mark.parametrize(
    ("name", "emails", "expected"),
    [
        ("nora@acme.example", ["other@acme.example"], "nora@acme.example"),
        (" nora@acme.example ", [], "nora@acme.example"),
        ("nora", ["no address", "other@acme.example"], "other@acme.example"),
        ("nora", [{"value": "a@acme.example"}, {"value": "b@acme.example", "type": "work"}], "b@acme.example"),
        ("nora", [], None),
    ],
)
def test_the_login_address_is_the_name_or_else_the_best_e_mail(name, emails, expected):
    assert facts(user(userName=name, emails=emails)).login_address == expected


@pytest.mark.parametrize(
    "text", ["a@b.cc", "o'neil+tag@sub.acme.example", "nora@ækme.example", "x" * 240 + "@acme.example"]
)
def test_an_address_looks_like_one(text):
    assert looks_like_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nora",
        "nora@acme",
        "@acme.example",
        "nora@",
        "a@b@c.dd",
        "a b@c.dd",
        "<a@c.dd>",
        "a@c.",
        "x" * 250 + "@a.bb",
    ],
)
def test_what_is_no_address_does_not_look_like_one(text):
    assert not looks_like_address(text)


def test_every_value_that_filters_look_for_is_listed():
    document = user(emails=[{"value": "a", "type": "work", "primary": True}, {"type": "home"}], phoneNumbers=["1"])
    assert filter_values(document) == (
        FilterValue("emails", "work", "a", primary=True),
        FilterValue("phoneNumbers", "", "1", primary=False),
    )


def test_the_enterprise_schema_is_named_only_when_its_object_is_there():
    plain, extended = user(), user(**{ENTERPRISE: {"department": "Legal"}})
    assert [render(one)["schemas"] for one in (plain, extended)] == [[USER], [USER, ENTERPRISE]]


def test_a_user_is_rendered_with_the_groups():
    legal = GroupReference("g1", "https://gatehouse.example/Groups/g1", "Legal")
    assert render(user(), [legal])["groups"] == [
        {"value": "g1", "$ref": "https://gatehouse.example/Groups/g1", "display": "Legal", "type": "direct"}
    ]


def test_a_strict_client_reads_the_groups():
    legal = GroupReference("g1", "https://gatehouse.example/Groups/g1", "Legal")
    assert scim2_models.User.model_validate(render(user(), [legal])).groups[0].value == "g1"


def test_a_user_in_no_group_has_no_groups():
    assert "groups" not in render(user())


def test_meta_says_what_where_and_when():
    assert render(user())["meta"] == {
        "resourceType": "User",
        "created": "2025-01-02T03:04:05Z",
        "lastModified": "2025-01-03T03:04:05Z",
        "location": "https://gatehouse.example/Users/u1",
        "version": 'W/"7"',
    }


@pytest.mark.parametrize("name", ["id", "meta", "groups", "schemas", "password"])
def test_what_the_service_sets_or_never_shows_is_not_stored(name):
    assert name not in user(**{name: "x"})


@given(BODIES)
def test_whatever_is_read_is_rendered_and_read_back(body):
    try:
        document = read_user(body)
    except ScimError:
        return
    assert read_user(render(document)) == document
