"""The connection test as a table: it passes where it should, leaves nothing, and stops at the step that fails."""

import pytest

from orgs.providers.jumpcloud.bodies import ENTERPRISE, USER
from orgs.providers.jumpcloud.connection import CONNECTION_TEST, CONNECTION_TEST_GROUPS, connection_context
from orgs.providers.steps import ScimStep, StepOutcome, StepRequest, StepResponse, StepResult
from scim.dialects.walk import walk
from tests.orgs.providers.small_directory import SmallDirectory, failure

EMAIL = "new+person@acme.example"
BOTH = pytest.mark.parametrize("steps", [CONNECTION_TEST, CONNECTION_TEST_GROUPS], ids=["users", "groups"])


def connect(directory: SmallDirectory, steps: tuple[ScimStep, ...] = CONNECTION_TEST_GROUPS) -> list[StepResult]:
    return list(walk(steps, connection_context(EMAIL, "a1b2c3"), directory))


def failed(results: list[StepResult]) -> list[str]:
    return [result.step.name for result in results if result.outcome is StepOutcome.FAILED]


def answering(method: str, path: str, answer: StepResponse) -> SmallDirectory:
    def broken(call: StepRequest) -> StepResponse | None:
        return answer if call.method == method and call.target.startswith(path) else None

    return SmallDirectory(broken=broken)


@BOTH
def test_step_names_are_unique(steps):
    assert len({step.name for step in steps}) == len(steps)


@BOTH
def test_it_passes_without_a_note_on_a_server_that_does_everything(steps):
    results = connect(SmallDirectory(), steps)
    assert [(r.step.name, r.reason, r.notes) for r in results if not r.passed or r.notes] == []


@BOTH
def test_it_passes_twice_with_one_address_and_leaves_nothing(steps):
    directory = SmallDirectory()
    connect(directory, steps)
    assert failed(connect(directory, steps)) == []
    assert directory.stored == {}


def test_lookups_come_with_both_spellings_of_a_space():
    directory = SmallDirectory()
    connect(directory)
    targets = {call.target for call in directory.calls}
    assert "/Users?filter=userName%20eq%20%22new%2Bperson%40acme.example%22" in targets
    assert "/Users?filter=userName+eq+%22new%2Bperson%40acme.example%22" in targets


def test_the_user_is_created_with_jumpclouds_object_id_and_both_schemas():
    directory = SmallDirectory()
    connect(directory)
    body = next(call.body for call in directory.calls if call.method == "POST")
    assert body is not None
    assert len(str(body["externalId"])) == 24
    assert body["schemas"] == [USER, ENTERPRISE]


def test_one_update_has_null_for_the_emails():
    directory = SmallDirectory()
    connect(directory)
    assert [call.method for call in directory.calls if call.body and call.body.get("emails", 0) is None] == ["PUT"]


@pytest.mark.parametrize(
    ("method", "path", "status", "step"),
    [
        ("GET", "/Users?", 400, "look-up-user"),
        ("POST", "/Users", 500, "create-user"),
        ("PUT", "/Users/", 400, "put-user"),
        ("DELETE", "/Users/", 403, "delete-user"),
        ("GET", "/Groups", 404, "list-groups"),
        ("POST", "/Groups", 403, "create-group"),
        ("PATCH", "/Groups/", 501, "add-member"),
        ("DELETE", "/Groups/", 501, "delete-group"),
    ],
)
def test_it_names_the_step_that_fails(method, path, status, step):
    results = connect(answering(method, path, failure(status)))
    assert failed(results)[0] == step


def test_nothing_stays_behind_when_a_step_fails_half_way():
    directory = answering("PATCH", "/Groups/", failure(500))
    connect(directory)
    assert directory.stored == {}


def test_after_a_failure_only_the_clean_up_is_taken():
    results = connect(answering("PUT", "/Users/", failure(500)))
    taken = [result.step.name for result in results if result.sent]
    assert taken[-2:] == ["put-user", "delete-user"]


def test_without_delete_one_inactive_user_remains_and_a_second_run_takes_it_over():
    directory = answering("DELETE", "/Users/", failure(501))
    assert failed(connect(directory)) == []
    assert [user["active"] for user in directory.stored.values()] == [False]
    second = {result.step.name: result for result in connect(directory)}
    assert second["take-over-user"].outcome is StepOutcome.PASSED
    assert second["create-user"].outcome is StepOutcome.NOT_NEEDED
    assert failed(list(second.values())) == []


def test_users_without_patch_pass_with_a_note():
    results = connect(answering("PATCH", "/Users/", failure(501)))
    assert failed(results) == []
    assert next(result.notes for result in results if result.step.name == "patch-name")[0].startswith("PATCH isn't")


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ({"active": True}, "An active user has this address already"),
        ({"active": False, "externalId": "theirs"}, "A deactivated person has this address"),
    ],
)
def test_an_address_that_belongs_to_a_person_is_refused_and_the_person_left_alone(kept, sentence):
    person = {"id": "p", "userName": EMAIL, **kept}
    directory = SmallDirectory(stored={"p": dict(person)})
    results = connect(directory)
    assert [r.reason.startswith(sentence) for r in results if r.outcome is StepOutcome.FAILED] == [True]
    assert {call.method for call in directory.calls} == {"GET"}
    assert directory.stored["p"] == person


def test_a_lookup_that_minds_case_is_noted():
    nothing = StepResponse(200, {"totalResults": 0})
    results = connect(answering("GET", "/Users?filter=userName%20eq%20%22NEW", nothing))
    notes = {result.step.name: result.notes for result in results if result.notes}
    assert failed(results) == []
    assert notes["find-user-in-capitals"][-1].startswith("The filter should find exactly the resource")


def test_an_integer_id_fails_as_it_does_at_jumpcloud():
    answer = StepResponse(201, {"id": 7, "userName": EMAIL, "active": True})
    results = connect(answering("POST", "/Users", answer))
    assert failed(results) == ["create-user"]
    assert "`id` must be a JSON string, and is a number." in next(r.reason for r in results if r.reason)


def test_a_server_that_ignores_filters_is_told_apart():
    everyone = {"totalResults": 2, "Resources": [{"userName": "a@acme.example", "active": True}, {}]}
    results = connect(answering("GET", "/Users?", StepResponse(200, everyone)))
    assert next(r.reason for r in results if r.reason).startswith("The filter was ignored")


def test_totals_have_to_be_integers():
    results = connect(answering("GET", "/Users", StepResponse(200, {"totalResults": "0"})))
    assert next(r.reason for r in results if r.reason).startswith("`totalResults` must be a JSON integer")
