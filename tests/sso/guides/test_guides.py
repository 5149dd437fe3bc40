"""The guides in docs/ are the data, and read as they should."""

import re
import subprocess
import sys

import pytest
from lxml import etree

from orgs.providers.idp_settings import NameIdFormat, Setting
from orgs.providers.registry import PROVIDERS, provider
from sso.admission import errors as admission_errors
from sso.guides import guide
from sso.guides.markdown import plain
from sso.guides.troubleshooting import refusals_in
from sso.identity import errors as identity_errors
from sso.identity.errors import SignInError
from sso.saml import errors as saml_errors
from sso.saml import metadata_errors
from sso.saml.metadata import describe_sp
from sso.saml.metadata_errors import MetadataError
from sso.saml.types import ServiceProvider
from sso.signin import errors as signin_errors
from tests.architecture.source import ROOT

FOLDER = ROOT / "docs/providers"
PAGES = guide.pages([*guide.REFUSALS, *refusals_in(admission_errors), *refusals_in(signin_errors)])
each = pytest.mark.parametrize("name", sorted(PAGES))
LINK = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")


class HouseRule(SignInError):
    code = "house_rule"
    setting = Setting.DOMAIN
    private = "A rule of this test."


def anchors(text: str) -> set[str]:
    """What can be linked to on a page, as GitHub names it."""
    titles = (line.lstrip("# ").lower() for line in text.splitlines() if line.startswith("#"))
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


@each
def test_guide_page_in_docs_equals_the_rendered_page(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name]


def test_docs_folder_has_exactly_the_rendered_pages():
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_guide_write_twice_gives_the_same_bytes(tmp_path):
    def written():
        guide.write(tmp_path)
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert written() == written()


def test_guide_command_runs_without_django(tmp_path):
    command = [sys.executable, "-m", "sso.guides.guide", str(tmp_path), "sso.admission.errors", "sso.signin.errors"]
    subprocess.run(command, cwd=ROOT, env={}, check=True, timeout=30)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == PAGES


def test_guide_command_without_arguments_prints_its_usage(capsys):
    assert guide.main([]) == 2
    assert capsys.readouterr().err.startswith("usage: python -m sso.guides.guide docs/providers")


def test_guide_command_includes_refusals_of_named_modules(tmp_path):
    assert guide.main([str(tmp_path), __name__]) == 0
    assert "[`house_rule`](troubleshooting.md#house_rule)" in (tmp_path / "okta.md").read_text(encoding="utf-8")
    assert "### `house_rule`\n\nA rule of this test." in (tmp_path / "troubleshooting.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", [saml_errors, identity_errors, metadata_errors])
def test_troubleshooting_page_explains_every_saml_and_metadata_error(module):
    families = (*SignInError.__subclasses__(), *MetadataError.__subclasses__())
    defined = {one.code for one in families if one.__module__ == module.__name__}
    assert defined
    assert defined <= anchors(PAGES["troubleshooting.md"])


@each
def test_guide_links_lead_to_existing_headings(name):
    broken = [
        (page, anchor) for page, anchor in LINK.findall(PAGES[name]) if anchor not in anchors(PAGES[page or name])
    ]
    assert broken == []


@each
def test_guide_table_rows_have_equal_numbers_of_cells(name):
    tables = [block.splitlines() for block in PAGES[name].split("\n\n") if block.startswith("|")]
    assert [len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) for rows in tables] == [1] * len(tables)


@pytest.mark.parametrize("one", PROVIDERS, ids=lambda one: one.code)
def test_a_guide_has_the_labels_of_the_form_in_their_order(one):
    places = [PAGES[f"{one.code}.md"].index(f"| **{row.label}** |") for row in one.guide.form]
    assert places == sorted(places)


@pytest.mark.parametrize("one", PROVIDERS, ids=lambda one: one.code)
def test_a_guide_says_what_to_do_for_every_setting(one):
    assert [fix for fix in one.guide.fixes.values() if f"| {plain(fix)} |" not in PAGES[f"{one.code}.md"]] == []


@pytest.mark.parametrize(
    "value",
    [
        "your IdP Entity ID, from the connection’s page",
        "your ACS URL, from the connection’s page",
        "`urn:oasis:names:tc:",
    ],
)
def test_guide_describes_values_of_the_connection_instead_of_giving_them(value):
    assert value in guide.render(provider("jumpcloud"))


def test_guide_index_links_to_every_page():
    assert [name for name in PAGES if name != "README.md" and f"({name})" not in PAGES["README.md"]] == []


@pytest.mark.parametrize(
    ("text", "written"),
    [("**Save** it", "**Save** it"), ("a|b", r"a\|b"), ("<b>", r"\<b>"), (r"^\.$", r"^\\.$"), ("[x](y)", r"\[x\](y)")],
)
def test_plain_escapes_markup_in_a_text(text, written):
    assert plain(text) == written


def test_jumpclouds_form_says_to_sign_what_our_metadata_wants_signed():
    sp = ServiceProvider("https://sp.example", "https://sp.example/acs", NameIdFormat.EMAIL)
    [role] = etree.fromstring(describe_sp(sp, [])).iter("{*}SPSSODescriptor")
    [sign] = [row.choice for row in provider("jumpcloud").guide.form if row.label == "Sign"]
    assert (role.get("WantAssertionsSigned"), sign) == ("true", "Assertion")
    # for which it gets our certificate
    assert role.get("AuthnRequestsSigned") == "true"
