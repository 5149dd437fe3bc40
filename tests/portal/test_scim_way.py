"""The short way of SCIM requests: what it leaves out protects nothing there, and what it leads to is what the patterns say."""

import dataclasses

import pytest
from django.test import Client
from django.urls import resolve

from portal.site.scim_way.middleware import find_view, fixed_headers
from tests.scim.bodies import user_body


@pytest.fixture
def long_way(scim, settings):
    """The same identity provider where SCIM requests pass what all others pass."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("ScimWayMiddleware")]
    return dataclasses.replace(scim, client=Client())


@pytest.mark.parametrize("path", ["/Users", "/Users/x", "/Nowhere", "/Groups?filter=x"])
def test_answer_has_every_header_that_other_pages_have(scim, long_way, path):
    names = set(long_way.get(path).headers)
    assert set(scim.get(path).headers) >= names


@pytest.mark.parametrize(
    "path", ["/Users", "/Users/x", "/Nowhere", "/.search", "//Users//", "/Users?aadOptscim062020", "/"]
)
def test_answer_has_the_status_and_body_of_the_long_way(scim, long_way, path):
    first, second = scim.get(path), long_way.get(path)
    assert (first.status_code, first.content) == (second.status_code, second.content)


@pytest.mark.parametrize("name", ["X-Frame-Options", "X-Content-Type-Options", "Cache-Control", "Referrer-Policy"])
def test_fixed_header_is_the_one_of_other_pages(scim, long_way, name):
    assert scim.get("/Users")[name] == long_way.get("/Users")[name]


def test_https_answers_have_strict_transport_security_as_the_settings_say(settings):
    settings.SECURE_HSTS_SECONDS = 60
    assert dict(fixed_headers(is_secure=True))["Strict-Transport-Security"].startswith("max-age=60")
    assert "Strict-Transport-Security" not in dict(fixed_headers(is_secure=False))


def test_request_with_another_host_is_refused_each_time(scim):
    assert [scim.get("/Users", Host="evil.example").status_code for _ in range(2)] == [400, 400]
    assert scim.get("/Users").status_code == 200


def test_body_in_a_charset_that_is_not_read_is_refused(scim):
    path = f"/scim/v2/{scim.directory.public_id}/Users"
    headers = {"Authorization": f"Bearer {scim.token}"}
    response = scim.client.generic("POST", path, "{}", content_type="application/json; charset=utf-7", headers=headers)
    assert response.status_code == 400


def test_session_cookie_opens_no_session(scim, sign_in, olga, django_assert_num_queries):
    made = scim.post("/Users", user_body()).json()["id"]
    client = sign_in(olga)
    with_cookie = dataclasses.replace(scim, client=client).get(f"/Users/{made}")
    assert with_cookie.status_code == 200
    assert not hasattr(with_cookie.wsgi_request, "session")


ID = "6f1c3d52-6f0c-4a8e-9d5d-0d9a0b6a4b1e"
FOUND = [f"{ID}/Users", f"{ID}/Groups", f"{ID}/Users/{ID}", f"{ID}/Groups/x", "x/Users/%20", f"{ID}/Users/Users"]
LEFT = ["/.search", "/Users/.search", "/users", "/Users/x/y", "/Users/", "/Bulk", ""]


@pytest.mark.parametrize("path", FOUND)
def test_find_view_agrees_with_the_patterns(path):
    view, directory, scim_id = find_view(path)
    match = resolve(f"/scim/v2/{path}")
    assert (view, directory, scim_id) == (match.func, match.kwargs["directory"], match.kwargs.get("uuid", ""))


@pytest.mark.parametrize("path", ["", "/Users", *(f"{ID}{tail}" for tail in LEFT)])
def test_find_view_leaves_every_other_path_to_the_patterns(path):
    assert find_view(path) is None
