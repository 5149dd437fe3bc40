from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict

from django.db.models import TextChoices

from orgs.base.errors import Conflict, NotFound
from orgs.providers.steps import ScimStep
from orgs.providers.templates import Context

REHEARSAL_ASKED = "rehearsal.asked"
# a domain that nobody can have (RFC 2606 §2), so that no mail of a rehearsal reaches anybody
ADDRESS_DOMAIN = "rehearsal.invalid"
TOKEN_LIFE = timedelta(minutes=10)
# a rehearsal that hasn't ended by then was interrupted
LONGEST_RUN = timedelta(minutes=5)
# the newest ones of a directory, which the page lists
SHOWN = 10


class RehearsalState(TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    INTERRUPTED = "interrupted", "Interrupted"


UNFINISHED = (RehearsalState.WAITING, RehearsalState.RUNNING)


class RehearsalUnknown(NotFound):
    code = "rehearsal_unknown"
    public = "There is no such rehearsal in this organization."


class RehearsalUnderWay(Conflict):
    code = "rehearsal_under_way"
    public = "Another rehearsal of this directory is under way. Wait until it has ended."


@dataclass(frozen=True, slots=True)
class RehearsalSection:
    """Steps that belong together, and what they start from."""

    title: str
    steps: tuple[ScimStep, ...]
    context: Context


class StepLine(TypedDict):
    """What became of one step, as the row keeps it: never a body."""

    section: str
    label: str
    outcome: str
    method: str
    target: str
    status: int | None
    reason: str
    notes: list[str]
    milliseconds: int | None
