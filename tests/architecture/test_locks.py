"""The lock files install the same everywhere: pinned with hashes, and naming no place to install from."""

import json
import re

import pytest

from tests.machine import ROOT

PINNED = re.compile(r"[A-Za-z0-9][\w.\-]*(\[[\w,\-]+\])?==")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_each_package_of_python_is_pinned_with_a_hash(name):
    text = (ROOT / name).read_text()
    entries = [line for line in re.split(r"(?<!\\)\n", text) if line.strip() and not line.strip().startswith("#")]
    assert entries
    assert [entry for entry in entries if not PINNED.match(entry) or "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_each_package_of_npm_has_a_hash_and_no_address():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed
    assert [name for name, package in installed.items() if "resolved" in package] == []
    assert [name for name, package in installed.items() if not package.keys() & {"integrity", "inBundle"}] == []
