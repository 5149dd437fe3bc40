"""What the pages show of single sign-on: an organization's connections, and one of them with all that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from orgs.base.clock import now
from orgs.domains import queries as domains
from orgs.people import queries as people
from orgs.providers.registry import provider
from orgs.providers.types import Provider
from orgs.tenancy.models import Organization
from sso.attempts import queries as attempts
from sso.connections import queries as connections
from sso.connections.forms import RulesForm
from sso.connections.models import Configuration, Connection
from sso.connections.types import Stage
from sso.signin_tests import queries as tests_queries

CERTIFICATE_NOTICE = timedelta(days=60)
SHOWN_TESTS = 5


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One connection in the list: `url` leads to its page, or to the step at which its set-up goes on."""

    connection: Connection
    provider: Provider
    url: str
    certificate_ends: datetime | None
    has_draft: bool

    @property
    def ends_soon(self) -> bool:
        """Return whether the last certificate that it trusts has less than 60 days to go."""
        return self.certificate_ends is not None and self.certificate_ends - now() < CERTIFICATE_NOTICE

    @property
    def has_ended(self) -> bool:
        """Return whether the last certificate that it trusts has expired; sign-in goes on, but should not do so for long."""
        return self.certificate_ends is not None and self.certificate_ends <= now()


def rows_of(org: Organization) -> list[ConnectionRow]:
    """Return the organization's connections, oldest first; the query count doesn't grow with them."""
    return [_row(versions) for versions in connections.versions_of(org)]


def _row(versions: connections.Versions) -> ConnectionRow:
    connection, live = versions.connection, versions.live
    return ConnectionRow(
        connection=connection,
        provider=provider(connection.provider),
        url=_url(connection),
        certificate_ends=_last_end(live),
        has_draft=live is not None and versions.draft is not None,
    )


def _url(connection: Connection) -> str:
    where = f"wizard:{connection.setup_step}" if connection.is_being_set_up else "connection"
    return reverse(where, args=[connection.org.slug, connection.public_id])


def _last_end(chosen: Configuration | None) -> datetime | None:
    ends = [certificate.not_after for certificate in chosen.certificates.all()] if chosen is not None else []
    return max(ends, default=None)


def of_org(org: Organization) -> dict[str, Any]:
    """Return what the page Authentication & SSO shows of connections and domains."""
    rows = rows_of(org)
    return {
        "connections": rows,
        "active_connections": [row for row in rows if row.connection.is_active],
        "connection_ended": next((row for row in rows if row.connection.is_active and row.has_ended), None),
        "connection_ending": next((row for row in rows if row.connection.is_active and row.ends_soon), None),
        "domain_count": domains.list_domains(org).count(),
        "verified_count": domains.verified_domains(org).count(),
    }


def of_connection(connection: Connection) -> dict[str, Any]:
    """Return the context of a connection's own page."""
    live, draft = connections.in_force(connection), connections.configuration(connection, Stage.DRAFT)
    shown, tests = draft or live, tests_queries.latest_tests(connection, SHOWN_TESTS)
    return {
        "connection": connection,
        "provider": provider(shown.provider if shown is not None else connection.provider),
        "provider_in_force": provider(connection.provider),
        "live": live,
        "draft": draft,
        "expired": [one for one in live.certificates.all() if one.has_expired] if live is not None else [],
        "versions": _versions(connection, live, draft),
        "values": connections.values_to_copy(connection, shown),
        "addresses": connections.addresses(connection),
        "target": shown,
        "is_tested": shown is not None and shown.tested_at is not None,
        "tests": tests,
        "is_test_waiting": any(test.is_waiting for test in tests),
        "latest": attempts.latest_sign_in(connection),
        "form": RulesForm.of(connection.name, connections.rules(connection)),
        "shown": connections.settings_etag(connection),
        "verified": list(domains.verified_domains(connection.org)[:20]),
        "has_directory_members": people.has_directory_members(connection.org),
    }


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a connection as its page shows it, with what it reads and whom it trusts."""

    configuration: Configuration
    attributes: Sequence[Any]
    certificates: Sequence[Any]


def _versions(connection: Connection, live: Configuration | None, draft: Configuration | None) -> list[Version]:
    """Return the version in preparation and the one in force, in this order, when they have an IdP."""
    return [
        Version(chosen, connections.attribute_rows(chosen), list(chosen.certificates.all()))
        for chosen in (draft, live)
        if chosen is not None and chosen.has_idp
    ]
