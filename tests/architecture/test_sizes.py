"""What a reader can take in at once."""

import ast

import pytest

from tests.architecture.source import ROOT, Module, modules

LINES_OF_FUNCTION = 40
LINES_OF_MODULE = 400
LINES_OF_TEMPLATE = 120
SAYS_NOTHING = {"utils", "helpers", "helper", "manager", "misc", "common", "handler", "data"}
SOURCES = modules("orgs", "sso", "scim", "portal", "sandbox")


def long_functions(module: Module) -> list[str]:
    functions = (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    sizes = ((node, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions)
    return [f"{module.place}:{node.lineno} {node.name} ({size})" for node, size in sizes if size > LINES_OF_FUNCTION]


def test_functions_are_not_longer_than_the_limit():
    assert [found for module in SOURCES for found in long_functions(module)] == []


def test_modules_are_not_longer_than_the_limit():
    assert [module.place for module in SOURCES if len(module.text.splitlines()) > LINES_OF_MODULE] == []


def test_templates_are_not_longer_than_the_limit():
    pages = sorted((ROOT / "templates").rglob("*.html"))
    long = [page for page in pages if len(page.read_text(encoding="utf-8").splitlines()) > LINES_OF_TEMPLATE]
    assert [str(page.relative_to(ROOT)) for page in long] == []


@pytest.mark.parametrize("module", SOURCES, ids=lambda module: module.name)
def test_module_names_have_no_meaningless_words(module):
    assert SAYS_NOTHING.isdisjoint(module.name.split("."))
