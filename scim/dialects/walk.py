"""Walk through a sequence of steps, wherever the answers come from: over HTTP, or from inside the process."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from orgs.providers.steps import ScimStep, StepOutcome, StepRequest, StepResponse, StepResult
from orgs.providers.templates import Context, read

LONGEST_DETAIL = 200
Send: TypeAlias = Callable[[StepRequest], StepResponse]


class NoAnswerError(Exception):
    """The call got no answer; the text says why, in one sentence that is safe to show."""


def walk(steps: Iterable[ScimStep], context: Context, send: Send) -> Iterator[StepResult]:
    """Yield one result a step, in order. After the first failure only the steps that clean up are taken."""
    failed = False
    for step in steps:
        if failed and not step.cleans_up:
            yield StepResult(step, StepOutcome.NOT_RUN)
        elif not step.is_needed(context):
            yield StepResult(step, StepOutcome.NOT_NEEDED)
        else:
            result = take(step, context, send)
            if result.passed and result.got:
                context = step.learn(result.got, context)
            failed = failed or not result.passed
            yield result


def take(step: ScimStep, context: Context, send: Send) -> StepResult:
    """Send one step and judge its answer."""
    call = step.call(context)
    try:
        answer = send(call)
    except NoAnswerError as error:
        return StepResult(step, StepOutcome.FAILED, call, reason=str(error))
    if step.is_refused(answer) and step.fallback:
        return StepResult(step, StepOutcome.PASSED, call, answer, notes=(step.fallback.note,))
    reason, notes = _judge(step, answer, context)
    return StepResult(step, StepOutcome.FAILED if reason else StepOutcome.PASSED, call, answer, reason, notes)


def expectation(step: ScimStep) -> str:
    """Say in a few words what the step expects, for a person: `201: string id, Location`."""
    statuses = " or ".join(str(status) for status in sorted(step.expected))
    names = ", ".join(check.name for check in step.checks if check.blocks)
    return f"{statuses}: {names}" if names else statuses


def _judge(step: ScimStep, answer: StepResponse, context: Context) -> tuple[str, tuple[str, ...]]:
    """Return what is wrong, empty when nothing is, and what is worth a note."""
    if answer.status not in step.expected:
        return _wrong_status(step, answer), ()
    # a 204 says nothing that could be checked; the step that reads back will
    checks = () if answer.status == 204 else step.checks
    problems = [(check.blocks, problem) for check in checks if (problem := check.problem(answer, context))]
    reasons = [problem for blocks, problem in problems if blocks]
    return " ".join(reasons), tuple(problem for blocks, problem in problems if not blocks)


def _wrong_status(step: ScimStep, answer: StepResponse) -> str:
    expected = " or ".join(str(status) for status in sorted(step.expected))
    if 300 <= answer.status < 400:
        return f"Answered {answer.status} instead of {expected}: a redirect, which the identity provider won't follow."
    if answer.status == 401:
        return f"Answered 401 instead of {expected}: the token was refused."
    detail = read(answer.body, "/detail")
    said = f': "{detail[:LONGEST_DETAIL]}"' if isinstance(detail, str) and detail else ""
    return f"Answered {answer.status} instead of {expected}{said}."
