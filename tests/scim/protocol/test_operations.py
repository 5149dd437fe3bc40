"""The operations of a PATCH, as tolerant of spelling as Entra needs and no more (RFC 7644 §3.5.2)."""

import pytest

from scim.protocol.errors import InvalidPath, InvalidSyntax, InvalidValue, NoTarget, TooMany
from scim.protocol.filters import parse_path
from scim.protocol.operations import MAX_OPERATIONS, Op, Operation, read_operations

TITLE = parse_path("title")


def read(*operations: object) -> tuple[Operation, ...]:
    return read_operations({"Operations": list(operations)})


@pytest.mark.parametrize("spelling", ["replace", "Replace", "REPLACE"])
def test_an_operation_is_read_in_whatever_case(spelling):
    assert read({"OP": spelling, "Path": "title", "VALUE": "Dr"}) == (Operation(Op.REPLACE, TITLE, "Dr"),)


def test_the_list_is_found_in_whatever_case():
    assert len(read_operations({"operations": [{"op": "remove", "path": "title"}]})) == 1


def test_operations_keep_their_order():
    found = read({"op": "add", "path": "title", "value": "a"}, {"op": "remove", "path": "title"})
    assert [operation.op for operation in found] == [Op.ADD, Op.REMOVE]


@pytest.mark.parametrize("path", [None, ""])
def test_an_empty_path_is_none(path):
    assert read({"op": "add", "path": path, "value": {"title": "Dr"}})[0].path is None


def test_null_is_a_value():
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
def test_the_op_must_be_one_of_three(op):
    with pytest.raises(InvalidSyntax, match="needs an op"):
        read({"op": op, "path": "title", "value": "x"})


@pytest.mark.parametrize("path", [5, ["title"], {}, False])
def test_a_path_must_be_text(path):
    with pytest.raises(InvalidSyntax, match="path that isn't text"):
        read({"op": "add", "path": path, "value": "x"})


def test_a_path_must_be_readable():
    with pytest.raises(InvalidPath):
        read({"op": "add", "path": "emails[", "value": "x"})


def test_removing_needs_a_path():
    with pytest.raises(NoTarget):
        read({"op": "remove", "value": {"title": "x"}})


@pytest.mark.parametrize("value", ["x", None, [], 5])
def test_without_a_path_the_value_must_name_attributes(value):
    with pytest.raises(InvalidValue, match="object of attributes"):
        read({"op": "replace", "value": value})


@pytest.mark.parametrize("op", ["add", "replace"])
def test_adding_and_replacing_need_a_value(op):
    with pytest.raises(InvalidValue, match="Operation 2 has no value"):
        read({"op": "remove", "path": "title"}, {"op": op, "path": "title"})


def test_a_thousand_operations_are_read_and_no_more():
    one = {"op": "remove", "path": "title"}
    assert len(read(*[one] * MAX_OPERATIONS)) == MAX_OPERATIONS
    with pytest.raises(TooMany):
        read(*[one] * (MAX_OPERATIONS + 1))
