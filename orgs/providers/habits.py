"""What is known of how a provider provisions by SCIM: its form, the marks in its requests, its calls in their order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from orgs.providers.people import MadeUpPerson, PushedGroup
from orgs.providers.steps import ScimStep
from orgs.providers.templates import Context
from orgs.providers.types import Absent, Instruction


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What a request shows of itself. `path` is what follows the base URL; `query` is as it came, not decoded."""

    method: str
    path: str
    query: str = ""
    user_agent: str = ""
    body: Mapping[str, object] | None = None
    content_type: str = ""
    accept_charset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShape:
    """What a request shows that no other provider's does, all of it together; `example` is such a request.

    Each text is a regular expression for the whole of what it is about. An operation is one of a PATCH, read by JSON
    pointer; where the expression is None, nothing is there.
    """

    example: RequestFacts
    target: str = ""  # path and query, as they came
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the query, decoded
    content_type: str = ""
    accept_charset: str = ""
    schema: str = ""  # one of the body's schemas
    body: Mapping[str, str] = field(default_factory=dict)  # by JSON pointer
    operation: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScimEffect:
    """What an act in the provider's console does here."""

    act: str
    outcome: str


@dataclass(frozen=True, slots=True)
class ScimSource:
    """Which field of the provider fills an attribute that is read here, as it maps it by default."""

    source: str
    attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimSetup:
    """How provisioning is set up in the provider's console; `base_url` and `token` are the ways to their fields there.

    `assignment` is the step without which nobody is sent. `records` says where the provider writes what it has sent.
    """

    steps: tuple[Instruction, ...]
    assignment: Instruction
    base_url: str
    token: str
    effects: tuple[ScimEffect, ...]
    records: Instruction
    sources: tuple[ScimSource, ...]
    traps: tuple[str, ...] = ()

    @property
    def all_steps(self) -> tuple[Instruction, ...]:
        """Return the steps with the assignment as the last one."""
        return (*self.steps, self.assignment)


# what becomes of the attributes that have an effect; the others of RFC 7643 are kept and given back
READ_ATTRIBUTES = (
    ("userName", "The name by which the provider looks the person up. It may be any text."),
    ("emails", "The person’s address: the primary or work address in a verified domain comes first."),
    ("name.givenName", "First name"),
    ("name.familyName", "Last name"),
    ("displayName", "The name that is shown"),
    ("active", "Whether the membership is suspended"),
    ("externalId", "Who the person is: with the same one they return to their membership"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSequence:
    """The calls of a provider, to be walked against any SCIM server.

    The connection test begins with what `context` makes of the test address and of a mark that tells runs apart; the
    others with nothing. `lifecycle` needs so many people.
    """

    connection_test: tuple[ScimStep, ...]
    connection_test_with_groups: tuple[ScimStep, ...]
    context: Callable[[str, str], Context]
    activate: Callable[[Sequence[MadeUpPerson], Sequence[PushedGroup]], tuple[ScimStep, ...]]
    lifecycle: Callable[[Sequence[MadeUpPerson], Sequence[PushedGroup]], tuple[ScimStep, ...]]
    people_needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimHabits:
    """What is known of a provider as a SCIM client. `user_agents` are what its User-Agent contains, in lower case.

    `deleted_name` is a regular expression for the whole of the name that it gives to a person whom it has deleted, but
    may bring back. `creates_again` says that it brings back by a POST whom it has set inactive, `replaces_groups` that a
    PUT of a group without `members` means that it has none: others leave them out where they don't manage them. `calls_every`
    is how often it calls when nothing has changed, zero where it isn’t known to.
    """

    user_agents: tuple[str, ...]
    shapes: tuple[RequestShape, ...] | Absent
    setup: ScimSetup | Absent
    calls: CallSequence | Absent
    deleted_name: str = ""
    creates_again: bool = False
    replaces_groups: bool = False
    calls_every: timedelta = timedelta(0)
