"""One call of an identity provider's sequence, as data: what it sends, what it expects, what it learns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias, cast
from urllib.parse import quote, quote_plus

from orgs.providers.templates import Context, Json, fill, fill_text, placeholders, read

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class StepRequest:
    """A request, without its base URL and its credentials. `target` is appended to the base URL as it is."""

    method: Method
    target: str
    body: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class StepResponse:
    """What came back. `body` is the parsed JSON, or None; header names are in lower case."""

    status: int
    body: object = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class ScimCheck:
    """A named claim about an answer: `problem` says in one sentence what is wrong, or None.

    One that doesn't block is reported as a note: RFC 7644 asks for it, but the identity provider would carry on.
    """

    name: str
    problem: Callable[[StepResponse, Context], str | None]
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Fallback:
    """How the sequence goes on where the server doesn't offer the method: 405 or 501, as RFC 7644 §3.12 has it."""

    note: str
    sets: str = ""
    moves: Mapping[str, str] = field(default_factory=dict)
    statuses: frozenset[int] = frozenset({405, 501})


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as it goes into the query: a space is sent as `%20` or as `+`, whichever the caller is known to use."""

    attribute: str
    value: str
    space: Literal["%20", "+"] = "%20"
    more: str = ""  # what follows in the query

    def query(self, context: Context) -> str:
        """Return `filter=...`, percent-encoded, with quotes and backslashes of the value escaped."""
        value = fill_text(self.value, context).replace("\\", "\\\\").replace('"', '\\"')
        expression = f'{self.attribute} eq "{value}"'
        return "filter=" + (quote_plus(expression) if self.space == "+" else quote(expression, safe="")) + self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimStep:
    """One call. It is needed when the context holds every name in its templates and in `needs`, and not `unless`.

    `saves` reads context names from the answer by JSON pointer; `moves` renames them once the step has passed.
    A step that `cleans_up` is taken after a failure too, so that nothing of the test stays behind.
    """

    name: str
    label: str
    method: Method
    path: str
    filter: Filter | None = None
    body: Mapping[str, Json] | None = None
    expected: frozenset[int] = frozenset({200})
    checks: tuple[ScimCheck, ...] = ()
    saves: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    unless: str = ""
    fallback: Fallback | None = None
    cleans_up: bool = False

    def is_needed(self, context: Context) -> bool:
        """Return whether the sequence, as it went so far, has a place for this step."""
        names = self.needs | placeholders(self.path) | placeholders(self.body)
        if self.filter:
            names |= placeholders(self.filter.value)
        return names <= context.keys() and self.unless not in context

    def call(self, context: Context) -> StepRequest:
        """Return the request to send. Raises KeyError when the step isn't needed in this context."""
        path = fill_text(self.path, {name: quote(value, safe="") for name, value in context.items()})
        query = "?" + self.filter.query(context) if self.filter else ""
        body = None if self.body is None else cast("dict[str, Json]", fill(self.body, context))
        return StepRequest(self.method, path + query, body)

    def learn(self, answer: StepResponse, context: Context) -> Context:
        """Return the context after the step has passed, by its answer or by its fallback."""
        if self.is_refused(answer) and self.fallback:
            flags = {self.fallback.sets: "yes"} if self.fallback.sets else {}
            return _moved({**context, **flags}, self.fallback.moves)
        found = {name: read(answer.body, pointer) for name, pointer in self.saves.items()}
        return _moved({**context, **{n: v for n, v in found.items() if isinstance(v, str)}}, self.moves)

    def is_refused(self, answer: StepResponse) -> bool:
        """Return whether the server says that it doesn't offer the method, and the sequence knows another way."""
        return self.fallback is not None and answer.status in self.fallback.statuses


class StepOutcome(StrEnum):
    """What became of a step."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_NEEDED = "not needed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step, what it sent and got, and what became of it. `reason` is set for FAILED only."""

    step: ScimStep
    outcome: StepOutcome
    sent: StepRequest | None = None
    got: StepResponse | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Return whether nothing went wrong here: a step that wasn't needed is no failure."""
        return self.outcome in {StepOutcome.PASSED, StepOutcome.NOT_NEEDED}


def _moved(context: Context, moves: Mapping[str, str]) -> Context:
    return {moves.get(name, name): value for name, value in context.items()}
