from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import TextChoices

from orgs.base.actor import Actor

if TYPE_CHECKING:
    from scim.directories.models import Directory, ScimToken


class DirectoryState(TextChoices):
    ACTIVE = "active", "Active"
    DISABLED = "disabled", "Disabled"


TOKEN_PREFIX = "ghs_"  # noqa: S105
MAX_LIVE_TOKENS = 10
# the kinds of events
TOKEN_CREATED = "scim_token.created"  # noqa: S105
TOKEN_EXPIRING = "scim_token.expiring"  # noqa: S105
TOKEN_REFUSED = "scim_token.refused"  # noqa: S105
DIRECTORY_REFUSED = "directory.refused"
DAY = timedelta(days=1)
MAX_NETWORKS = 50
# how many days before its end admins are told of it, once each
NOTICE_DAYS = (14, 3, 1)
# so many refused calls within this time, and none that was accepted, are a streak that admins are told of
REFUSED_STREAK = 20
STREAK_WITHIN = timedelta(hours=1)
REFUSED_AGAIN_AFTER = timedelta(days=1)
# who goes on to show an ended token is named once a week
ALERTED_AGAIN_AFTER = timedelta(days=7)
# a token that was used this recently is still in an identity provider's settings
IN_USE_WITHIN = timedelta(hours=24)


def notice_due(left: timedelta) -> int | None:
    """Return the notice for a token that works for so long yet, by its number of days, or None while it is too early."""
    days = ceil(left / DAY)
    return min((notice for notice in NOTICE_DAYS if days <= notice), default=None)


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
    """What the admin asks for. `nonce` is the form's: the same form sent twice makes one token.

    `allowed_networks` are in CIDR form; without any, every address may use the token.
    """

    label: str
    nonce: UUID
    expires_in: timedelta | None = None
    replaces: "ScimToken | None" = None
    allowed_networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """What forms show of a token. `is_in_use`: an identity provider used it within IN_USE_WITHIN."""

    label: str
    networks: tuple[str, ...]
    last_used_ip: str
    is_in_use: bool

    def shown(self) -> dict[str, str]:
        """Return the initial values of a form."""
        return {"label": self.label, "networks": "\n".join(self.networks)}
