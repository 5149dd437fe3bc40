"""The side-bar as data: only pages that exist, in the order in which they are shown."""

from dataclasses import dataclass

from django.urls import reverse

from orgs.tenancy.models import Organization


@dataclass(frozen=True, slots=True)
class Page:
    """One entry: the URL name that opens it, and those that keep it marked as current."""

    label: str
    icon: str
    url_name: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    icon: str
    url: str
    is_current: bool


SETTINGS_PAGES = (
    Page("Members", "users", "people:members"),
    Page("Groups", "users-group", "groups:groups", ("groups:group",)),
    Page(
        "Authentication & SSO",
        "shield-lock",
        "authentication",
        ("directories:generate_token", "directories:revoke_token"),
    ),
    Page("Provisioning log", "history", "requests:log", ("requests:request",)),
)
FIRST_PAGE = "authentication"


def settings_entries(org: Organization, current: str) -> list[Entry]:
    """Return the side-bar of one organisation; `current` is the URL name of the page that is open."""
    return [
        Entry(page.label, page.icon, reverse(page.url_name, args=[org.slug]), current in (page.url_name, *page.also))
        for page in SETTINGS_PAGES
    ]
