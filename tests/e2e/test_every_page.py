"""Every page as each person who can reach it sees it: accessible in both themes, fitting a phone, built to one plan."""

import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from playwright.sync_api import ConsoleMessage, Page

from tests.e2e import world
from tests.e2e.conftest import assert_accessible, assert_fits
from tests.e2e.tours import TOURS, Stop, Tour

pytestmark = pytest.mark.django_db(transaction=True)
TITLE = re.compile(r"[^·]+( · [^·]+)? · Gatehouse|[^|]+( \| [^|]+)? \| Gatehouse support")
LEG = 16
# a test sign-in waits for ten minutes
FRESH_SECONDS = 300
NARROWEST, WIDE = 320, {"width": 1440, "height": 1000}
FACTS = """() => {
  const seen = element => element.clientWidth > 1 && element.checkVisibility();
  const label = element => element.outerHTML.slice(0, 120);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)].filter(seen);
  const isCut = element => element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1;
  return {
    headings: document.querySelectorAll("h1").length,
    primary: all("main .btn-primary").map(label),
    navigation: all("nav").filter(nav => nav.querySelectorAll(".nav-link").length > 1).map(
      nav => nav.querySelectorAll("[aria-current=page]").length),
    cut: all("main :is(.btn, .pill, .badge, h1, h2, h3, th, td, dd, p, li, .copied-value)").filter(isCut).map(label),
  };
}"""
TARGETS = "() => axe.run(document, {runOnly: {type: 'rule', values: ['target-size']}})"


@dataclass(frozen=True)
class Furnished:
    """The site on a real socket, and what fills the places in the tours' addresses."""

    url: str
    words: world.Words


@pytest.fixture(scope="module")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    # a color that is still fading has neither theme's contrast
    return {**browser_context_args, "reduced_motion": "reduce"}


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page on which a complaint of the browser fails the test, unless it is about axe, which reads style sheets anew."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text and message.location["url"]:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.set_default_timeout(8000)
    yield page
    assert not complaints, complaints


class Store:
    """All rows, kept beside SQLite's from when they were made: each leg begins with them, whatever another has changed."""

    def __init__(self) -> None:
        self.words: world.Words = {}
        self.made = 0.0
        self.copy = sqlite3.connect(":memory:")

    def fill_database(self) -> world.Words:
        connection.ensure_connection()
        if self.words and time.monotonic() < self.made + FRESH_SECONDS:
            self.copy.backup(connection.connection)
            ContentType.objects.clear_cache()
        else:
            self.words, self.made = world.make(), time.monotonic()
            connection.connection.backup(self.copy)
        return self.words


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    kept = Store()
    yield kept
    kept.copy.close()


@pytest.fixture
def furnished(site: str, settings: Any, store: Store) -> Furnished:
    """The site with all its rows, and with one address behind which something breaks."""
    settings.ROOT_URLCONF = "tests.e2e.failing_urls"
    cache.clear()
    return Furnished(site, store.fill_database())


def visit(page: Page, site: Furnished, stop: Stop, session: str) -> None:
    page.context.clear_cookies()
    if session:
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])
    page.goto(site.url + stop.path.format(**site.words))
    if stop.act:
        stop.act(page)


def plan_faults(page: Page) -> list[str]:
    """Name what no page may have, as it stands in the narrowest window."""
    page.set_viewport_size({"width": NARROWEST, "height": 800})
    facts = page.evaluate(FACTS)
    small = [node["html"][:120] for rule in page.evaluate(TARGETS)["violations"] for node in rule["nodes"]]
    page.set_viewport_size(WIDE)
    plan = {
        f"its title is {page.title()!r}": TITLE.fullmatch(page.title()),
        f"it has {facts['headings']} headings of level 1": facts["headings"] == 1,
        "a component was left uncompiled": "<c-" not in page.content(),
        f"it has several primary buttons: {facts['primary']}": len(facts["primary"]) <= 1,
        "its side-bar marks no page, or several": set(facts["navigation"]) <= {1},
        f"this is cut: {facts['cut']}": not facts["cut"],
        f"this is too small to hit: {small}": not small,
    }
    return [fault for fault, suspensions in plan.items() if not suspensions]


def faults_of(page: Page) -> list[str]:
    faults = []
    for check in (assert_accessible, assert_fits):
        try:
            check(page)
        except AssertionError as error:
            faults.append(str(error))
    return [*faults, *plan_faults(page)]


def legs() -> Iterator[Tour]:
    """The tours in legs of about the same length, for which the time of one test is enough."""
    for tour in TOURS:
        for start in range(0, len(tour.stops), LEG):
            stops = tour.stops[start : start + LEG]
            yield replace(tour, name=f"{tour.name} from {stops[0].name}", stops=stops)


@pytest.mark.parametrize("tour", tuple(legs()), ids=lambda tour: tour.name)
def test_page_is_accessible_fits_the_screen_and_has_the_planned_content(
    watched: Page, furnished: Furnished, tour: Tour
) -> None:
    session = world.session_of(tour.email, tour.method) if tour.email else ""
    faults = []
    for stop in tour.stops:
        visit(watched, furnished, stop, session)
        faults += [f"{stop.name}: {fault}" for fault in faults_of(watched)]
    assert not faults, "\n".join(faults)
