"""A real Chromium against the site on a real socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import ConsoleMessage, Page

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    wide = {"width": 1440, "height": 1000}
    return {**browser_context_args, "viewport": wide, "permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture
def site(live_server: Any, settings: Any) -> str:
    """The site's address, published as its own."""
    settings.PUBLIC_BASE_URL = live_server.url
    return str(live_server.url)


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page on which any Content-Security-Policy complaint or script error fails the test."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(8000)
    yield page
    assert not complaints, complaints


def assert_accessible(page: Page) -> None:
    """axe finds no violation of WCAG 2.2 AA, in either theme."""
    page.evaluate(AXE.read_text())
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)
        broken = [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in found["violations"]]
        assert not broken, f"{page.url} in {theme}: {broken}"
    page.evaluate("document.documentElement.dataset.theme = 'light'")


def assert_fits(page: Page) -> None:
    """Nothing is cut or scrolls sideways, down to 320 px (WCAG 1.4.10)."""
    size = page.viewport_size
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{page.url} is {overflow} px too wide at {width} px"
    if size is not None:
        page.set_viewport_size(size)
