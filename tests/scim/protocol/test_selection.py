"""Which values of an attribute a filter selects, without regard to case."""

import pytest

from scim.protocol.filters import AttributePath, Present, ValuePath, parse
from scim.protocol.selection import paths, selects, template

WORK = {"type": "Work", "value": "Uma@Acme.example", "primary": True, "display": ""}


@pytest.mark.parametrize(
    "condition",
    [
        'type eq "work"',
        'TYPE eq "WORK"',
        'type ne "home"',
        'region ne "x"',
        'value co "@ACME"',
        'value sw "uma@"',
        'value ew ".EXAMPLE"',
        'type gt "home"',
        'type ge "work"',
        'type lt "x"',
        'type le "work"',
        "primary eq true",
        'primary eq "True"',
        "value pr",
        "region eq null",
        'type eq "work" and primary eq true',
        'type eq "home" or primary eq true',
        'not (type eq "home")',
    ],
)
def test_selects_is_true_when_the_value_meets_the_condition(condition):
    assert selects(parse(condition), WORK)


@pytest.mark.parametrize(
    "condition",
    [
        'type eq "home"',
        'type ne "WORK"',
        'value co "globex"',
        'type gt "work"',
        'type lt "work"',
        "primary eq false",
        "display pr",
        "region pr",
        "type gt 1",
        'region co "x"',
        "primary gt null",
        'type eq "work" and primary eq false',
        'type eq "home" or primary eq false',
        "not (value pr)",
    ],
)
def test_selects_is_false_when_the_value_does_not_meet_the_condition(condition):
    assert not selects(parse(condition), WORK)


@pytest.mark.parametrize("condition", ["primary eq false", 'PRIMARY eq "False"', "primary ne true"])
def test_value_without_primary_is_selected_as_not_primary(condition):
    assert selects(parse(condition), {"value": "x"})


def test_value_without_primary_is_not_selected_by_primary_pr():
    assert not selects(parse("primary pr"), {"value": "x"})


def test_nested_value_path_selects_nothing():
    assert not selects(ValuePath(AttributePath(None, "value"), Present(AttributePath(None, "value"))), WORK)


@pytest.mark.parametrize(
    ("condition", "described"),
    [
        ('type eq "work"', {"type": "work"}),
        ('type eq "work" and primary eq true', {"type": "work", "primary": True}),
        ('type ne "work"', None),
        ('type.x eq "work"', None),
        ('type eq "work" or type eq "home"', None),
        ('type eq "work" and value pr', None),
    ],
)
def test_template_is_made_from_equalities_only(condition, described):
    assert template(parse(condition)) == described


def test_paths_lists_every_attribute_in_a_filter():
    tree = parse('a pr and not (b eq "x" or emails[type pr])')
    assert [path.name for path in paths(tree)] == ["a", "b", "type"]
