"""What a filter means for known attributes: their types, their case, and what is refused with a sentence."""

from datetime import UTC, datetime

import pytest

from scim.protocol.errors import InvalidFilter
from scim.protocol.filters import Operator, parse
from scim.protocol.queryable import GROUPS, USERS
from scim.protocol.resolution import (
    EARLIEST,
    LATEST,
    Assigned,
    Compared,
    Constant,
    Every,
    Negated,
    OfOneValue,
    Some,
    resolve,
)
from scim.protocol.schemas import ENTERPRISE
from scim.protocol.users import filter_keys

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"


def users(text):
    return resolve(parse(text), USERS)


def refusal(text, schema=USERS):
    with pytest.raises(InvalidFilter) as caught:
        resolve(parse(text), schema)
    return caught.value.detail


@pytest.mark.parametrize(
    "name",
    ["userName", "USERNAME", f"{CORE}:userName", CORE.upper() + ":username", "urn:scim:schemas:core:1.0:userName"],
)
def test_attribute_is_found_in_any_case_with_and_without_its_urn(name):
    assert users(f'{name} eq "x"').attribute.name == "userName"


@pytest.mark.parametrize(
    "name",
    [
        "department",
        f"{ENTERPRISE}:department",
        f"{ENTERPRISE}.department",
        "urn:scim:schemas:extension:enterprise:1.0:department",
    ],
)
def test_attribute_of_the_extension_is_found_by_its_urn_and_by_its_bare_name(name):
    found = users(f'{name} eq "x"').attribute
    assert (found.name, found.urn) == ("department", ENTERPRISE)


@pytest.mark.parametrize(
    "name",
    [
        "nosuch",
        "userName.nosuch",
        "password",
        f"{CORE}:department",
        f"{ENTERPRISE}:userName",
        "urn:x:userName",
        "members",
    ],
)
def test_unknown_attribute_is_refused_by_its_name(name):
    assert name in refusal(f"{name} pr")


def test_no_two_attributes_of_users_have_one_key():
    names = [attribute.key for attribute in USERS.wholes]
    assert len(names) == len(set(names)) == sum(len(specs) for specs in (USERS.core, *USERS.extensions.values())) - 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('userName eq " Straße① "', "straße①"),
        ('userName co " Ä"', " ä"),
        ('externalId eq " X "', " X "),
        ('externalId co "X"', "X"),
        ('profileUrl sw "HTTPS"', "HTTPS"),
        ("active eq true", True),
        ('active ne "False"', False),
        ('emails.primary eq "true"', True),
        ('meta.created ge "2026-05-13T04:42:34Z"', datetime(2026, 5, 13, 4, 42, 34, tzinfo=UTC)),
        ('meta.created lt "2026-05-13"', datetime(2026, 5, 13, tzinfo=UTC)),
        ('meta.created gt "2026-05-13T01:00:00+02:00"', datetime(2026, 5, 12, 23, tzinfo=UTC)),
        ('meta.created eq "0001-01-02"', EARLIEST),
        ('meta.created eq "9999-01-02"', LATEST),
        ('photos.value eq "x"', "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
    ],
)
def test_value_has_the_form_in_which_the_attribute_is_looked_up(text, value):
    assert users(text).value == value


@pytest.mark.parametrize(("name", "leaf"), [("emails", "emails.value"), ("manager", "manager.value")])
def test_complex_attribute_stands_for_its_value(name, leaf):
    assert users(f'{name} eq "x"').attribute.name == leaf


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("title pr and name pr", Every),
        ("title pr or name pr", Some),
        ("not (title pr)", Negated),
        ('title eq "x"', Compared),
        ("title pr", Assigned),
        ("title ne null", Assigned),
        ("title eq null", Negated),
        ('emails[type eq "work"]', OfOneValue),
        ('name[givenName eq "x"]', Every),
    ],
)
def test_term_is_resolved_to_its_kind(text, kind):
    assert isinstance(users(text), kind)


def test_bracket_is_about_the_sub_attributes_of_one_value():
    found = users('emails[Type eq "Work"]')
    assert (found.attribute.name, found.term.attribute.name, found.term.value) == ("emails", "emails.type", "work")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("userName eq 5", "double quotes"),
        ("userName eq true", "double quotes"),
        ("active eq 1", "true or false"),
        ('active eq "yes"', "true or false"),
        ("active gt true", "eq, ne or pr"),
        ('active co "t"', "eq, ne or pr"),
        ('meta.created eq "soon"', "2026-05-13T04:42:34Z"),
        ('meta.created eq "0001-01-01T00:00:00+14:00"', "2026-05-13T04:42:34Z"),
        ('meta.created sw "2026"', "is a time"),
        ('name eq "x"', "name.formatted"),
        ('addresses eq "x"', "addresses.formatted"),
        ("title gt null", "null"),
        ('x509Certificates.value co "x"', "eq, ne or pr"),
        ('photos.value sw "x"', "eq, ne or pr"),
        ('title[value eq "x"]', "no sub-attributes"),
        ('emails[nosuch eq "x"]', "nosuch"),
        ('emails[type.value eq "x"]', "type.value"),
        ('emails[urn:x:type eq "x"]', "urn:x:type"),
    ],
)
def test_comparison_that_the_type_does_not_allow_is_refused_with_a_hint(text, hint):
    assert hint in refusal(text)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ('userName eq "x"', False),
        ('userName ne "x"', True),
        ("userName eq null", True),
        ("userName ne null", False),
        ("userName pr", False),
        ('emails[type eq "work"]', False),
    ],
)
def test_attribute_that_only_other_types_have_has_no_value(text, truth):
    assert resolve(parse(text), GROUPS, (USERS,)) == Constant(truth)


def test_attribute_that_no_type_has_is_refused_when_several_are_searched():
    with pytest.raises(InvalidFilter, match="nosuch"):
        resolve(parse("nosuch pr"), GROUPS, (USERS,))


def test_whole_of_a_resource_is_its_own_attribute_without_parts():
    found = users('schemas eq "URN:X"')
    assert (found.attribute.values, found.value, found.op) == (found.attribute, "urn:x", Operator.EQ)


def test_filter_keys_hold_each_value_in_comparable_form_and_the_primary_value_first():
    document = {
        "userName": "Nora",
        "active": True,
        "title": " Straße ",
        "profileUrl": "https://A",
        "name": {"familyName": "Å"},
        "emails": [{"value": "A@x"}, {"value": "B@x", "type": "Work", "primary": True}],
        "photos": [{"value": "x"}],
        ENTERPRISE: {"manager": {"value": "M1"}, "employeeNumber": "0815"},
    }
    assert filter_keys(document) == {
        "title": "straße",
        "profileurl": "https://A",
        "name.familyname": "å",
        "emails": [{"value": "b@x", "type": "work", "primary": "true"}, {"value": "a@x"}],
        "photos": [{"value": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}],
        "manager.value": "M1",
        "employeenumber": "0815",
    }
