"""What the page Authentication & SSO shows, gathered from both halves."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orgs.base.clock import now
from orgs.providers.registry import setups, why_unprovisioned
from orgs.tenancy.models import Organization
from portal.site import single_sign_on
from scim.activity import queries as activity
from scim.directories import queries as directories
from scim.directories.models import ScimToken
from scim.directories.types import TokenState
from scim.requests import queries as requests
from sso.connections.models import Connection

EXPIRY_NOTICE = timedelta(days=30)


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
        "pulse": activity.health(directory),
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
        "pulse": activity.health(directory),
    }
