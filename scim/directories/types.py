from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import TextChoices

from orgs.base.actor import Actor

if TYPE_CHECKING:
    from orgs.tenancy.models import Organization
    from scim.directories.models import Directory, ScimToken


class DirectoryState(TextChoices):
    ACTIVE = "active", "Active"
    DISABLED = "disabled", "Disabled"


class MemberListing(TextChoices):
    """Whether the identity provider sees members whom no directory has; by itself that ends a day after the first sync began."""

    UNTIL_SYNC = "until_sync", "Until the first sync"
    ON = "on", "On"
    OFF = "off", "Off"


FIRST_SYNC = timedelta(days=1)
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
class Admission:
    """A token with its directory and its organization, as one statement reads them."""

    token_id: int
    token_public_id: UUID
    label: str
    last4: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str | None
    allowed_networks: list[str]
    is_rehearsal: bool
    directory_id: int
    directory_public_id: UUID
    directory_state: str
    directory_listing: str
    org_id: int
    org_public_id: UUID
    org_slug: str
    org_name: str
    org_created_at: datetime


@dataclass(frozen=True)
class ScimCaller:
    """Whose token was shown, the actor that the audit log names, and what the client calls itself.

    It has no slots: what is made once is kept in it.
    """

    admission: Admission
    actor: Actor
    user_agent: str = ""
    # the versions that the client would change, as its If-Match names them
    if_match: str | None = None

    @property
    def org_id(self) -> int:
        return self.admission.org_id

    @property
    def directory_id(self) -> int:
        return self.admission.directory_id

    @property
    def token_id(self) -> int:
        return self.admission.token_id

    @property
    def public_id(self) -> UUID:
        """Return the directory's public id, which its Base URL names."""
        return self.admission.directory_public_id

    @cached_property
    def org(self) -> "Organization":
        """Return the organization without a query."""
        from orgs.tenancy.models import Organization

        found = self.admission
        fields = ("id", "public_id", "slug", "name", "created_at")
        values = (found.org_id, found.org_public_id, found.org_slug, found.org_name, found.org_created_at)
        return Organization.from_db(DEFAULT_DB_ALIAS, fields, values)

    @cached_property
    def directory(self) -> "Directory":
        """Return the directory, with its organization, without a query. Its name isn't loaded."""
        from scim.directories.models import Directory

        found = self.admission
        fields = ("id", "org_id", "public_id", "state", "listing")
        values = (
            found.directory_id,
            found.org_id,
            found.directory_public_id,
            found.directory_state,
            found.directory_listing,
        )
        directory = Directory.from_db(DEFAULT_DB_ALIAS, fields, values)
        directory.org = self.org
        return directory


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
