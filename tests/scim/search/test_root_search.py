"""`/.search`: users and groups in one list (RFC 7644 §3.4.3)."""

from typing import Any

import pytest

from scim.protocol.schemas import GROUP, SEARCH_REQUEST, USER
from tests.conftest import ScimClient
from tests.scim.bodies import group_body, user_body
from tests.scim.test_endpoint import assert_scim_error

# by age: three people, two groups, one person
USERS = [("p1", "Dora", True), ("p2", "anna", False), ("p3", None, True)]
GROUPS = ["Bank", "chess"]


@pytest.fixture
def found(scim: ScimClient) -> ScimClient:
    ids = []
    for name, display, active in USERS:
        body = user_body(f"{name}@acme.example", displayName=display, active=active, externalId=f"x-{name}")
        ids.append(scim.post("/Users", body).json()["id"])
    for name in GROUPS:
        scim.post("/Groups", group_body(name, members=[{"value": ids[0]}]))
    scim.post("/Users", user_body("p4@acme.example", displayName="Émile", title="Chief"))
    return scim


def ask(scim: ScimClient, **query: Any) -> Any:
    return scim.post("/.search", {"schemas": [SEARCH_REQUEST]} | query)


def names(body: Any) -> list[str]:
    return [one.get("userName", one.get("displayName")).partition("@")[0] for one in body["Resources"]]


def walk(scim: ScimClient, **query: Any) -> list[str]:
    """Return who is on the pages by cursor, from the first to the last."""
    shown: list[str] = []
    cursor = ""
    while cursor is not None:
        body = ask(scim, **query, cursor=cursor).json()
        assert body["totalResults"] == 6
        assert len(body["Resources"]) <= query["count"]
        shown += names(body)
        cursor = body.get("nextCursor")
    return shown


ORDERS = [
    ({}, ["p1", "p2", "p3", "p4", "Bank", "chess"]),
    ({"sortOrder": "descending"}, ["p1", "p2", "p3", "p4", "Bank", "chess"]),
    ({"sortBy": "displayName"}, ["p2", "Bank", "chess", "p1", "p4", "p3"]),
    ({"sortBy": "displayName", "sortOrder": "descending"}, ["p3", "p4", "p1", "chess", "Bank", "p2"]),
    ({"sortBy": "meta.created"}, ["p1", "p2", "p3", "Bank", "chess", "p4"]),
    ({"sortBy": "meta.created", "sortOrder": "descending"}, ["p4", "chess", "Bank", "p3", "p2", "p1"]),
    # what only users have: groups have no value
    ({"sortBy": "active"}, ["p2", "p1", "p3", "p4", "Bank", "chess"]),
    ({"sortBy": "active", "sortOrder": "descending"}, ["chess", "Bank", "p4", "p3", "p1", "p2"]),
    ({"sortBy": "title"}, ["p4", "p1", "p2", "p3", "Bank", "chess"]),
    ({"sortBy": "title", "sortOrder": "descending"}, ["chess", "Bank", "p3", "p2", "p1", "p4"]),
    ({"sortBy": f"{GROUP}:displayName"}, ["Bank", "chess", "p1", "p2", "p3", "p4"]),
    ({"sortBy": "meta.resourceType"}, ["Bank", "chess", "p1", "p2", "p3", "p4"]),
]


@pytest.mark.parametrize(("query", "together"), ORDERS)
def test_root_search_lists_both_types_in_one_order(
    found: ScimClient, query: dict[str, Any], together: list[str]
) -> None:
    body = ask(found, **query).json()
    assert names(body) == together
    assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (6, 1, 6)


@pytest.mark.parametrize(("query", "together"), ORDERS)
@pytest.mark.parametrize("count", [1, 2, 4, 5, 6])
def test_root_search_pages_by_index_hold_everything_once_in_order(
    found: ScimClient, query: dict[str, Any], together: list[str], count: int
) -> None:
    pages = [ask(found, **query, startIndex=start, count=count).json() for start in range(1, 8, count)]
    assert [name for page in pages for name in names(page)] == together


