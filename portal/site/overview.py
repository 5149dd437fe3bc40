"""What the page Authentication & SSO shows, gathered from both halves."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from orgs.base.clock import now
from orgs.providers.registry import setups, why_unprovisioned
from orgs.tenancy.models import Organization
from portal.site import single_sign_on
from scim.directories import queries as directories
from scim.directories.models import Directory, ScimToken
from scim.directories.types import TokenState
from scim.requests import queries as requests
from scim.requests.models import RequestLog
from scim.requests.types import Refusals
from sso.connections.models import Connection

IDLE_AFTER = timedelta(hours=24)
EXPIRY_NOTICE = timedelta(days=30)
REFUSALS_SHOWN = timedelta(hours=24)


class Health(StrEnum):
    NO_TOKEN = "no_token"  # noqa: S105 - a word for a state
    WAITING = "waiting"
    FAILING = "failing"
    IDLE = "idle"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether the IdP reaches the directory. `first` is the first call that a live token made, `latest` the newest.

    `refused` is what came without a live token since then. It is shown, and changes nothing: anybody can send it.
    """

    health: Health
    first: RequestLog | None
    latest: RequestLog | None
    refused: Refusals | None

    @property
    def is_waiting(self) -> bool:
        return self.health is Health.WAITING

    @property
    def mark(self) -> str:
        """Return a digest of what a waiting page shows; while it stays the same there is nothing new to show."""
        return f"{self.health}-{self.refused.count if self.refused else 0}"


def pulse_of(directory: Directory) -> Pulse:
    """Return the directory's health from its log: a handful of indexed queries, whatever the log's length."""
    latest = requests.latest_request(directory.pk)
    first = requests.first_request(directory.pk) if latest else None
    day_ago = now() - REFUSALS_SHOWN
    refused = requests.refusals_since(directory.pk, max(latest.at, day_ago) if latest else day_ago)
    return Pulse(_health(directory, latest), first, latest, refused)


def _health(directory: Directory, latest: RequestLog | None) -> Health:
    """Return what calls with a live token show; nothing that a stranger sends counts."""
    if not directories.live_tokens(directory).exists():
        return Health.NO_TOKEN
    if latest is None:
        return Health.WAITING
    if latest.status >= 500:
        return Health.FAILING
    return Health.IDLE if now() - latest.at > IDLE_AFTER else Health.HEALTHY


@dataclass(frozen=True, slots=True)
class TokenRow:
    token: ScimToken
    state: TokenState

    @property
    def ends_soon(self) -> bool:
        """Return whether a live token stops working within 30 days: time to generate the next one."""
        expires = self.token.expires_at
        return self.state is TokenState.LIVE and expires is not None and expires - now() < EXPIRY_NOTICE


def of_org(org: Organization) -> dict[str, Any]:
    """Return the context of the page."""
    shown = single_sign_on.of_org(org)
    directory = directories.first_directory(org)
    rows = [TokenRow(token, directories.token_state(token)) for token in directories.list_tokens(directory)[:50]]
    provider = shown["connections"][0].connection.provider if shown["connections"] else ""
    return {
        "directory": directory,
        "base_url": directories.base_url(directory),
        "live_tokens": [row for row in rows if row.state is TokenState.LIVE],
        "token_ending": next((row for row in rows if row.ends_soon), None),
        "ended_tokens": [row for row in rows if row.state is not TokenState.LIVE],
        "pulse": pulse_of(directory),
        "recent": list(requests.latest_of(directory.pk, 5)),
        "setups": setups(first=provider),
        "why_unprovisioned": why_unprovisioned(provider),
        **shown,
    }


def of_connection(org: Organization, connection: Connection) -> dict[str, Any]:
    """Return the context of a connection's page: the connection, and the directory that goes with it."""
    directory = directories.first_directory(org)
    rows = [TokenRow(token, directories.token_state(token)) for token in directories.live_tokens(directory)]
    return {
        **single_sign_on.of_connection(connection),
        "base_url": directories.base_url(directory),
        "live_tokens": rows,
        "pulse": pulse_of(directory),
    }
