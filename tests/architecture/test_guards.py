"""Protections that are off in one place, for a reason, and nowhere else."""

from tests.architecture.source import ROOT, modules


def places_of(word: str) -> set[str]:
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "templates").rglob("*.html") if word in page.read_text()}
    return pages | {module.place for module in modules() if word in module.text}


def test_only_what_other_sites_call_goes_without_a_csrf_token():
    # the bearer endpoint, and the ACS, to which the browser is sent by the IdP: neither looks at a cookie
    assert places_of("csrf_exempt") == {"scim/endpoint/views.py", "sso/signin/views.py"}


def test_only_the_api_docs_relax_the_content_security_policy():
    assert places_of("'unsafe-") == {"portal/api/urls.py"}


def test_no_page_has_script_or_style_of_its_own():
    assert {
        place for word in (" onclick=", " onload=", "<style", " style=", "<script>") for place in places_of(word)
    } == set()


def test_only_the_help_texts_that_django_writes_are_taken_for_markup():
    assert places_of("|safe") == {"templates/cotton/_field_notes.html"}


def test_nothing_else_is_taken_for_markup():
    assert places_of("mark_safe") | places_of("autoescape off") == set()
