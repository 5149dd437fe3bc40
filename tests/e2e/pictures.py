"""`python -m tests.e2e.pictures`, which is `make pictures`: every page in both themes, wide and on a phone.

All of them are under var/pictures/, for those who work on the pages; the README's few are in docs/pictures/.
"""

import os
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from typing import TYPE_CHECKING
from unittest.mock import patch

from django.utils import timezone
from playwright.sync_api import Browser, Page, sync_playwright

from tests import machine

if TYPE_CHECKING:
    from tests.e2e.tours import Stop

ROOT = Path(__file__).resolve().parents[2]
EVERY, CHOSEN = ROOT / "var" / "pictures", ROOT / "docs" / "pictures"
ADDRESS = "https://gatehouse.example"
WIDE, PHONE = 1440, 390
# how far the clock of the rows runs on with each look at it
TICK = 17
SHORTEST, TALLEST = 844, 8000
# the README's: file, page, theme, width, height of what is shown
DOCS = (
    ("authentication", "authentication", "light", WIDE, 1000),
    ("authentication-dark", "authentication", "dark", WIDE, 1000),
    ("authentication-phone", "authentication", "light", PHONE, 1100),
    ("members", "members", "light", WIDE, 1000),
    ("provisioning-log", "log of failures", "light", WIDE, 1000),
    ("story-1-start", "authentication empty", "light", WIDE, 900),
    ("story-2-provider", "set-up provider", "light", WIDE, 900),
    ("story-3-values", "set-up values", "light", WIDE, 900),
    ("story-4-metadata", "set-up what was read", "light", WIDE, 900),
    ("story-5-domain", "domain added", "light", WIDE, 900),
    ("story-6-test", "test passed", "light", WIDE, 900),
    ("story-7-connection", "connection", "light", WIDE, 900),
    ("story-8-token", "token generated", "light", WIDE, 900),
    ("story-9-sign-in", "single sign-on", "light", WIDE, 900),
    ("story-10-sign-in-log", "sign-in log", "light", WIDE, 900),
)


def main(wanted: list[str]) -> int:
    """Take the pictures of the pages that are named, or of every page."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings.test"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/pictures.sqlite3"
        words = _prepare()
        with _served() as site, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=machine.browser(), args=["--no-sandbox", "--disable-gpu"])
            _take(browser, site, words, wanted)
            browser.close()
    return 0


def _prepare() -> dict[str, str]:
    # the same ids and secrets each time, spread over the last hours as in life
    chance = Random("gatehouse")
    with (
        patch("uuid.uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4)),
        patch("secrets.token_bytes", lambda size=32: chance.randbytes(size)),
        patch("django.utils.timezone.now", _hurried_clock()),
    ):
        import django
        from django.conf import settings
        from django.core.management import call_command

        django.setup()
        settings.ROOT_URLCONF, settings.PUBLIC_BASE_URL = "tests.e2e.failing_urls", ADDRESS
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "gatehouse.example"]
        call_command("migrate", verbosity=0)
        from tests.e2e import world

        return world.make()


def _hurried_clock() -> Callable[[], datetime]:
    """Return a clock that starts four hours ago, runs ahead with each look at it, and stops now."""
    present = timezone.now()
    shown = [present - timedelta(hours=4)]

    def look() -> datetime:
        shown[0] = min(shown[0] + timedelta(seconds=TICK), present)
        return shown[0]

    return look


@contextmanager
def _served() -> Iterator[str]:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    from portal.wsgi import application

    class Silent(WSGIRequestHandler):
        def log_message(self, *arguments: object) -> None:
            """Pictures need no access log."""

    server = ThreadedWSGIServer(("127.0.0.1", 0), Silent)
    server.set_app(application)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def _take(browser: Browser, site: str, words: dict[str, str], wanted: list[str]) -> None:
    from tests.e2e import world
    from tests.e2e.tours import TOURS

    EVERY.mkdir(parents=True, exist_ok=True)
    CHOSEN.mkdir(parents=True, exist_ok=True)
    for tour in TOURS:
        session = world.session_of(tour.email, tour.method) if tour.email else ""
        for stop in tour.stops:
            if not wanted or stop.name in wanted:
                _take_page(_visitor(browser, site, session), site, stop, words)


def _visitor(browser: Browser, site: str, session: str) -> Page:
    context = browser.new_context(reduced_motion="reduce", locale="en-GB", timezone_id="UTC")
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page = context.new_page()
    page.set_default_timeout(8000)
    return page


def _take_page(page: Page, site: str, stop: "Stop", words: dict[str, str]) -> None:
    page.set_viewport_size({"width": WIDE, "height": 1000})
    page.goto(site + stop.path.format(**words))
    if stop.act:
        stop.act(page)
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        for width in (WIDE, PHONE):
            _show_whole(page, width)
            page.screenshot(path=EVERY / f"{stop.name.replace(' ', '-')}-{theme}-{width}.png")
            _choose(page, stop, theme, width)
    page.context.close()


def _show_whole(page: Page, width: int) -> None:
    """The window is as high as the page, so that what sticks to its edges is where a reader would see it."""
    page.set_viewport_size({"width": width, "height": SHORTEST})
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": min(height, TALLEST)})


def _choose(page: Page, stop: "Stop", theme: str, width: int) -> None:
    for name, *shown, height in DOCS:
        if shown == [stop.name, theme, width]:
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=CHOSEN / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
