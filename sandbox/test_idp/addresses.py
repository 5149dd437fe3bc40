"""Where an app's pages are."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from django.urls import reverse
from django.utils.text import slugify

from sandbox.test_idp.config import current
from sandbox.test_idp.types import App


@dataclass(frozen=True, slots=True)
class AppPage:
    """The addresses that an admin copies from here to the app."""

    metadata: str
    sso: str
    open: str


def page_of(app: App) -> AppPage:
    """Return the app's whole addresses."""
    return AppPage(*(current().base_url + reverse(name, args=[app.id]) for name in ("metadata", "sso", "open")))


def app_id_for(label: str, apps: Iterable[App]) -> str:
    """Return a slug of the label that no app has."""
    taken = {app.id for app in apps}
    slug = slugify(label) or "app"
    numbered = (f"{slug}-{number}" if number > 1 else slug for number in count(1))
    return next(app_id for app_id in numbered if app_id not in taken)
