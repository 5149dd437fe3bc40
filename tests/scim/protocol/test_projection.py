"""attributes and excludedAttributes show a part of a resource, and never less than its id (RFC 7644 §3.9)."""

from copy import deepcopy

import pytest

from scim.protocol.errors import InvalidValue
from scim.protocol.projection import is_wanted, project
from scim.protocol.schemas import ENTERPRISE, GATEHOUSE_GROUP, GATEHOUSE_USER, GROUP, USER

UMA = {
    "schemas": [USER, ENTERPRISE],
    "id": "u1",
    "userName": "uma@acme.example",
    "active": False,
    "name": {"givenName": "Uma", "familyName": "Ulv"},
    "emails": [{"value": "uma@acme.example", "type": "work"}, {"value": "uma@home.example", "display": "At home"}],
    ENTERPRISE: {"department": "Legal", "manager": {"value": "u2", "displayName": "Adam"}},
    "photos": ["https://img.example/uma.png"],
    "meta": {"resourceType": "User", "location": "https://gatehouse.example/Users/u1"},
}
ALWAYS = {"schemas", "id"}


def only(names):
    shown = project(UMA, attributes=names, excluded=None)
    return {name: value for name, value in shown.items() if name not in ALWAYS}


def hidden(names):
    """Return what differs from the whole resource, None standing for an attribute that is gone."""
    shown = project(UMA, attributes=None, excluded=names)
    return {name: shown.get(name) for name in UMA if shown.get(name) != UMA[name]}


@pytest.mark.parametrize(("attributes", "excluded"), [(None, None), ("", ""), (None, "")])
def test_project_returns_the_whole_resource_when_nothing_is_named(attributes, excluded):
    assert project(UMA, attributes=attributes, excluded=excluded) == UMA


def test_project_refuses_attributes_and_excluded_attributes_together():
    with pytest.raises(InvalidValue, match="not both"):
        project(UMA, attributes="userName", excluded="name")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("userName", {"userName": "uma@acme.example"}),
        ("USERNAME", {"userName": "uma@acme.example"}),
        (f"{USER}:userName", {"userName": "uma@acme.example"}),
        ("active", {"active": False}),
        (" userName , active ", {"userName": "uma@acme.example", "active": False}),
        ("name", {"name": UMA["name"]}),
        ("name.givenName", {"name": {"givenName": "Uma"}}),
        ("name,name.givenName", {"name": UMA["name"]}),
        ("emails.value", {"emails": [{"value": "uma@acme.example"}, {"value": "uma@home.example"}]}),
        ("emails.display", {"emails": [{"display": "At home"}]}),
        ("emails.primary", {}),
        ("name.middleName", {}),
        ("userName.first", {}),
        ("photos.value", {}),
        (ENTERPRISE, {ENTERPRISE: UMA[ENTERPRISE]}),
        (f"{ENTERPRISE}:department", {ENTERPRISE: {"department": "Legal"}}),
        (f"{ENTERPRISE}:manager.value", {ENTERPRISE: {"manager": {"value": "u2"}}}),
        (f"{ENTERPRISE}.department", {ENTERPRISE: {"department": "Legal"}}),
        ("urn:scim:schemas:extension:enterprise:1.0:department", {ENTERPRISE: {"department": "Legal"}}),
        ("Department", {ENTERPRISE: {"department": "Legal"}}),
        ("manager.value", {ENTERPRISE: {"manager": {"value": "u2"}}}),
        ("meta.location", {"meta": {"location": "https://gatehouse.example/Users/u1"}}),
        ("shoeSize", {}),
        (",", {}),
    ],
)
def test_attributes_keeps_only_the_named_attributes(names, expected):
    assert only(names) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("userName", {"userName": None}),
        ("USERNAME,active", {"userName": None, "active": None}),
        (f"{USER}:name", {"name": None}),
        ("name.givenName", {"name": {"familyName": "Ulv"}}),
        ("name.givenName,name.familyName", {"name": None}),
        ("emails.type", {"emails": [{"value": "uma@acme.example"}, UMA["emails"][1]]}),
        ("emails.value,emails.type", {"emails": [{"display": "At home"}]}),
        (f"{ENTERPRISE}:manager.displayName", {ENTERPRISE: {"department": "Legal", "manager": {"value": "u2"}}}),
        (ENTERPRISE, {ENTERPRISE: None}),
        ("department,manager", {ENTERPRISE: None}),
        ("userName.first", {}),
        ("photos.value", {}),
        ("shoeSize", {}),
    ],
)
def test_excluded_attributes_removes_the_named_attributes(names, expected):
    assert hidden(names) == expected


@pytest.mark.parametrize("names", ["id", "schemas", "ID,Schemas", "id,schemas.x"])
def test_id_and_schemas_cannot_be_excluded(names):
    assert hidden(names) == {}


@pytest.mark.parametrize("names", ["active", "shoeSize", ","])
def test_id_and_schemas_are_kept_whatever_attributes_are_named(names):
    assert set(project(UMA, attributes=names, excluded=None)) >= ALWAYS


def test_members_of_a_group_can_be_excluded():
    group = {"schemas": [GROUP], "id": "g1", "displayName": "Legal", "members": [{"value": "u1"}]}
    shown = project(group, attributes=None, excluded=f"{GROUP}:members")
    assert shown == {"schemas": [GROUP], "id": "g1", "displayName": "Legal"}


@pytest.mark.parametrize("urn", [GATEHOUSE_USER, GATEHOUSE_GROUP])
@pytest.mark.parametrize("name", ["organizationRole", "{urn}:organizationRole", "{urn}", "{urn}.organizationrole"])
def test_attributes_of_our_extensions_are_kept_and_removed_as_enterprise_ones_are(urn, name):
    resource, named = {"id": "1", "active": True, urn: {"organizationRole": "Admin"}}, name.format(urn=urn)
    kept = project(resource, attributes=named, excluded=None)
    assert kept == {"id": "1", urn: {"organizationRole": "Admin"}}
    assert project(resource, attributes=None, excluded=named) == {"id": "1", "active": True}


@pytest.mark.parametrize(
    ("attributes", "excluded", "expected"),
    [
        (None, None, True),
        ("", "", True),
        ("displayName", None, False),
        ("displayName, Members", None, True),
        ("members.value", None, True),
        (f"{GROUP}:members", None, True),
        (None, "members", False),
        (None, f"{GROUP}:Members", False),
        (None, "members.value", True),
    ],
)
def test_members_are_wanted_unless_what_is_asked_for_leaves_them_out(attributes, excluded, expected):
    assert is_wanted("members", attributes, excluded) is expected


@pytest.mark.parametrize("way", [("name.givenName", None), (None, "emails.type")])
def test_project_does_not_modify_the_resource_given(way):
    before = deepcopy(UMA)
    project(UMA, attributes=way[0], excluded=way[1])
    assert before == UMA
