"""The side-bar as data: only pages that exist, in the order in which they are shown."""

from dataclasses import dataclass

from django.urls import reverse

from orgs.tenancy.models import Organization
from sso.connections.types import STEPS


@dataclass(frozen=True, slots=True)
class NavigationPage:
    """One entry: the URL name that opens it, and those that keep it marked as current."""

    label: str
    icon: str
    url_name: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    label: str
    icon: str
    url: str
    is_current: bool


SETTINGS_PAGES = (
    NavigationPage("Members", "users", "people:members"),
    NavigationPage("Groups", "users-group", "groups:groups", ("groups:group",)),
    NavigationPage("Domains", "world", "domains:domains", ("domains:remove",)),
    NavigationPage(
        "Authentication & SSO",
        "shield-lock",
        "authentication",
        (
            "directories:generate_token",
            "directories:change_token",
            "directories:rotate_token",
            "directories:revoke_token",
            "guide",
            "rehearsal:rehearse",
            "rehearsal:rehearsal",
            "connection",
            *(f"wizard:{step}" for step in ("new", *STEPS, "preview")),
            *(f"connections:{name}" for name in ("rules", "turn_off", "delete")),
            "signin:test",
        ),
    ),
    NavigationPage("Sign-in log", "login-2", "attempts:attempts", ("attempts:attempt",)),
    NavigationPage("Provisioning log", "history", "requests:log", ("requests:request",)),
    NavigationPage("Audit log", "list-check", "audit:log"),
)
FIRST_PAGE = "authentication"


def settings_entries(org: Organization, current: str) -> list[NavigationEntry]:
    """Return the side-bar of one organization; `current` is the URL name of the page that is open."""
    return [
        NavigationEntry(
            page.label, page.icon, reverse(page.url_name, args=[org.slug]), current in (page.url_name, *page.also)
        )
        for page in SETTINGS_PAGES
    ]
