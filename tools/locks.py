"""The lock files install the same everywhere: pinned with hashes, and naming no place to install from."""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.machine import ROOT
from tools.parts import say

PYTHON_LOCKS = ("requirements.txt", "requirements-dev.txt")
NPM_LOCK = "package-lock.json"
PINNED = re.compile(r"^[A-Za-z0-9][\w.\-]*(\[[\w,\-]+\])?==")


def main() -> int:
    problems = [line for name in PYTHON_LOCKS for line in python_problems(ROOT / name)]
    problems += npm_problems(ROOT / NPM_LOCK)
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def python_problems(lock: Path) -> list[str]:
    """Return a line for each option, address or unhashed package of a requirements file."""
    text = lock.read_text(encoding="utf-8")
    found = []
    for entry in re.split(r"(?<!\\)\n", text):
        line = entry.strip()
        if not line or line.startswith("#"):
            continue
        if not PINNED.match(line):
            found.append(f"{lock.name}: not a pinned package: {line.splitlines()[0]}")
        elif "--hash=sha256:" not in line:
            found.append(f"{lock.name}: without a hash: {line.splitlines()[0]}")
    if "://" in text:
        found.append(f"{lock.name}: names an address")
    return found


def npm_problems(lock: Path) -> list[str]:
    """Return a line for each package of a npm lock that names its address or lacks a hash."""
    packages: Mapping[str, Mapping[str, object]] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    installed = {name: package for name, package in packages.items() if name}
    found = [f"{lock.name}: {name} names its address" for name, package in installed.items() if "resolved" in package]
    found += [
        f"{lock.name}: {name} has no hash"
        for name, package in installed.items()
        if "integrity" not in package and not package.get("inBundle")
    ]
    return found


if __name__ == "__main__":
    sys.exit(main())
