"""What a simulated identity provider is asked to do, as sections of steps in the order in which they are walked."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from orgs.providers.habits import CallSequence
from orgs.providers.jumpcloud.scim import CALLS as JUMPCLOUD
from orgs.providers.people import MadeUpPerson, PushedGroup, made_up_groups, made_up_people
from orgs.providers.steps import ScimStep, StepResult
from orgs.providers.templates import Context
from scim.dialects.walk import Send, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The choices of one run. The made-up people have addresses at `domain`, by default that of the test e-mail."""

    test_email: str
    groups: bool = False
    twice: bool = False
    activate: bool = False
    lifecycle: bool = False
    people: int = 40
    group_count: int = 5
    domain: str = ""
    calls: CallSequence = JUMPCLOUD

    def pushed_people(self) -> tuple[MadeUpPerson, ...]:
        """Return who is bound to the application: the same people for the same choices."""
        return made_up_people(self.people, self.domain or self.test_email.rpartition("@")[2])

    def pushed_groups(self) -> tuple[PushedGroup, ...]:
        """Return the groups bound to the application, none when groups are off."""
        return made_up_groups(self.group_count, self.pushed_people()) if self.groups else ()


@dataclass(frozen=True, slots=True)
class Section:
    """Steps that belong together, and what they start from."""

    title: str
    steps: tuple[ScimStep, ...]
    context: Context


def sections(plan: Plan) -> Iterator[Section]:
    """Yield what the plan comes to. Two runs of the connection test use the same address."""
    calls = plan.calls
    test = calls.connection_test_with_groups if plan.groups else calls.connection_test
    for title in ("Test Connection", "Test Connection, once more")[: 2 if plan.twice else 1]:
        yield Section(title, test, calls.context(plan.test_email, secrets.token_hex(3)))
    if plan.activate:
        yield Section("Activate", calls.activate(plan.pushed_people(), plan.pushed_groups()), {})
    if plan.lifecycle:
        yield Section("Changes", calls.lifecycle(plan.pushed_people(), plan.pushed_groups()), {})


def simulate(plan: Plan, send: Send) -> Iterator[tuple[Section, StepResult]]:
    """Yield each step as it ends. A section with a failure is walked to its clean-up; the next ones aren't begun."""
    for section in sections(plan):
        failed = False
        for result in walk(section.steps, section.context, send):
            failed = failed or not result.passed
            yield section, result
        if failed:
            return
