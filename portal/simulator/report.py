"""Show what a simulation did: a line a step, a block for the step that failed, or JSON."""

import json
from collections.abc import Iterator
from typing import TypedDict

from orgs.providers.steps import StepOutcome, StepRequest, StepResponse, StepResult
from portal.simulator.plan import Section
from scim.dialects.client import ScimServer
from scim.dialects.walk import expectation

EXCERPT_BYTES = 2048


class Sent(TypedDict):
    """The request of a step, without its headers."""

    method: str
    url: str
    body: object


class Got(TypedDict):
    """The answer to a step; `body` is its text, cut at 2 KiB."""

    status: int
    body: str


class Line(TypedDict):
    """One step, as JSON."""

    number: int
    section: str
    name: str
    label: str
    outcome: str
    sent: Sent | None
    expected: list[int]
    got: Got | None
    reason: str
    notes: list[str]
    milliseconds: int | None


def as_line(number: int, section: Section, result: StepResult, target: ScimServer) -> Line:
    """Return a step for the JSON report."""
    sent, got = result.sent, result.got
    return {
        "number": number,
        "section": section.title,
        "name": result.step.name,
        "label": result.step.label,
        "outcome": result.outcome.value,
        "sent": _sent(sent, target) if sent else None,
        "expected": sorted(result.step.expected),
        "got": {"status": got.status, "body": excerpt(got.text)} if got else None,
        "reason": result.reason,
        "notes": list(result.notes),
        "milliseconds": got.milliseconds if got else None,
    }


def as_text(number: int, result: StepResult, target: ScimServer) -> Iterator[str]:
    """Yield the lines that a person reads about a step; a step that wasn't needed has none."""
    if result.outcome in (StepOutcome.NOT_NEEDED, StepOutcome.NOT_RUN):
        return
    word = "PASS" if result.passed else "FAIL"
    yield f"{word}  {number:>3} {result.step.label:<58} {_took(result.got)}"
    yield from (f"          note      {note}" for note in result.notes)
    if not result.passed and result.sent:
        sent = _sent(result.sent, target)
        yield f"          sent      {sent['method']} {sent['url']}"
        if sent["body"] is not None:
            yield f"                    {excerpt(json.dumps(sent['body']))}"
        yield f"          expected  {expectation(result.step)}"
        yield f"          got       {_answered(result.got)}"
        yield f"          why       {result.reason}"


def excerpt(text: str) -> str:
    """Return the text on one line, at most 2 KiB of it."""
    flat = " ".join(text.split())
    cut = flat.encode()[:EXCERPT_BYTES].decode(errors="ignore")
    return cut if cut == flat else cut + "…"


def _sent(call: StepRequest, target: ScimServer) -> Sent:
    return {"method": call.method, "url": target.url(call), "body": call.body}


def _took(answer: StepResponse | None) -> str:
    return f"{answer.status} in {answer.milliseconds} ms" if answer else "no answer"


def _answered(answer: StepResponse | None) -> str:
    return f"{answer.status} {excerpt(answer.text)}".rstrip() if answer else "no answer"
