from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import TextChoices

from orgs.base.errors import NotFound
from orgs.providers.attributes import ProfileField
from sso.identity.profile import ClaimedProfile
from sso.identity.types import VerifiedIdentity

TEST_LIFE = timedelta(minutes=5)
KEPT_FOR = timedelta(days=90)


class SignInTestStatus(TextChoices):
    """How a test sign-in stands; one that waits for too long has timed out."""

    WAITING = "waiting", "Waiting"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"


class SignInPreview(StrEnum):
    """What a real sign-in would do with the person of a test."""

    SIGNS_IN = "signs_in"
    JOINS = "joins"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SignInTestResult:
    """How a test ended, what it received, and what a real sign-in would have done."""

    status: SignInTestStatus
    claims: VerifiedIdentity | None = field(default=None, repr=False)
    profile: ClaimedProfile | None = None
    # which fields' attributes weren't sent, of those that the provider's guide says are needed
    missing: tuple[ProfileField, ...] = ()
    preview: SignInPreview | None = None
    preview_reason: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """One attribute as it came; its name is the IdP's, and may be any text."""

    name: str
    sent: tuple[str, ...]
    left_out: int = 0  # how many more values came


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One field of a profile as a test shows it; empty where nothing was sent."""

    label: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the newest test received, read by the names that a version has now; `sent` are the names of its attributes."""

    at: datetime
    rows: Mapping[ProfileField, ProfileRow]
    sent: tuple[str, ...]


class SignInTestUnknown(NotFound):
    code = "test_unknown"
    public = "There is no such test in this organization."
