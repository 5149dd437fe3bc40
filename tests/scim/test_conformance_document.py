"""docs/scim-conformance.md is what the table says, and every test that it names exists."""

import pytest

from tests.scim.conformance import DOCUMENT, RFCS, ROOT, Section, render

SECTIONS = [pytest.param(one, id=f"{rfc[:8]} {one.number}") for rfc, found in RFCS.items() for one in found]


def test_conformance_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize("section", SECTIONS)
def test_section_names_a_test_that_exists(section: Section) -> None:
    path, _, name = section.test.partition("::")
    assert f"\ndef {name}(" in (ROOT / "tests/scim" / path).read_text(encoding="utf-8")
