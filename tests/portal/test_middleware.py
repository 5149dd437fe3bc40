"""What every request passes: id, address, tidy SCIM URLs, headers, and nothing secret in a log line."""

import logging
import re

import pytest
import structlog
from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client, override_settings

from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import access
from orgs.tenancy.types import MembershipOrigin, SuspensionSource
from portal.site import middleware
from portal.site.middleware import CharsetMiddleware, RequestIdentityMiddleware
from portal.site.requests import LenientRequest
from tests.factories import ACTOR, PASSWORD
from tests.scim.bodies import patch_body, user_body

PERSON = "/accounts/login/"


# the request id


def bound_while(rf, **headers) -> dict:
    """Return what the log lines of a request with these headers hold, and the id that it is answered with."""
    found = {}

    def answer(request):
        found.update(structlog.contextvars.get_contextvars())
        return HttpResponse()

    found["answered"] = RequestIdentityMiddleware(answer)(rf.get("/", headers=headers))["X-Request-ID"]
    return found


@pytest.mark.parametrize("given", ["abcdefgh", "A.b_c-0123456789", "x" * 64])
def test_request_id_of_the_caller_is_kept_beside_the_own_one(rf, given):
    found = bound_while(rf, **{"X-Request-ID": given})
    assert found["caller_request_id"] == given
    assert found["request_id"] == found["answered"] != given
    assert re.fullmatch("[0-9a-f]{32}", found["request_id"])


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "has space in it", "line\nbreak-id", "<script>alert</script>", "ünïcödé-id"]
)
def test_request_id_of_the_caller_is_dropped_when_malformed(rf, given):
    found = bound_while(rf, **{"X-Request-ID": given})
    assert "caller_request_id" not in found
    assert found["request_id"] == found["answered"]


def test_request_id_differs_for_each_request(client):
    assert client.get("/healthz")["X-Request-ID"] != client.get("/healthz")["X-Request-ID"]


# the client's address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "", "10.0.0.9"),
        (0, "198.51.100.1", "10.0.0.9"),
        (1, "", "10.0.0.9"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "127.0.0.1, 198.51.100.1", "198.51.100.1"),
        (1, "6.6.6.6,, 198.51.100.1 ,", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "10.0.0.9"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "unknown", ""),
        (1, "<script>", ""),
        (1, "1" * 60, ""),
    ],
)
def test_client_ip_is_the_address_seen_by_the_outermost_trusted_proxy(rf, proxies, forwarded, expected):
    request = rf.get("/", REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR=forwarded)
    with override_settings(TRUSTED_PROXY_COUNT=proxies):
        assert middleware.client_ip(request) == expected


# headers on every kind of response


@pytest.fixture
def answers(scim, sign_in, olga, stranger):
    """One response of each kind."""
    forms = Client(enforce_csrf_checks=True)
    browser = sign_in(olga)
    return {
        "page": browser.get("/orgs/acme/settings/authentication/"),
        "redirect": Client().get("/"),
        "sign-in": Client().get(PERSON),
        "not found": browser.get("/nowhere/"),
        "forbidden": forms.post(PERSON),
        "wrong method": browser.delete("/"),
        "scim": scim.get("/Users"),
        "scim refused": Client().get(f"/scim/v2/{scim.directory.public_id}/Users"),
        "api": browser.get("/api/v1/me"),
        "api refused": Client().get("/api/v1/me"),
        "health": Client().get("/healthz"),
        "ready": Client().get("/readyz"),
        "metrics": Client().get("/metrics"),
        "moved": Client().get("/accounts/login"),
    }


def test_responses_have_the_security_headers(answers, subtests):
    for kind, answer in answers.items():
        headers = answer.headers
        with subtests.test(kind):
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert "camera=()" in headers["Permissions-Policy"]
            assert headers["X-Request-ID"]


