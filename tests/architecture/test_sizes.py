"""What a reader can take in at once."""

import ast

import pytest

from tests.architecture.source import ROOT, Module, modules

LINES_OF_FUNCTION = 40
LINES_OF_MODULE = 400
LINES_OF_TEMPLATE = 120
SAYS_NOTHING = {"utils", "helpers", "helper", "manager", "misc", "common", "handler", "data"}
SOURCES = modules("orgs", "sso", "scim", "portal", "sandbox")


LINES_OF_SMALL_MODULE = 25
# Django, Celery and WSGI look for a module of this name, however little it says
WANTED_NAMES = {"__init__", "__main__", "admin", "apps", "models", "tasks", "urls", "wsgi"}
# the registry of providers reads a module of this name in each provider's folder
WANTED_OF_PROVIDERS = {"saml", "scim"}
# each is the one place of an idea that many import, and its neighbors are about others
ONE_IDEA = {
    "orgs/base/clock.py",
    "orgs/base/ids.py",
    "orgs/base/public_suffixes.py",
    "portal/site/requests.py",
    "sandbox/dns.py",
    "sandbox/queries.py",
}
# the topic has one module of each kind, as docs/architecture.md has it, and only the kind of this one may import what it imports
ONE_OF_ITS_KIND = {
    "orgs/deprovisioning/queries.py",
    "orgs/groups/forms.py",
    "orgs/groups/types.py",
    "orgs/invitations/queries.py",
    "orgs/invitations/types.py",
    "orgs/invitations/views.py",
    "orgs/people/forms.py",
    "portal/field_keys/checks.py",
    "portal/field_keys/queries.py",
    "scim/rehearsal/forms.py",
    "sso/attempts/forms.py",
    "sso/metadata/views.py",
    "sso/wizard/types.py",
}
# settings name these by their place
NAMED_IN_SETTINGS = {
    "portal/api/authentication.py",
    "portal/site/verification/backends.py",
    "portal/site/verification/stages.py",
}
# small until what is about to be written there has grown
TO_BE_JOINED = {
    "scim/endpoint/types.py",
    "scim/groups/errors.py",
    "scim/protocol/preconditions.py",
    "scim/users/errors.py",
    "scim/users/types.py",
}


def is_wanted_by_a_framework(module: Module) -> bool:
    kind = module.place.rpartition("/")[2].removesuffix(".py")
    return kind in WANTED_NAMES or (module.name.startswith("orgs.providers.") and kind in WANTED_OF_PROVIDERS)


def long_functions(module: Module) -> list[str]:
    functions = (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    sizes = ((node, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions)
    return [f"{module.place}:{node.lineno} {node.name} ({size})" for node, size in sizes if size > LINES_OF_FUNCTION]


def test_functions_are_not_longer_than_the_limit():
    assert [found for module in SOURCES for found in long_functions(module)] == []


def test_modules_are_not_longer_than_the_limit():
    assert [module.place for module in SOURCES if len(module.text.splitlines()) > LINES_OF_MODULE] == []


def test_small_modules_are_those_that_a_framework_wants_or_that_have_a_reason():
    small = {module.place for module in SOURCES if len(module.text.splitlines()) < LINES_OF_SMALL_MODULE}
    wanted = {module.place for module in SOURCES if is_wanted_by_a_framework(module)}
    assert small - wanted - TO_BE_JOINED == ONE_IDEA | ONE_OF_ITS_KIND | NAMED_IN_SETTINGS


def test_templates_are_not_longer_than_the_limit():
    pages = sorted((ROOT / "templates").rglob("*.html"))
    long = [page for page in pages if len(page.read_text(encoding="utf-8").splitlines()) > LINES_OF_TEMPLATE]
    assert [str(page.relative_to(ROOT)) for page in long] == []


@pytest.mark.parametrize("module", SOURCES, ids=lambda module: module.name)
def test_module_names_have_no_meaningless_words(module):
    assert SAYS_NOTHING.isdisjoint(module.name.split("."))
