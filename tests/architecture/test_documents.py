"""What the documents point to is there."""

import re

import pytest

from portal.env import NAMES
from tests.architecture.source import PACKAGES, ROOT, modules

LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACE = re.compile(rf"`((?:{'|'.join(PACKAGES)}|tests)/[\w/]+)(?:\.(\w+))?`")
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_relative_links_in_documents_lead_to_existing_files(document):
    links = (link.partition("#")[0] for link in LINK.findall(document.read_text(encoding="utf-8")))
    relative = [link for link in links if link and not link.startswith(("http://", "https://", "mailto:"))]
    assert [link for link in relative if not (document.parent / link).exists()] == []


def is_there(place: str, name: str) -> bool:
    """Say whether a folder, a module or a function of one is there."""
    if name in ("", "py"):
        return (ROOT / place).is_dir() or (ROOT / f"{place}.py").is_file()
    return f"\ndef {name}(" in (ROOT / f"{place}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_code_references_in_documents_exist(document):
    places = PLACE.findall(document.read_text(encoding="utf-8"))
    assert [place for place in places if not is_there(*place)] == []


def test_architecture_document_names_each_topic_of_a_sign_in():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    topics = ("identity", "saml", "connections", "versions", "attempts", "admission", "signin")
    assert [topic for topic in topics if f"`sso/{topic}" not in text] == []


def test_environment_variables_read_by_settings_are_listed():
    read = {name for module in modules("portal/settings") for name in re.findall(r'\benv\.\w+\("(\w+)"', module.text)}
    # read in order to be refused
    assert read - {"OUTBOUND_ALLOWS_LOOPBACK"} == set(NAMES)


def test_env_example_lists_each_variable_once():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = [match[1] for line in lines if (match := re.match(r"#? ?([A-Z_]+)=", line))]
    assert sorted(named) == sorted(NAMES)


def test_the_readme_explains_each_variable():
    table = README.partition("## Configuration")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)) == sorted(NAMES)


def test_the_readme_names_each_command():
    commands = {path.stem for path in (ROOT / "portal/management/commands").glob("[a-z]*.py")}
    assert {name for name in commands if f"`manage.py {name}" not in README} == set()


def test_the_readme_names_only_targets_that_make_has():
    targets = set(re.findall(r"^([.a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([.a-z]+)`", README)) <= targets