def test_responses_forbid_caching_and_framing(answers, subtests):
    for kind, answer in answers.items():
        if kind != "moved":
            with subtests.test(kind):
                assert "no-store" in answer["Cache-Control"]
                assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", PERSON, "/nowhere/"])
def test_head_answers_as_get_does_without_a_body(client, db, path):
    asked, headed = client.get(path), client.head(path)
    assert (headed.status_code, headed.content) == (asked.status_code, b"")


CHARSETS = [
    "hex",
    "base64",
    "zlib",
    "bz2",
    "rot13",
    "idna",
    "undefined",
    "utf-16",
    "utf-7",
    "cp037",
    "unheard-of",
    '""',
]


@pytest.mark.parametrize("path", ["/accounts/login/", "/sso/", "/saml/nobody/acs", "/scim/v2/nobody/Users"])
@pytest.mark.parametrize("charset", CHARSETS)
def test_form_with_an_unsupported_charset_returns_400(db, path, charset):
    body = b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\nx\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    sent = Client(enforce_csrf_checks=True).generic("POST", path, body, content_type=kind)
    assert (sent.status_code, sent.content) == (400, b"This charset isn't read here. Send UTF-8.\n")


UNREADABLE_TYPES = [
    "text/plain; charset*=utf-8''a%00b",
    "text/plain; charset*=undefined''%ff",
    "text/plain; charset*=nonsense''%ff",
    "text/plain; charset=a\0b",
]


@pytest.mark.parametrize("kind", UNREADABLE_TYPES)
def test_malformed_content_type_returns_400(rf, kind):
    environ = rf.get("/").environ | {"CONTENT_TYPE": kind}
    with pytest.raises(ValueError, match=r"."):
        WSGIRequest(environ)
    assert CharsetMiddleware(lambda request: HttpResponse())(LenientRequest(environ)).status_code == 400


def test_lenient_request_keeps_the_content_params_of_a_valid_content_type(rf):
    environ = rf.get("/").environ | {"CONTENT_TYPE": "text/plain; charset=utf-8"}
    assert LenientRequest(environ).content_params == {"charset": "utf-8"}


def test_wsgi_application_uses_lenient_request():
    from portal.wsgi import application

    assert application.request_class is LenientRequest


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", "us-ascii", "ISO-8859-1", "latin1"])
def test_form_with_a_supported_charset_is_accepted(client, db, charset):
    body = b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\nx\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    assert client.generic("POST", "/accounts/login/", body, content_type=kind).status_code == 200


# the pages of refusals


def test_form_without_a_csrf_token_shows_the_csrf_failure_page(db):
    response = Client(enforce_csrf_checks=True).post(PERSON, {"login": "x"})
    assert response.status_code == 403
    assert "portal/csrf_failure.html" in [template.name for template in response.templates]


def test_settings_page_shows_the_403_page_to_a_plain_member(sign_in, uma):
    response = sign_in(uma).get("/orgs/acme/settings/members/")
    assert response.status_code == 403
    assert "403.html" in [template.name for template in response.templates]


def test_unknown_url_shows_the_404_page(client, db):
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "404.html" in [template.name for template in response.templates]


def test_server_error_shows_a_page_with_the_request_id(sign_in, olga, monkeypatch):
    monkeypatch.setattr("portal.site.overview.of_org", lambda org: 1 / 0)
    browser = sign_in(olga)
    browser.raise_request_exception = False
    response = browser.get("/orgs/acme/settings/authentication/")
    assert response.status_code == 500
    assert response["X-Request-ID"].encode() in response.content


def test_server_error_page_needs_no_database(client, monkeypatch, settings):
    from django.db import connection

    def lost(*args, **kwargs):
        raise DatabaseError("lost")

    monkeypatch.setattr(connection, "ensure_connection", lost)
    client.raise_request_exception = False
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    response = client.get("/orgs/acme/")
    assert response.status_code == 500
    assert response["X-Request-ID"].encode() in response.content


# SCIM URLs


