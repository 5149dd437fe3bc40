"""What a query asks for, by URL and by SearchRequest, and which attributes have an order."""

import pytest

from scim.protocol.errors import InvalidCount, InvalidCursor, InvalidPath, InvalidSyntax, InvalidValue
from scim.protocol.paging import MAX_COUNT, PageRequest
from scim.protocol.preconditions import names_version
from scim.protocol.queryable import GROUPS, USERS
from scim.protocol.schemas import SEARCH_REQUEST
from scim.protocol.search import Search, read_search, read_search_body, sorted_attribute


def test_empty_query_asks_for_everything_from_the_start():
    assert read_search({}) == Search(None, None, descending=False, page=PageRequest(1, 100), cursor=None)


def test_blank_filter_and_sort_by_count_as_none():
    assert read_search({"filter": " ", "sortBy": ""}).is_plain


@pytest.mark.parametrize(("text", "descending"), [("", False), ("Ascending", False), ("DESCENDING", True)])
def test_sort_order_is_read_in_any_case(text, descending):
    assert read_search({"sortBy": "title", "sortOrder": text}).descending is descending


@pytest.mark.parametrize(("count", "expected"), [("", 100), ("7", 7), ("9999", MAX_COUNT)])
def test_page_by_cursor_has_at_most_the_largest_count(count, expected):
    search = read_search({"cursor": "", "count": count})
    assert (search.cursor, search.page.count, search.is_plain) == ("", expected, False)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"sortOrder": "up"}, InvalidValue),
        ({"cursor": "", "count": "0"}, InvalidCount),
        ({"cursor": "", "count": "-1"}, InvalidCount),
        ({"cursor": "", "count": "many"}, InvalidCount),
        ({"cursor": "", "startIndex": "1"}, InvalidCursor),
        ({"count": "many"}, InvalidValue),
    ],
)
def test_query_that_cannot_be_answered_is_refused(query, error):
    with pytest.raises(error):
        read_search(query)


def test_search_request_becomes_the_parameters_that_ask_for_the_same():
    body = {"schemas": [SEARCH_REQUEST], "FILTER": "title pr", "startIndex": 2, "count": 3, "attributes": ["a", "b"]}
    assert read_search_body(body) == {"filter": "title pr", "startIndex": "2", "count": "3", "attributes": "a,b"}


@pytest.mark.parametrize(
    "changes",
    [
        {"schemas": None},
        {"schemas": ["urn:x", 5]},
        {"filter": 5},
        {"count": "3"},
        {"count": True},
        {"attributes": "a"},
        {"attributes": [5]},
        {"sortBy": ["title"]},
    ],
)
def test_search_request_of_another_shape_is_refused(changes):
    with pytest.raises(InvalidSyntax):
        read_search_body({"schemas": [SEARCH_REQUEST]} | changes)


def test_null_in_a_search_request_counts_as_absent():
    assert read_search_body({"schemas": [SEARCH_REQUEST], "filter": None}) == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("username", "userName"),
        ("name.familyName", "name.familyName"),
        ("emails", "emails.value"),
        ("emails.type", "emails.type"),
        ("meta.created", "meta.created"),
    ],
)
def test_sort_by_names_an_attribute_or_its_value(text, name):
    assert sorted_attribute(text, USERS).name == name


@pytest.mark.parametrize("text", ["name", "nosuch", "photos", "x509Certificates", 'emails[type eq "work"]', "a b"])
def test_sort_by_what_has_no_order_is_refused(text):
    with pytest.raises(InvalidPath):
        sorted_attribute(text, USERS)


def test_sort_by_an_attribute_of_the_other_type_is_refused():
    with pytest.raises(InvalidPath, match="groups"):
        sorted_attribute("userName", GROUPS)


@pytest.mark.parametrize(
    ("header", "is_named"),
    [
        ('W/"3"', True),
        ('"3"', True),
        ("*", True),
        ('W/"1", W/"3"', True),
        ('W/"2"', False),
        ('W/"33"', False),
        ("3", False),
        ("", False),
    ],
)
def test_entity_tags_are_compared_weakly(header, is_named):
    assert names_version(header, 'W/"3"') is is_named
