"""Protections that are off in one place, for a reason, and nowhere else."""

from tests.architecture.source import ROOT, modules


def places_of(word: str) -> set[str]:
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "templates").rglob("*.html") if word in page.read_text()}
    return pages | {module.place for module in modules() if word in module.text}


def test_csrf_exempt_is_used_in_scim_and_acs_views_only():
    # the bearer endpoint, and the ACS, to which the browser is sent by the IdP: neither looks at a cookie
    assert places_of("csrf_exempt") == {"scim/endpoint/views.py", "sso/signin/views.py"}


def test_only_the_api_docs_relax_the_content_security_policy():
    assert places_of("'unsafe-") == {"portal/api/urls.py"}


def test_templates_have_no_inline_script_or_style():
    assert {
        place for word in (" onclick=", " onload=", "<style", " style=", "<script>") for place in places_of(word)
    } == set()


def test_safe_filter_is_used_for_django_help_texts_only():
    assert places_of("|safe") == {"templates/cotton/_field_notes.html"}


def test_mark_safe_and_autoescape_off_are_not_used():
    assert places_of("mark_safe") | places_of("autoescape off") == set()
