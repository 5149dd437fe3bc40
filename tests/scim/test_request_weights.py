"""What a request takes of its token's limit: a read 1, a write 5, a Bulk request 5 for each operation."""

import pytest

from scim.endpoint import limits as module
from scim.endpoint.limits import Limiter, limits
from tests.scim.bodies import user_body

BURST = 20
SEARCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "count": 1}


@pytest.fixture(autouse=True)
def narrow(scim, monkeypatch):
    """20 at once and 1 a second by a clock that stands, of a token that was admitted before."""
    scim.get("/Users")
    monkeypatch.setattr(module, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(limits, "of_token", Limiter(1, BURST))
    monkeypatch.setattr(limits, "of_stranger", Limiter(1, BURST))


def left() -> float:
    (bucket,) = limits.of_token.buckets.values()
    return bucket.left


def bulk(scim, count: int):
    """Send a Bulk request that creates so many users."""
    made = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": f"b{n}",
            "data": user_body(f"p{n}@acme.example", externalId=f"{n}"),
        }
        for n in range(count)
    ]
    return scim.post("/Bulk", {"Operations": made})


def test_read_takes_one_of_the_token_limit(scim):
    scim.get("/Users")
    assert left() == BURST - 1


def test_search_by_post_takes_one_of_the_token_limit(scim):
    assert scim.post("/Users/.search", SEARCH).status_code == 200
    assert left() == BURST - 1


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_write_takes_five_of_the_token_limit(scim, method):
    body = () if method == "delete" else ({},)
    getattr(scim, method)("/Users/00000000-0000-0000-0000-000000000000", *body)
    assert left() == BURST - 5


def test_write_is_refused_with_429_where_a_read_still_passes(scim):
    limits.of_token.take(next(iter(limits.admitted)), BURST - 4)
    refused = scim.post("/Users", user_body())
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert scim.get("/Users").status_code == 200


def test_first_request_of_a_token_takes_as_much_as_later_ones(scim):
    limits.admitted.clear()
    assert scim.post("/Users", user_body()).status_code == 201
    assert left() == BURST - 5


@pytest.mark.parametrize("count", [1, 3])
def test_bulk_takes_five_for_each_operation(scim, count):
    assert bulk(scim, count).status_code == 200
    assert left() == BURST - 5 * count


def test_bulk_over_what_is_left_is_refused_as_a_whole_and_takes_nothing(scim):
    limits.of_token.take(next(iter(limits.admitted)), 7)
    refused = bulk(scim, 3)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert scim.directory.users.count() == 0
    assert left() == BURST - 7


def test_bulk_larger_than_the_burst_passes_when_the_bucket_is_full(scim):
    assert bulk(scim, 6).status_code == 200
    assert left() == 0


def test_bulk_that_cannot_be_read_takes_as_much_as_one_write(scim):
    assert scim.post("/Bulk", {"Operations": []}).status_code == 400
    assert left() == BURST - 5
