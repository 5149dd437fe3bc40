"""`next` leads to our own origin only, under whatever name somebody asked."""

import pytest
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.test import Client

from tests.factories import PASSWORD


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://other.example/",
        "//other.example/",
        "http://other.example:8000/orgs/",
        "https://testserver/",
        "http://testserver:8000/",
        "ftp://testserver/",
        "/\\other.example",
        "javascript:alert(1)",
        "",
    ],
)
def test_is_safe_url_is_false_for_another_origin_whatever_the_host_header_is(settings, rf, elsewhere):
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    with request_context(rf.get("/", headers={"Host": "other.example"})):
        assert not get_adapter().is_safe_url(elsewhere)


@pytest.mark.parametrize("own", ["/orgs/acme/?page=2", "http://testserver/orgs/acme/", "//testserver/orgs/"])
def test_is_safe_url_is_true_for_own_pages(own):
    assert get_adapter().is_safe_url(own)


def test_sign_in_redirects_home_when_next_is_another_allowed_host(settings, stranger):
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    response = Client().post(
        "/accounts/login/?next=http://other.example/", {"login": stranger.email, "password": PASSWORD}
    )
    assert (response.status_code, response.url) == (302, "/")


@pytest.mark.parametrize("path", ["/accounts/logout/", "/accounts/reauthenticate/"])
def test_sign_out_and_reauthentication_ignore_a_next_to_another_allowed_host(settings, olga, path):
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    browser = Client()
    browser.post("/accounts/login/", {"login": olga.email, "password": PASSWORD})
    response = browser.post(path, {"next": "http://other.example/", "password": PASSWORD})
    assert response.status_code == 302
    assert response.url.startswith("/")
