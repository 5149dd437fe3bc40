"""A body is an object that a database and every other parser can hold, or an InvalidSyntax."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.errors import InvalidSyntax
from scim.protocol.jsontext import MAX_DEPTH, MAX_INTEGER, decode


def refusal(body: bytes) -> str:
    with pytest.raises(InvalidSyntax) as caught:
        decode(body)
    return caught.value.detail


def nested(levels: int) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_json_object_is_decoded():
    assert decode(b'{"userName": "uma", "active": true}') == {"userName": "uma", "active": True}


def test_a_byte_order_mark_is_tolerated():
    assert decode(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_surrogate_pair_is_decoded_to_one_character():
    assert decode(rb'{"a": "\ud83d\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true"])
def test_json_body_that_is_no_object_is_refused(body):
    assert "object" in refusal(body)


def test_an_empty_body_is_refused():
    assert "empty" in refusal(b"")


def test_malformed_json_is_refused_with_line_and_column():
    assert "line 2, column 7" in refusal(b'{"a": 1,\n "b": tru}')


def test_body_that_is_not_utf8_is_refused():
    assert "UTF-8" in refusal(b'{"a": "\xff"}')


@pytest.mark.parametrize("body", [rb'{"a": "\u0000"}', rb'{"a\u0000": 1}', rb'{"a": [{"b": "x\u0000"}]}'])
def test_nul_is_refused_in_values_and_names(body):
    assert "NUL" in refusal(body)


@pytest.mark.parametrize("body", [rb'{"a": "\ud800"}', rb'{"\udfff": 1}', rb'{"a": {"b": ["\ude00\ud83d"]}}'])
def test_lone_surrogates_are_refused_in_values_and_names(body):
    assert "surrogate" in refusal(body)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_nan_and_infinity_are_refused(number):
    assert "no JSON number" in refusal(b'{"a": ' + number + b"}")


@pytest.mark.parametrize("number", [str(MAX_INTEGER), str(-MAX_INTEGER - 1), "9" * 5000, "1e999", "-1e999"])
def test_number_beyond_64_bits_is_refused(number):
    assert "too large" in refusal(b'{"a": ' + number.encode() + b"}")


@pytest.mark.parametrize("number", [MAX_INTEGER - 1, -MAX_INTEGER, 0, 1.5])
def test_number_within_64_bits_is_decoded(number):
    assert decode(b'{"a": %s}' % str(number).encode()) == {"a": number}


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 2}', b'{"b": {"emails": 1, "Emails": 2}}'])
def test_duplicate_attribute_name_is_refused_in_any_case(body):
    assert "twice" in refusal(body)


def test_body_nested_to_the_limit_is_decoded():
    assert "a" in decode(nested(MAX_DEPTH))


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 200_000])
def test_body_nested_beyond_the_limit_is_refused(levels):
    assert "nested deeper" in refusal(nested(levels))


@given(st.binary(max_size=200))
def test_decode_gives_an_object_or_raises_invalid_syntax_for_arbitrary_bytes(body):
    try:
        found = decode(body)
    except InvalidSyntax:
        return
    assert isinstance(found, dict)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )
)
def test_decoded_body_can_be_encoded_as_strict_json_in_utf8(value):
    try:
        found = decode(json.dumps({"value": value}).encode())
    except InvalidSyntax:
        return
    assert json.dumps(found, allow_nan=False, ensure_ascii=False).encode("utf-8")
