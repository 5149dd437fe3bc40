"""Which of the project's files a piece of work enters: those in which a function of it runs."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tests.architecture.source import PACKAGES, ROOT

FOLDERS = tuple(f"{ROOT / package}/" for package in PACKAGES)


@contextmanager
def entered_files() -> Iterator[set[str]]:
    """Yield the files, each by its place in the project, that are entered inside the block, in its threads too.

    What is imported for the first time inside isn't counted for that: only what is called is.
    """
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(FOLDERS):
            found.add(code.co_filename.removeprefix(f"{ROOT}/"))

    former = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(former)
        threading.setprofile(None)  # type: ignore[arg-type] - it takes None, to stop


# what values, rows and refusals are called, which is looked up and not followed
VOCABULARY = ("types.py", "errors.py", "models.py")


def is_read_on_the_way(place: str) -> bool:
    """Say whether a reader who follows one piece of work has to read this file.

    They don't have to read the middleware that every request passes, what has no idea of its own (`orgs/base`), nor the
    vocabulary.
    """
    is_passed = place.startswith(("portal/site/", "orgs/base/", "sandbox/"))
    return not is_passed and not place.endswith(VOCABULARY)


def documented_files(part: str) -> set[str]:
    """Return the files that docs/architecture.md names under this heading, without those of tests."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition(f"### {part}\n")[2].partition("\n#")[0]
    return {place for place in re.findall(r"`([\w/]+\.py)`", text) if not place.startswith("tests/")}
