from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.signin.cookies import local_path

PATHS = [
    "/",
    "/orgs/acme/",
    "/orgs/acme/settings/members/?q=a%20b&page=2#top",
    "/é/ü",
    "/a//b",
    "/@x",
    "/%0d%0aLocation:x",
    f"/{'x' * 499}",
]


@pytest.mark.parametrize("path", PATHS)
def test_local_path_keeps_a_path_on_this_site(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "orgs/acme",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "/\r\nLocation: https://evil.example",
        "\t//evil.example",
        " /x",
        "@evil.example",
        "/a\u2028b",
        "//[::1",
        f"/{'x' * 500}",
        f"/{'é' * 250}",
    ],
)
def test_local_path_is_empty_for_any_other_text(text):
    assert local_path(text) == ""


def as_a_browser_reads(text):
    """Return the text as browsers take it: blanks at the ends and line breaks gone, backslashes turned (WHATWG URL §4.4)."""
    kept = text.strip("".join(map(chr, range(0x21)))).translate(dict.fromkeys(map(ord, "\t\r\n")))
    return kept.replace("\\", "/")


odd = st.text(st.sampled_from("/\\:@?#.%-[]\t\r\n\x00\u2028\uff0f\u2044 ae"), max_size=12)


@given(st.one_of(st.text(), odd, odd.map(lambda text: f"/{text}"), odd.map(lambda text: f"https:{text}")))
def test_local_path_never_leads_to_another_site_for_arbitrary_text(text):
    kept = local_path(text)
    assert kept in {text, ""}
    assert urlsplit(urljoin("https://portal.example/saml/", as_a_browser_reads(kept))).netloc == "portal.example"


def test_local_path_is_empty_when_the_url_cannot_be_parsed(monkeypatch):
    from sso.signin import cookies

    def fail(text):
        raise ValueError

    monkeypatch.setattr(cookies, "urlsplit", fail)
    assert local_path("/x") == ""
