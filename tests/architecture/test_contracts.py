"""The layers of the four packages, as import-linter reads them in pyproject.toml."""

import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterator

import pytest

from tests.architecture.source import PACKAGES, ROOT

LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
SIGNING = {"sso.saml", "sandbox.test_idp"}
# a library, and the only modules that may know it
ALONE = {
    "django_scim": {"scim.endpoint", "scim.users", "scim.groups"},
    **dict.fromkeys(("saml2", "lxml", "xmlsec"), SIGNING),
}


def beside(allowed: Collection[str], names: Collection[str] = PACKAGES) -> Iterator[str]:
    """Yield what is outside of the allowed modules, whole packages where none of these is inside."""
    for name in names:
        if any(module.startswith(f"{name}.") for module in allowed):
            yield from beside(allowed, [f"{name}.{part}" for part in parts_of(name)])
        elif name not in allowed:
            yield name


def parts_of(package: str) -> set[str]:
    found = ROOT.joinpath(*package.split(".")).iterdir()
    parts = {path.stem for path in found if path.suffix == ".py" or (path / "__init__.py").exists()}
    return parts - {"__init__"}


def test_import_contracts_are_kept():
    # in a process of its own: it switches off the loggers that are there
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_import_contracts_cover_every_package():
    assert set(LINTER["root_packages"]) == set(PACKAGES)


def test_import_contracts_ignore_no_import():
    assert [contract["name"] for contract in LINTER["contracts"] if "ignore_imports" in contract] == []


@pytest.mark.parametrize("library", ALONE)
def test_library_is_forbidden_to_all_modules_except_those_listed(library):
    forbidding = (one for one in LINTER["contracts"] if library in one.get("forbidden_modules", []))
    assert {*beside(ALONE[library])} in [set(contract["source_modules"]) for contract in forbidding]
