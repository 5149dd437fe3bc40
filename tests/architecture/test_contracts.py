"""The layers of the four packages, as import-linter reads them in pyproject.toml."""

import tomllib

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.source import PACKAGES, ROOT

LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


def test_every_contract_is_kept():
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


def test_every_package_is_under_contract():
    assert set(LINTER["root_packages"]) == set(PACKAGES)


def test_no_contract_ignores_an_import():
    assert [contract["name"] for contract in LINTER["contracts"] if "ignore_imports" in contract] == []
