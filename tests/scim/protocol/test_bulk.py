"""A bulk request is read whole; what is wrong in one operation is that operation's problem (RFC 7644 §3.7)."""

from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.bulk import MAX_OPERATIONS, MAX_PAYLOAD, BulkOutcome, in_order, read_bulk, render_bulk, resolved
from scim.protocol.errors import BodyTooLarge, InvalidSyntax, InvalidValue, ScimError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["POST", "/Users", "bulkId:a", "a", "/Users/bulkId:a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["method", "path", "bulkId", "data", "version"]), inner, max_size=4)
    ),
    max_leaves=8,
)


def create(bulk_id: str, **data: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def read(*operations: Any, **more: Any) -> Any:
    return read_bulk({"Operations": list(operations), **more})


def problem(operation: Any) -> str:
    [found] = read(operation).operations
    return type(found.problem).__name__


def order(*operations: Any) -> tuple[list[str], list[str]]:
    ordered, circular = in_order(read(*operations).operations)
    return [one.bulk_id for one in ordered], [one.bulk_id for one in circular]


def test_largest_payload_is_what_the_site_reads() -> None:
    assert MAX_PAYLOAD == settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_operation_is_read_in_any_case_and_with_its_references() -> None:
    [one] = read({"METHOD": "patch", "path": "groups/bulkId:g", "data": {"a": [{"b": "bulkId:u"}], "n": 1}}).operations
    assert (one.method, one.resource, one.resource_id) == ("PATCH", "groups", "bulkId:g")
    assert (one.refers, one.problem) == ({"g", "u"}, None)


@pytest.mark.parametrize("body", [{}, {"Operations": []}, {"Operations": {}}, {"Operations": None}])
def test_request_without_operations_is_refused(body: Any) -> None:
    with pytest.raises(InvalidSyntax):
        read_bulk(body)


def test_request_with_more_operations_than_announced_is_too_large() -> None:
    with pytest.raises(BodyTooLarge, match="maxOperations"):
        read(*[create(str(number)) for number in range(MAX_OPERATIONS + 1)])


@pytest.mark.parametrize("most", [0, -1, "1", True, 1.5])
def test_fail_on_errors_must_be_a_positive_number(most: Any) -> None:
    with pytest.raises(InvalidValue):
        read(create("a"), failOnErrors=most)


def test_fail_on_errors_is_read() -> None:
    assert (read(create("a"), failOnErrors=2).fail_on_errors, read(create("a")).fail_on_errors) == (2, None)


@pytest.mark.parametrize(
    "operation",
    [
        *(None, 5, [], {}),
        {"method": "GET", "path": "/Users/1"},
        {"method": "POST", "path": "/Users", "data": {}},
        {"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}},
        {"method": "POST", "path": "/Shoes", "bulkId": "a", "data": {}},
        {"method": "POST", "path": 5, "bulkId": "a", "data": {}},
        {"method": "PUT", "path": "/Users", "data": {}},
        {"method": "PUT", "path": "/Users/1"},
        {"method": "PATCH", "path": "/Users/1", "data": []},
        {"method": "DELETE", "path": "/Users"},
        {"method": "DELETE", "path": "/Users/1/2"},
    ],
)
def test_unusable_operation_is_its_own_problem(operation: Any) -> None:
    assert problem(operation) == "InvalidSyntax"


def test_bulk_id_that_stands_for_two_operations_is_a_problem_of_the_second() -> None:
    first, second = read(create("a"), create("a")).operations
    assert (first.problem, type(second.problem)) == (None, InvalidValue)


def test_operation_comes_after_those_that_it_refers_to_and_else_as_sent() -> None:
    waits = create("b", manager="bulkId:c")
    assert order(create("a"), waits, create("c"), create("d", manager="bulkId:b")) == (["a", "c", "b", "d"], [])


def test_operations_in_a_circle_are_told_apart() -> None:
    circle = [create("a", manager="bulkId:b"), create("b", manager="bulkId:a"), create("c", manager="bulkId:a")]
    assert order(create("d"), *circle) == (["d"], ["a", "b", "c"])


def test_reference_to_what_nothing_makes_is_no_reason_to_wait() -> None:
    assert order(create("a", manager="bulkId:z")) == (["a"], [])


def test_references_are_replaced_wherever_they_stand() -> None:
    path = 'members[value eq "bulkId:u" or value eq "bulkId:w"]'
    given = {"value": ["bulkId:u", {"x": "bulkId:w"}, 1], "path": path, "text": "see bulkId:u"}
    assert resolved(given, {"u": "1", "w": "2"}) == {
        "value": ["1", {"x": "2"}, 1],
        "path": 'members[value eq "1" or value eq "2"]',
        "text": "see bulkId:u",
    }


def test_answer_has_the_operations_as_they_were_sent() -> None:
    made, refused = read(create("a"), {"method": "GET"}).operations
    error = InvalidValue("No.")
    shown = render_bulk([BulkOutcome(refused, 400, error=error), BulkOutcome(made, 201, "https://x.test/1", 1)])
    assert shown["Operations"] == [
        {"method": "POST", "status": "201", "bulkId": "a", "location": "https://x.test/1", "version": 'W/"1"'},
        {"method": "GET", "status": "400", "response": error.to_body()},
    ]


@given(JSON)
def test_arbitrary_bodies_are_read_or_refused(body: Any) -> None:
    with suppress(ScimError):
        found = read_bulk(body if isinstance(body, dict) else {"Operations": body})
        ordered, circular = in_order(found.operations)
        assert len(ordered) + len(circular) == len(found.operations)
