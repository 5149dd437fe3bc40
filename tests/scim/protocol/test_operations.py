"""The operations of a PATCH, as tolerant of spelling as Entra needs and no more (RFC 7644 §3.5.2)."""

import pytest

from scim.protocol.errors import InvalidPath, InvalidSyntax, InvalidValue, NoTarget, TooMany
from scim.protocol.filters import parse_path
from scim.protocol.operations import MAX_OPERATIONS, Op, Operation, read_operations

TITLE = parse_path("title")


def read(*operations: object) -> tuple[Operation, ...]:
    return read_operations({"Operations": list(operations)})


@pytest.mark.parametrize("spelling", ["replace", "Replace", "REPLACE"])
def test_operation_names_are_matched_in_any_case(spelling):
    assert read({"OP": spelling, "Path": "title", "VALUE": "Dr"}) == (Operation(Op.REPLACE, TITLE, "Dr"),)


def test_operations_key_is_matched_in_any_case():
    assert len(read_operations({"operations": [{"op": "remove", "path": "title"}]})) == 1


def test_operations_keep_their_order():
    found = read({"op": "add", "path": "title", "value": "a"}, {"op": "remove", "path": "title"})
    assert [operation.op for operation in found] == [Op.ADD, Op.REMOVE]


@pytest.mark.parametrize("path", [None, ""])
def test_operation_with_an_empty_path_has_none_as_path(path):
    assert read({"op": "add", "path": path, "value": {"title": "Dr"}})[0].path is None


def test_operation_with_null_has_none_as_value():
    assert read({"op": "replace", "path": "title", "value": None}) == (Operation(Op.REPLACE, TITLE, None),)


@pytest.mark.parametrize("body", [{}, {"Operations": None}, {"Operations": []}, {"Operations": {"op": "add"}}])
def test_a_body_without_operations_is_refused(body):
    with pytest.raises(InvalidSyntax, match="Operations is missing"):
        read_operations(body)


@pytest.mark.parametrize("item", [None, "add", 1, ["add"]])
def test_an_operation_must_be_an_object(item):
    with pytest.raises(InvalidSyntax, match="Operation 1 isn't an object"):
        read(item)


@pytest.mark.parametrize("op", [None, "", "move", 1, ["add"], {}])
def test_operation_with_an_unknown_op_is_refused(op):
    with pytest.raises(InvalidSyntax, match="needs an op"):
        read({"op": op, "path": "title", "value": "x"})


@pytest.mark.parametrize("path", [5, ["title"], {}, False])
def test_a_path_must_be_text(path):
    with pytest.raises(InvalidSyntax, match="path that isn't text"):
        read({"op": "add", "path": path, "value": "x"})


def test_operation_with_a_malformed_path_raises_invalid_path():
    with pytest.raises(InvalidPath):
        read({"op": "add", "path": "emails[", "value": "x"})


def test_remove_without_a_path_raises_no_target():
    with pytest.raises(NoTarget):
        read({"op": "remove", "value": {"title": "x"}})


@pytest.mark.parametrize("value", ["x", None, [], 5])
def test_replace_without_a_path_is_refused_when_the_value_is_no_object(value):
    with pytest.raises(InvalidValue, match="object of attributes"):
        read({"op": "replace", "value": value})


@pytest.mark.parametrize("op", ["add", "replace"])
def test_add_and_replace_without_a_value_are_refused(op):
    with pytest.raises(InvalidValue, match="Operation 2 has no value"):
        read({"op": "remove", "path": "title"}, {"op": op, "path": "title"})


def test_operations_beyond_a_thousand_raise_too_many():
    one = {"op": "remove", "path": "title"}
    assert len(read(*[one] * MAX_OPERATIONS)) == MAX_OPERATIONS
    with pytest.raises(TooMany):
        read(*[one] * (MAX_OPERATIONS + 1))
