from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim.requests.models import RequestLog
    from scim.requests.types import Refusals

# a test is over by then
TEST_WINDOW = timedelta(minutes=15)
# two resources that are deleted so soon after each other belong to one test, unless one of them comes again
SAME_TEST = timedelta(minutes=1)
# a provider looks around before it makes the first resource, and after it has deleted the last
MARGIN = timedelta(seconds=15)
TESTS_KEPT = timedelta(days=30)
TESTS_FOLDED = 50
CALLS_SHOWN = 200
DAYS_SHOWN = 14
COUNTED_A_DAY = 2_000
BAR_HEIGHT, AXIS = 48, 50
# calls with less than this between them are one piece of the provider's work
SAME_WORK = timedelta(minutes=2)
CALLS_OF_WORK = 100
# nobody is called silent before, whatever the rhythm
SILENT_AFTER = timedelta(hours=24)
RHYTHM_OF_CALLS = 200


@dataclass(frozen=True, slots=True)
class FoldedTest:
    """A connection test as one entry: its calls, oldest first, and what failed in it; to find nothing is no failure."""

    calls: Sequence["RequestLog"]
    failed: "RequestLog | None"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the provisioning log: a call, or the connection test that ended with it."""

    row: "RequestLog"
    test: FoldedTest | None = None


@dataclass(frozen=True, slots=True)
class DayCount:
    """What came in one day (UTC), each up to COUNTED_A_DAY. Heights are those of its bars, of BAR_HEIGHT at most."""

    day: date
    changes: int
    failures: int
    change_height: int = 0
    failure_height: int = 0

    @property
    def change_top(self) -> int:
        """Return where the bar of changes begins; the line is at AXIS."""
        return AXIS - self.change_height

    @property
    def is_cut(self) -> bool:
        return COUNTED_A_DAY in (self.changes, self.failures)


class Health(StrEnum):
    """What the calls with a live token show."""

    NO_TOKEN = "no_token"  # noqa: S105 - a word for a state
    NEVER_CALLED = "never_called"
    FAILED = "failed"
    SILENT = "silent"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class DirectoryHealth:
    """How provisioning is doing. `since` is when that began; `latest` is the newest call.

    When it failed, `failed` is the call and `step` its place among the calls of that piece of work, counted from 1.
    `refused` is what came without a live token since `latest`: anybody can send that, so it never changes `health`.
    """

    health: Health
    latest: "RequestLog | None" = None
    since: datetime | None = None
    failed: "RequestLog | None" = None
    step: int = 0
    refused: "Refusals | None" = None

    @property
    def is_waiting(self) -> bool:
        return self.health is Health.NEVER_CALLED

    @property
    def state_key(self) -> str:
        """Return a text that stays the same while a waiting page has nothing new to show."""
        return f"{self.health}-{self.refused.count if self.refused else 0}"