@pytest.mark.parametrize(("query", "together"), ORDERS)
@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_root_search_pages_by_cursor_hold_everything_once_in_order(
    found: ScimClient, query: dict[str, Any], together: list[str], count: int
) -> None:
    assert walk(found, **query, count=count) == together


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('displayName co "e"', ["p4", "chess"]),
        ('userName eq "P1@acme.example"', ["p1"]),
        ('members.type eq "User"', ["Bank", "chess"]),
        ("not (userName pr)", ["Bank", "chess"]),
        ('userName pr or displayName eq "bank"', ["p1", "p2", "p3", "p4", "Bank"]),
        ('title ne "Chief"', ["p1", "p2", "p3", "Bank", "chess"]),
        ('meta.resourceType eq "Group"', ["Bank", "chess"]),
        (f'schemas eq "{USER}"', ["p1", "p2", "p3", "p4"]),
        (f"{GROUP}:displayName pr", ["Bank", "chess"]),
        ('groups.display eq "bank"', ["p1"]),
        (" ", ["p1", "p2", "p3", "p4", "Bank", "chess"]),
    ],
)
def test_root_search_filters_by_attributes_of_both_or_of_one_type(
    found: ScimClient, text: str, expected: list[str]
) -> None:
    body = ask(found, filter=text).json()
    assert (names(body), body["totalResults"]) == (expected, len(expected))


def test_root_search_answers_resources_as_their_own_endpoints_do(found: ScimClient) -> None:
    listed = [one for path in ("/Users", "/Groups") for one in found.get(path).json()["Resources"]]
    assert ask(found).json()["Resources"] == listed


def test_root_search_shows_only_the_attributes_that_are_asked_for(found: ScimClient) -> None:
    body = ask(found, attributes=["userName", f"{GROUP}:members.value"], count=10).json()
    shown = {frozenset(one) for one in body["Resources"]}
    assert shown == {frozenset({"schemas", "id", "userName"}), frozenset({"schemas", "id", "members"})}


def test_root_search_leaves_out_the_attributes_that_are_excluded(found: ScimClient) -> None:
    body = ask(found, excludedAttributes=["members", "meta"]).json()
    assert not [one for one in body["Resources"] if {"members", "meta"} & set(one)]


def test_root_search_with_count_zero_tells_the_total_alone(found: ScimClient) -> None:
    body = ask(found, count=0).json()
    assert (body["totalResults"], body["Resources"]) == (6, [])


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ({"filter": 'shoeSize eq "1"'}, "invalidFilter"),
        ({"filter": "userName eq"}, "invalidFilter"),
        ({"sortBy": "shoeSize"}, "invalidPath"),
        ({"sortBy": "members"}, "invalidPath"),
        ({"cursor": "nonsense"}, "invalidCursor"),
        ({"startIndex": "one"}, "invalidSyntax"),
    ],
)
def test_root_search_refuses_what_neither_type_can_answer(
    found: ScimClient, query: dict[str, Any], scim_type: str
) -> None:
    assert_scim_error(ask(found, **query), 400, scim_type)


@pytest.mark.parametrize("name", ["filter", "sortBy"])
def test_root_search_names_both_types_when_neither_has_an_attribute(found: ScimClient, name: str) -> None:
    text = "shoeSize pr" if name == "filter" else "shoeSize"
    assert "of users or groups" in ask(found, **{name: text}).json()["detail"]


def test_root_search_refuses_a_cursor_of_one_type(found: ScimClient) -> None:
    cursor = found.get("/Users?cursor=&count=2").json()["nextCursor"]
    assert_scim_error(ask(found, cursor=cursor, count=2), 400, "invalidCursor")


@pytest.mark.parametrize("query", [{}, {"sortBy": "displayName"}])
def test_root_search_takes_no_more_statements_for_more_rows(
    found: ScimClient, query: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        ask(found, **query)
