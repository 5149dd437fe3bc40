from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import TextChoices

from orgs.base.actor import Actor

if TYPE_CHECKING:
    from scim.directories.models import Directory


class DirectoryState(TextChoices):
    ACTIVE = "active", "Active"
    DISABLED = "disabled", "Disabled"


TOKEN_PREFIX = "ghs_"  # noqa: S105
MAX_LIVE_TOKENS = 10
TOKEN_CREATED = "scim_token.created"  # noqa: S105 - the kind of an event


class TokenState(TextChoices):
    LIVE = "live", "Live"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"


# an IdP's connection test makes its user and its group, and deletes them within this time
TEST_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ScimCaller:
    """The directory whose token was shown, and the actor that the audit log names."""

    directory: "Directory"
    actor: Actor


@dataclass(frozen=True, slots=True)
class Deleted:
    """What is gone, by the name it had. `was_test` when it lived for minutes only and nobody ever used it."""

    name: str
    was_test: bool


@dataclass(frozen=True, slots=True)
class TokenOrder:
    """What the admin asks for. `nonce` is the form's: the same form sent twice makes one token."""

    label: str
    nonce: UUID
    expires_in: timedelta | None = None
