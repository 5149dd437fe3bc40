"""Steps as data: placeholders, what a step learns, and how an answer is judged."""

import pytest

from orgs.providers import checks
from orgs.providers.steps import Fallback, Filter, ScimCheck, ScimStep, StepOutcome, StepRequest, StepResponse
from orgs.providers.templates import fill, placeholders, read
from scim.dialects.walk import NoAnswerError, expectation, take, walk

READ = ScimStep(name="read", label="Read", method="GET", path="/Users/{user_id}", checks=(checks.STRING_ID,))
REMOVE = ScimStep(
    name="delete",
    label="Delete",
    method="DELETE",
    path="/Users/{user_id}",
    expected=frozenset({204}),
    moves={"user_id": "gone_id"},
    fallback=Fallback("not offered", moves={"user_id": "kept_id"}),
)


def answers(*sequence: StepResponse):
    remaining = list(sequence)
    return lambda call: remaining.pop(0)


def test_placeholders_are_filled_once_and_not_in_the_values_filled_in():
    assert fill({"a": ["{x}", 1, None]}, {"x": "{y}"}) == {"a": ["{y}", 1, None]}


def test_only_lower_case_names_in_braces_are_placeholders():
    assert placeholders({"a": 'members[value eq "{user_id}"]', "b": "{UPPER} {}"}) == {"user_id"}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [("/a/0/b", 1), ("/a/1", None), ("/a/x", None), ("/c~1d", 2), ("/a/0/b/c", None)],
)
def test_json_pointer_returns_the_value_or_none_when_it_is_missing(pointer, found):
    assert read({"a": [{"b": 1}], "c/d": 2}, pointer) == found


def test_an_id_is_encoded_in_the_path():
    assert READ.call({"user_id": "a/b c"}) == StepRequest("GET", "/Users/a%2Fb%20c")


def test_quotes_in_a_filter_value_are_escaped():
    assert Filter("displayName", "{n}").query({"n": 'a"\\'}) == "filter=displayName%20eq%20%22a%5C%22%5C%5C%22"


def test_step_is_not_needed_when_a_placeholder_has_no_value():
    assert [result.outcome for result in walk([READ], {}, answers())] == [StepOutcome.NOT_NEEDED]


def test_passed_step_renames_the_id_that_it_learned():
    assert REMOVE.learn(StepResponse(204), {"user_id": "1"}) == {"gone_id": "1"}


def test_step_passes_with_its_fallback_when_the_server_answers_501():
    result = take(REMOVE, {"user_id": "1"}, answers(StepResponse(501)))
    assert (result.outcome, result.notes) == (StepOutcome.PASSED, ("not offered",))
    assert REMOVE.learn(StepResponse(501), {"user_id": "1"}) == {"kept_id": "1"}


def test_checks_are_skipped_for_a_204_answer():
    step = ScimStep(name="put", label="Put", method="PUT", path="/", expected=frozenset({204}), checks=READ.checks)
    assert take(step, {}, answers(StepResponse(204))).passed


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (500, "Answered 500 instead of 200."),
        (401, "Answered 401 instead of 200: the token was refused."),
        (301, "Answered 301 instead of 200: a redirect, which the identity provider won't follow."),
    ],
)
def test_step_fails_with_a_reason_when_the_status_is_unexpected(status, reason):
    assert take(READ, {"user_id": "1"}, answers(StepResponse(status))).reason == reason


def test_reason_quotes_the_error_detail_when_the_status_is_unexpected():
    answer = StepResponse(400, {"detail": "no such path"})
    assert take(READ, {"user_id": "1"}, answers(answer)).reason == 'Answered 400 instead of 200: "no such path".'


def test_step_fails_with_a_reason_when_no_answer_arrives():
    def send(call: StepRequest) -> StepResponse:
        raise NoAnswerError("No answer within 10 s.")

    result = take(READ, {"user_id": "1"}, send)
    assert (result.outcome, result.got, result.reason) == (StepOutcome.FAILED, None, "No answer within 10 s.")


def test_step_passes_with_a_note_when_a_non_blocking_check_fails():
    step = ScimStep(name="a", label="A", method="GET", path="/", checks=(checks.noted(checks.STRING_ID),))
    result = take(step, {}, answers(StepResponse(200, {})))
    assert (result.passed, result.notes) == (True, ("`id` must be a JSON string, and is missing.",))


def test_expectation_lists_statuses_and_checks():
    assert expectation(READ) == "200: string id"
    assert expectation(REMOVE) == "204"


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (checks.LIST, {"totalResults": True}),
        (checks.LIST, {"totalResults": 0, "startIndex": "1"}),
        (checks.LIST, {"totalResults": 1, "Resources": {}}),
        (checks.LIST, {"totalResults": 1}),
        (checks.LIST, [1]),
        (checks.LIST_SCHEMA_NAMED, {}),
        (checks.STRING_ID, {"id": ""}),
        (checks.LOCATION, {"meta": {"location": "x"}}),
        (checks.MEDIA_TYPE, {}),
        (checks.ERROR_ENVELOPE, None),
        (checks.ERROR_ENVELOPE, {"schemas": [checks.ERROR_SCHEMA], "status": 200}),
        (checks.says("/active", expected=True), {"active": "true"}),
        (checks.says("/id", "{key}"), {"id": 7}),
        (checks.finds("key"), {"totalResults": 2, "Resources": [{"id": "1"}]}),
        (checks.at_most_one("userName", "a"), {"totalResults": 1, "Resources": [{"userName": "b"}]}),
        (checks.has_members("key"), {"members": [{"value": "1"}, {"value": "2"}]}),
        (checks.includes_members("key"), {"members": "1"}),
        (checks.lacks_member("key"), {"members": [{"value": "1"}]}),
    ],
)
def test_each_check_returns_a_problem_for_a_wrong_body(check: ScimCheck, body: object):
    assert check.problem(StepResponse(200, body), {"key": "1"})


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (checks.LIST, {"totalResults": 0}),
        (checks.says("/userName", "{key}"), {"userName": "ÉVE"}),
        (checks.has_members(), {}),
        (checks.includes_members("key"), {"members": [{"value": "éve"}, {"value": "2"}]}),
        (checks.lacks_member("key"), {"members": [{"value": "2"}]}),
        (checks.ERROR_ENVELOPE, {"schemas": [checks.ERROR_SCHEMA], "status": "200"}),
    ],
)
def test_each_check_returns_none_for_a_right_body(check: ScimCheck, body: object):
    assert check.problem(StepResponse(200, body), {"key": "éve"}) is None
