"""Production from a copy of the source in which there is no sandbox: what an operator may leave out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.portal.test_settings import NEVER_SET, PRODUCTION

PRODUCT = ("orgs", "sso", "scim", "portal", "templates", "static", "manage.py")
PROBE = """
from django.test import Client
from portal.wsgi import application
client = Client(SERVER_NAME="gatehouse.example")
print(client.get("/healthz").status_code, client.get("/api/v1/me", secure=True).status_code)
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages that production needs, and nothing else of the repository."""
    folder = tmp_path_factory.mktemp("product")
    for name in PRODUCT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    surroundings = {name: text for name, text in os.environ.items() if name not in {*NEVER_SET, "PYTHONPATH"}}
    environment = surroundings | PRODUCTION | {"DJANGO_SETTINGS_MODULE": "portal.settings.production"}
    command = (sys.executable, *command)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_copy_without_sandbox_cannot_import_it(product: Path) -> None:
    done = run(product, "-c", "import sandbox")
    assert done.stderr.strip().endswith("ModuleNotFoundError: No module named 'sandbox'")


def test_check_deploy_passes_without_the_sandbox(product: Path) -> None:
    done = run(product, "manage.py", "check", "--deploy")
    assert done.returncode == 0, done.stderr


def test_portal_answers_requests_without_the_sandbox(product: Path) -> None:
    assert run(product, "manage.py", "migrate", "--verbosity", "0").returncode == 0
    done = run(product, "-c", PROBE)
    assert done.stdout.split() == ["200", "401"], done.stderr


def test_seed_demo_is_an_unknown_command_without_the_sandbox(product: Path) -> None:
    assert "Unknown command: 'seed_demo'" in run(product, "manage.py", "seed_demo").stderr
