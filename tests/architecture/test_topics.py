"""A topic folder has one shape, and its modules import each other in one direction."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, Import, Module, modules

APPS = ("orgs", "sso", "scim")
KINDS = {"models", "queries", "services", "forms", "views", "urls", "tasks", "admin", "errors", "types", "__init__"}
COLLECTORS = {"__init__", "apps", "models", "urls", "admin"}
# folders of ideas rather than of tables
FREE_SHAPED = {
    "orgs/base",
    "scim/protocol",
    "scim/dialects",
    "scim/endpoint",
    "sso/identity",
    "sso/saml",
    "sso/guides",
    "orgs/providers",
    "orgs/logs",
}
EXTRA = {
    "orgs/tenancy/access.py",
    "sso/signin/cookies.py",
    "sso/signin/saml.py",
    "sso/wizard/steps.py",
}
EVERYONE = {"base", "types", "errors"}
# what a module of each kind may import, by the kind of what it imports; portal is above all of them
MAY_IMPORT = {
    "models": EVERYONE | {"models", "providers"},
    "queries": EVERYONE | {"models", "queries", "protocol", "endpoint.conditions", "identity", "saml", "providers"},
    "services": EVERYONE | {"models", "queries", "services", "protocol", "dialects", "identity", "providers", "saml"},
    "forms": EVERYONE | {"queries", "forms", "saml", "providers", "logs"},
    "views": EVERYONE
    | {
        "queries",
        "services",
        "forms",
        "access",
        "cookies",
        "steps",
        "protocol",
        "endpoint",
        "identity",
        "saml",
        "providers",
        "logs",
        "portal",
    },
    "tasks": EVERYONE | {"queries", "services", "portal"},
    "admin": EVERYONE | {"models", "queries", "services", "admin", "portal"},
}
# each with the reason for which it reads better as it is
EDGES = {"views", "middleware", "access", "cookies", "steps", "context", "health"}
EDGE_FOLDERS = ("scim/endpoint/", "portal/api/", "portal/support/", "sandbox/test_idp/")
# Django's and allauth's own bases take requests
EDGE_MODULES = {
    "orgs/base/refusals.py",
    "orgs/base/read_only_admin.py",
    "orgs/logs/pages.py",
    "portal/site/accounts.py",
    "portal/site/passkeys.py",
    "portal/site/sign_in_limits.py",
    "portal/site/verification/adapter.py",
}


def topics() -> list[Path]:
    folders = (folder for app in APPS for folder in sorted((ROOT / app).iterdir()) if folder.is_dir())
    shaped = (folder for folder in folders if str(folder.relative_to(ROOT)) not in FREE_SHAPED)
    return [folder for folder in shaped if folder.name not in {"migrations", "__pycache__"}]


def kind_of(name: str) -> str:
    """Return the kind of a module that is imported: its last word, or the folder whose modules are all alike."""
    parts = name.split(".")
    if parts[0] == "portal":
        return "portal"
    if name in {"scim.endpoint.conditions", "scim.endpoint.expressions"}:
        return "endpoint.conditions"
    if "/".join(parts[:2]) in FREE_SHAPED:
        return parts[1]
    return "services" if "services" in parts else parts[-1]


def ruled_imports() -> Iterator[Import]:
    """Every import by a module of a topic whose kind has a rule, without those that only annotations need at an edge."""
    for module in modules(*APPS, "portal"):
        if module.kind not in MAY_IMPORT or module.name.split(".")[1] in {"models", "admin", "endpoint"}:
            continue
        at_edge = module.kind in {"views", "tasks", "admin"}
        yield from (found for found in module.imports() if not (at_edge and found.is_for_types))


def strays() -> list[Import]:
    return [found for found in ruled_imports() if kind_of(found.target) not in MAY_IMPORT[found.source.kind]]


@pytest.mark.parametrize("folder", topics(), ids=lambda folder: f"{folder.parent.name}.{folder.name}")
def test_topic_folders_have_only_modules_of_the_known_kinds(folder):
    others = {str(path.relative_to(ROOT)) for path in folder.glob("*.py") if path.stem not in KINDS}
    assert others <= EXTRA


@pytest.mark.parametrize("folder", topics(), ids=lambda folder: f"{folder.parent.name}.{folder.name}")
def test_topic_folders_have_no_subfolder_except_services(folder):
    folders = {path.name for path in folder.iterdir() if path.is_dir()}
    assert folders <= {"services", "__pycache__"}
    assert not ("services" in folders and (folder / "services.py").exists())


@pytest.mark.parametrize("app", APPS)
def test_app_folders_have_only_collecting_modules_beside_topics(app):
    assert {path.stem for path in (ROOT / app).glob("*.py")} <= COLLECTORS


def test_modules_import_only_what_their_kind_allows():
    assert [str(found) for found in strays()] == []


def test_views_are_imported_by_url_modules_only():
    def may(found: Import) -> bool:
        return found.source.kind == "urls" or found.target == "scim.endpoint.views"

    towards_views = (found for module in modules() for found in module.imports() if found.target.endswith(".views"))
    assert [str(found) for found in towards_views if not may(found)] == []


def test_scim_endpoint_views_are_imported_by_listed_modules_only():
    users = {m.place for m in modules() for found in m.imports() if found.target == "scim.endpoint.views"}
    assert users <= {
        *("scim/users/views.py", "scim/groups/views.py", "scim/bulk/views.py", "scim/search/views.py"),
        *("scim/endpoint/discovery.py", "scim/urls.py"),
    }


def test_managers_are_used_in_queries_models_and_services_only():
    managers = (".objects", "._default_manager", "._base_manager")
    elsewhere = (m for m in modules() if m.kind not in {"queries", "models", "services"})
    assert [m.place for m in elsewhere if any(word in m.text for word in managers)] == []


def is_edge(module: Module) -> bool:
    return module.kind in EDGES or module.place.startswith(EDGE_FOLDERS) or module.place in EDGE_MODULES


def test_django_http_is_used_in_edge_modules_only():
    inner = (module for module in modules() if not is_edge(module))
    assert [module.place for module in inner if "django.http" in module.text] == []


def test_pure_folders_do_not_import_django():
    pure = modules("scim/protocol", "scim/dialects", "sso/identity", "sso/saml", "sso/guides", "orgs/providers")
    assert [module.place for module in pure if "import django" in module.text or "from django" in module.text] == []
