import pytest

from sso.saml.relay_state import local_path, new_key


@pytest.mark.parametrize(
    "path", ["/", "/orgs/acme/", "/orgs/acme/settings/members/?q=a%20b&page=2#top", "/é/ü", "/a//b"]
)
def test_a_path_on_this_site_is_kept(path):
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
        f"/{'x' * 2_000}",
    ],
)
def test_anything_else_is_nothing(text):
    assert local_path(text) == ""


def test_what_no_parser_reads_is_nothing(monkeypatch):
    from sso.saml import relay_state

    def fail(text):
        raise ValueError

    monkeypatch.setattr(relay_state, "urlsplit", fail)
    assert local_path("/x") == ""


def test_a_key_says_nothing_and_is_short_enough_for_the_binding():
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {43}
