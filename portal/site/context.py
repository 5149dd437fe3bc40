"""What the shell's templates need on every page."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from orgs.events import queries as outbox
from orgs.tenancy.access import SessionGrants, shown_address
from orgs.tenancy.models import Organization
from orgs.tenancy.types import SETTINGS_ROLES
from portal.site.navigation import FIRST_PAGE, settings_entries


@dataclass(frozen=True, slots=True)
class AccessibleOrganization:
    """One line of the organization switcher."""

    name: str
    slug: str
    initials: str
    role: str
    home_url: str


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the organization, the side-bar and the switcher; no query beyond what the request has read already."""
    session_grants: SessionGrants = getattr(request, "session_grants", SessionGrants())
    org: Organization | None = getattr(request, "org", None)
    found: dict[str, Any] = {
        # asked only by the pages whose work waits
        "background_delay": partial(background_delay, org),
        "request_id": getattr(request, "request_id", ""),
        "signed_in_as": shown_address(request),
        "reachable_orgs": [
            AccessibleOrganization(
                name=grant.org.name,
                slug=grant.org.slug,
                initials=grant.org.initials,
                role=grant.membership.get_role_display(),
                home_url=reverse("org_home", args=[grant.org.slug]),
            )
            for grant in session_grants.grants
        ],
    }
    if org is not None:
        found |= _of_org(request, org)
    elif len(session_grants.grants) == 1:
        only = session_grants.grants[0]
        found |= _settings_link(only.org, only.membership.role)
    return found


def background_delay(org: Organization | None) -> str:
    """Return what waits for a worker, in one sentence; empty while one runs, or while nothing waits."""
    if not outbox.is_waiting_for_worker(org):
        return ""
    what = "mail and other work that waits" if org else "mail that waits"
    return f"{what} is sent or done once the service’s worker runs again. Nothing is lost."


def _of_org(request: HttpRequest, org: Organization) -> dict[str, Any]:
    match = request.resolver_match
    role = request.membership.role  # type: ignore[attr-defined]
    entries = settings_entries(org, match.view_name if match else "") if role in SETTINGS_ROLES else []
    return {"org": org, "settings_nav": entries, **_settings_link(org, role)}


def _settings_link(org: Organization, role: str) -> dict[str, Any]:
    return {"org_settings_url": reverse(FIRST_PAGE, args=[org.slug])} if role in SETTINGS_ROLES else {}
