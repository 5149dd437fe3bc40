"""Sorting, paging by cursor, and queries as bodies (RFC 7644 §3.4.2.3, §3.4.3; RFC 9865)."""

from typing import Any
from urllib.parse import urlencode

import pytest

from scim.endpoint import cursors
from scim.protocol.schemas import SEARCH_REQUEST
from tests.conftest import ScimClient
from tests.scim.bodies import group_body, user_body
from tests.scim.test_endpoint import assert_scim_error

PEOPLE = [
    ("p1", "berta", True),
    ("p2", "Anna", False),
    ("p3", None, True),
    ("p4", "anna", True),
    ("p5", "Émile", False),
]


@pytest.fixture
def people(scim: ScimClient) -> ScimClient:
    for name, title, active in PEOPLE:
        mails = [{"value": f"{name}@acme.example"}, {"value": f"x-{name[::-1]}@acme.example", "primary": True}]
        scim.post("/Users", user_body(f"{name}@acme.example", title=title, active=active, emails=mails))
    return scim


def listed(scim: ScimClient, path: str = "/Users", **query: Any) -> list[str]:
    body = scim.get(f"{path}?{urlencode(query)}").json()
    return [one.get("userName", one.get("displayName")).partition("@")[0] for one in body["Resources"]]


def walk(scim: ScimClient, **query: Any) -> list[list[str]]:
    """Return the pages by cursor, from the first to the last."""
    pages, cursor = [], ""
    while cursor is not None:
        body = scim.get(f"/Users?{urlencode(query | {'cursor': cursor})}").json()
        assert (body["totalResults"], "startIndex" in body) == (5, False)
        pages.append([one["userName"].partition("@")[0] for one in body["Resources"]])
        cursor = body.get("nextCursor")
    return pages


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sortBy": "title"}, ["p2", "p4", "p1", "p5", "p3"]),
        ({"sortBy": "title", "sortOrder": "descending"}, ["p3", "p5", "p1", "p4", "p2"]),
        ({"sortBy": "active"}, ["p2", "p5", "p1", "p3", "p4"]),
        ({"sortBy": "meta.created", "sortOrder": "descending"}, ["p5", "p4", "p3", "p2", "p1"]),
        ({"sortBy": "emails"}, ["p1", "p2", "p3", "p4", "p5"]),
        ({"sortBy": "userName", "startIndex": 2, "count": 2}, ["p2", "p3"]),
    ],
)
def test_users_are_sorted_by_the_attribute_and_then_by_age(
    people: ScimClient, query: dict[str, Any], expected: list[str]
) -> None:
    assert listed(people, **query) == expected