@pytest.mark.parametrize("tail", ["/Users/", "//Users", "/Users//", "/Users?", "/Users/?count=1"])
def test_scim_urls_accept_extra_slashes(scim, tail):
    assert scim.get(tail).status_code == 200


def test_scim_urls_accept_entras_flag_before_the_path(scim):
    response = scim.client.get(
        f"/scim/v2/{scim.directory.public_id}?aadOptscim062020/Users?count=1",
        headers={"Authorization": f"Bearer {scim.token}"},
    )
    assert response.json()["totalResults"] == 0


def test_page_url_with_extra_slashes_returns_404(client, db):
    assert client.get("/accounts//login/").status_code == 404


# the session


def test_healthz_reads_no_session(scim, sign_in, olga, django_assert_num_queries):
    browser = sign_in(olga)
    with django_assert_num_queries(0):
        browser.get("/healthz")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/accounts/email/", True),
        ("/admin/", True),
        ("/admin/orgs/user/", True),
        ("/accounts/login/", False),
        ("/accounts/logout/", False),
        ("/orgs/acme/", False),
        ("/", False),
    ],
)
def test_needs_personal_proof_is_true_for_account_and_admin_pages(path, expected):
    assert middleware.needs_personal_proof(path) is expected


def test_session_grants_are_empty_when_nobody_is_signed_in(client, db):
    request = client.get("/").wsgi_request
    assert request.session_grants == access.SessionGrants()


# the log


def test_log_lines_have_no_token_body_or_password(scim, sign_in, olga, caplog):
    for name in (None, "django", "django.request", "django_scim", "scim", "orgs"):
        caplog.set_level(logging.DEBUG, logger=name)
    body = user_body(displayName="canary-name", password="canary-password", title="canary-title")
    made = scim.post("/Users", body).json()["id"]
    scim.put(f"/Users/{made}", body | {"nickName": "canary-nick"})
    scim.patch(f"/Users/{made}", patch_body({"op": "replace", "path": "password", "value": "canary-patch"}))
    scim.patch(f"/Users/{made}", patch_body({"op": "burn", "path": "canary-path"}))
    scim.post("/Users", '{"userName": "canary-broken')
    scim.post("/Users", body)
    scim.get("/Users?filter=canary+eq+1")
    Client().get(f"/scim/v2/{scim.directory.public_id}/Users", headers={"Authorization": "Bearer ghs_canary-token"})
    Client().post(PERSON, {"login": "olga@acme.example", "password": PASSWORD})
    scim.delete(f"/Users/{made}")
    lines = "\n".join(record.getMessage() + str(record.args) for record in caplog.records)
    assert lines
    for secret in ("canary-", scim.token[4:], PASSWORD):
        assert secret not in lines


@pytest.mark.parametrize("given", ["1.2.3.4:5555", "::::", "unknown", ""])
def test_client_ip_is_empty_for_text_that_is_no_address(rf, given):
    assert middleware.client_ip(rf.get("/", REMOTE_ADDR=given)) == ""


def test_session_ends_when_its_first_membership_is_suspended(stranger, acme, sign_in):
    browser = sign_in(stranger)
    assert browser.get("/api/v1/me").json()["organizations"] == []
    membership = people.create_membership(
        org=acme, profile=Profile(email=stranger.email), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    people.join(membership=membership, user=stranger, actor=ACTOR)
    browser.post("/look-again/")
    assert browser.get("/api/v1/me").status_code == 200
    people.suspend_membership(membership=membership, source=SuspensionSource.ADMIN, actor=ACTOR)
    assert browser.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "path", ["/waiting/00000000-0000-0000-0000-000000000000/accept/", "/invitations/x/accept/", "/look-again/"]
)
def test_saml_session_gets_403_on_accept_and_look_again(uma, sign_in, path):
    browser = sign_in(uma)
    session = browser.session
    session[access.SIGN_IN_METHOD] = "saml"
    session.save()
    assert browser.post(path).status_code == 403
