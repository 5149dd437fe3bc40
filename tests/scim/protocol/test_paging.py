"""startIndex and count as RFC 7644 §3.4.2.4 has them, whatever a client writes."""

import pytest
import scim2_models

from scim.protocol.errors import InvalidValue
from scim.protocol.paging import DEFAULT_COUNT, FARTHEST, MAX_COUNT, PageRequest, list_response, read_page


def test_page_defaults_to_the_first_hundred():
    assert read_page({}) == PageRequest(1, DEFAULT_COUNT)


@pytest.mark.parametrize(("text", "expected"), [("0", 1), ("-5", 1), ("1", 1), (" +7 ", 7), ("", 1), ("0012", 12)])
def test_start_index_below_one_is_read_as_one(text, expected):
    assert read_page({"startIndex": text}).start_index == expected


@pytest.mark.parametrize(("text", "expected"), [("-1", 0), ("0", 0), ("2", 2), ("200", 200), ("201", MAX_COUNT)])
def test_count_is_clamped_between_zero_and_the_largest_page(text, expected):
    assert read_page({"count": text}).count == expected


@pytest.mark.parametrize("digits", ["9" * 12, "9" * 4000])
def test_enormous_start_index_is_clamped_to_the_farthest_one(digits):
    assert read_page({"startIndex": digits, "count": "-" + digits}) == PageRequest(FARTHEST, 0)


@pytest.mark.parametrize("text", ["one", "1.0", "1e3", "0x1", "--1", "1 2", "١", "9" * 4001])
@pytest.mark.parametrize("name", ["startIndex", "count"])
def test_start_index_and_count_are_refused_when_they_are_no_integers(name, text):
    with pytest.raises(InvalidValue, match=f"^{name} must be an integer"):
        read_page({name: text})


def test_list_response_has_total_start_index_and_items_per_page():
    assert list_response([{"id": "1"}], total=7, page=PageRequest(3, 1)) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 7,
        "startIndex": 3,
        "itemsPerPage": 1,
        "Resources": [{"id": "1"}],
    }


def test_empty_list_response_validates_in_scim2_models():
    body = list_response([], total=0, page=PageRequest(1, 100))
    assert scim2_models.ListResponse[scim2_models.User].model_validate(body).total_results == 0