@pytest.mark.parametrize(
    ("query", "together"),
    [
        ({}, ["p1", "p2", "p3", "p4", "p5"]),
        ({"sortBy": "title"}, ["p2", "p4", "p1", "p5", "p3"]),
        ({"sortBy": "title", "sortOrder": "descending"}, ["p3", "p5", "p1", "p4", "p2"]),
        ({"sortBy": "active", "sortOrder": "descending"}, ["p4", "p3", "p1", "p5", "p2"]),
        ({"sortBy": "meta.lastModified"}, ["p1", "p2", "p3", "p4", "p5"]),
        ({"sortBy": "nickName"}, ["p1", "p2", "p3", "p4", "p5"]),
        ({"sortBy": "nickName", "sortOrder": "descending"}, ["p5", "p4", "p3", "p2", "p1"]),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_pages_by_cursor_hold_everybody_once_in_order(
    people: ScimClient, query: dict[str, Any], together: list[str], count: int
) -> None:
    pages = walk(people, count=count, **query)
    assert [name for page in pages for name in page] == together
    assert len(pages) == -(-5 // count)


def test_page_by_cursor_goes_on_after_a_deleted_row(people: ScimClient) -> None:
    first = people.get("/Users?cursor=&count=2&sortBy=userName").json()
    people.delete(f"/Users/{first['Resources'][1]['id']}")
    assert listed(people, cursor=first["nextCursor"], count=2, sortBy="userName") == ["p3", "p4"]


@pytest.mark.parametrize(
    ("changes", "scim_type"),
    [
        ({"cursor": "nonsense"}, "invalidCursor"),
        ({"cursor": "é"}, "invalidCursor"),
        ({"sortBy": "title"}, "invalidCursor"),
        ({"filter": "title pr"}, "invalidCursor"),
        ({"count": "0"}, "invalidCount"),
        ({"startIndex": "1"}, "invalidCursor"),
        ({"sortBy": "nosuch"}, "invalidPath"),
        ({"sortBy": "groups"}, "invalidPath"),
        ({"sortOrder": "up"}, "invalidValue"),
    ],
)
def test_page_by_cursor_of_another_query_is_refused(
    people: ScimClient, changes: dict[str, str], scim_type: str
) -> None:
    cursor = people.get("/Users?cursor=&count=2").json()["nextCursor"]
    query = {"cursor": cursor, "count": "2"} | changes
    assert_scim_error(people.get(f"/Users?{urlencode(query)}"), 400, scim_type)


def test_page_by_cursor_of_another_type_is_refused(people: ScimClient) -> None:
    cursor = people.get("/Users?cursor=&count=2").json()["nextCursor"]
    assert_scim_error(people.get(f"/Groups?cursor={cursor}"), 400, "invalidCursor")


def test_page_by_cursor_is_refused_after_its_time(people: ScimClient, monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = people.get("/Users?cursor=&count=2").json()["nextCursor"]
    monkeypatch.setattr(cursors, "CURSOR_TIMEOUT", -1)
    assert_scim_error(people.get(f"/Users?cursor={cursor}&count=2"), 400, "expiredCursor")


def test_groups_are_sorted_and_paged_by_cursor(scim: ScimClient) -> None:
    for name in ("b", "C", "a"):
        scim.post("/Groups", group_body(name))
    first = scim.get("/Groups?sortBy=displayName&cursor=&count=2").json()
    assert [one["displayName"] for one in first["Resources"]] == ["a", "b"]
    assert listed(scim, "/Groups", sortBy="displayName", cursor=first["nextCursor"], count=2) == ["C"]


@pytest.mark.parametrize(("path", "text"), [("Users", 'userName sw "p1"'), ("Groups", 'displayName eq "eng"')])
def test_search_by_post_answers_what_the_same_query_by_get_answers(people: ScimClient, path: str, text: str) -> None:
    people.post("/Groups", group_body("Eng"))
    body = {"schemas": [SEARCH_REQUEST], "filter": text, "attributes": ["displayName"], "count": 10}
    response = people.post(f"/{path}/.search", body)
    assert response.status_code == 200
    query = urlencode({"filter": text, "attributes": "displayName", "count": 10})
    assert response.json() == people.get(f"/{path}?{query}").json()
    assert response.json()["totalResults"] == 1


def test_search_by_post_without_its_schema_returns_400(scim: ScimClient) -> None:
    assert_scim_error(scim.post("/Users/.search", {"filter": "title pr"}), 400, "invalidSyntax")


def test_search_by_get_returns_405(scim: ScimClient) -> None:
    response = scim.get("/Users/.search")
    assert_scim_error(response, 405)
    assert response["Allow"] == "POST"


@pytest.mark.parametrize(("header", "status"), [('W/"1"', 304), ("*", 304), ('W/"2"', 200)])
def test_get_with_if_none_match_returns_304_for_the_version_that_the_client_has(
    scim: ScimClient, header: str, status: int
) -> None:
    made = scim.post("/Users", user_body())
    response = scim.get(f"/Users/{made.json()['id']}?excludedAttributes=groups", If_None_Match=header)
    assert (response.status_code, response["ETag"], made["ETag"]) == (status, 'W/"1"', 'W/"1"')
    assert bool(response.content) is (status == 200)


@pytest.mark.parametrize("asked", ["", "?attributes=groups.display", "?excludedAttributes=title"])
def test_get_with_if_none_match_returns_a_user_whose_groups_are_asked_for(scim: ScimClient, asked: str) -> None:
    made = scim.post("/Users", user_body()).json()
    group = scim.post("/Groups", group_body(members=[{"value": made["id"]}])).json()
    assert scim.get(f"/Users/{made['id']}{asked}", If_None_Match='W/"1"').json()["groups"]
    scim.delete(f"/Groups/{group['id']}")
    left = scim.get(f"/Users/{made['id']}{asked}", If_None_Match='W/"1"')
    assert (left.status_code, left["ETag"], "groups" in left.json()) == (200, 'W/"1"', False)


def test_get_with_if_none_match_returns_a_group_whose_member_was_deleted(scim: ScimClient) -> None:
    made = scim.post("/Users", user_body()).json()
    group = scim.post("/Groups", group_body(members=[{"value": made["id"]}])).json()
    scim.delete(f"/Users/{made['id']}")
    assert scim.get(f"/Groups/{group['id']}", If_None_Match=group["meta"]["version"]).json()["members"] == []


def test_get_group_without_members_and_with_if_none_match_returns_304(scim: ScimClient) -> None:
    group = scim.post("/Groups", group_body()).json()
    path = f"/Groups/{group['id']}?excludedAttributes=members"
    assert scim.get(path, If_None_Match=group["meta"]["version"]).status_code == 304
