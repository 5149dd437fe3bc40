"""The door of the SCIM endpoint: who gets in, which form every refusal has, what the log keeps."""

import json
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db.models import Sum
from django.test import Client

from orgs.base.clock import now
from scim.directories import queries, services
from scim.directories.models import Directory, ScimToken
from scim.directories.types import DirectoryState
from scim.requests.models import RequestLog
from tests.conftest import ScimClient, SignIn
from tests.scim.bodies import user_body

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATHS = ("/Users", "/Groups", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Nowhere")


def assert_scim_error(response: Any, status: int, scim_type: str | None = None) -> None:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/scim+json"
    body = response.json()
    assert body["schemas"] == [ERROR]
    assert body["status"] == str(status)
    assert body.get("scimType") == scim_type
    assert len(body["detail"]) > 20


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_nothing_answers_without_a_token(acme_directory: Directory, path: str, method: str) -> None:
    response = Client().generic(method, f"/scim/v2/{acme_directory.public_id}{path}")
    assert_scim_error(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", PATHS)
def test_a_browser_session_opens_nothing(acme_directory: Directory, olga: Any, sign_in: SignIn, path: str) -> None:
    response = sign_in(olga).get(f"/scim/v2/{acme_directory.public_id}{path}")
    assert_scim_error(response, 401)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer ghs_wrong", "Bearer ghs_ä", "Bearer " + "x" * 9000]
)
def test_a_wrong_header_is_refused(acme_directory: Directory, header: str) -> None:
    response = Client().get(f"/scim/v2/{acme_directory.public_id}/Users", headers={"Authorization": header})
    assert_scim_error(response, 401)


def test_the_scheme_is_read_without_case(scim: ScimClient) -> None:
    assert scim.get("/Users", Authorization=f"bearer {scim.token}").status_code == 200


def test_a_revoked_token_is_refused_at_once(scim: ScimClient, olga: Any) -> None:
    token = ScimToken.objects.get()
    services.revoke_token(token=token, actor=_nobody())
    assert_scim_error(scim.get("/Users"), 401)


def test_an_expired_token_is_refused_and_the_log_says_why(scim: ScimClient) -> None:
    ScimToken.objects.update(expires_at=now() - timedelta(seconds=1))
    assert_scim_error(scim.get("/Users"), 401)
    assert RequestLog.objects.get().detail.startswith("Expired token")


def test_a_token_of_another_directory_is_refused(scim: ScimClient, globex: Any) -> None:
    other = queries.first_directory(globex)
    response = scim.client.get(f"/scim/v2/{other.public_id}/Users", headers={"Authorization": f"Bearer {scim.token}"})
    assert_scim_error(response, 401)


def test_a_disabled_directory_refuses_its_own_token(scim: ScimClient) -> None:
    Directory.objects.update(state=DirectoryState.DISABLED)
    assert_scim_error(scim.get("/Users"), 401)


@pytest.mark.parametrize("directory", ["nonsense", "00000000-0000-0000-0000-000000000000", "%7Bx%7D", ""])
def test_an_unknown_directory_looks_like_a_wrong_token(scim: ScimClient, directory: str) -> None:
    response = scim.client.get(f"/scim/v2/{directory}/Users", headers={"Authorization": f"Bearer {scim.token}"})
    assert_scim_error(response, 401)


def test_a_refused_call_is_in_the_log_of_the_directory_that_its_url_names(acme_directory: Directory) -> None:
    Client().get(f"/scim/v2/{acme_directory.public_id}/Users", headers={"Authorization": "Bearer ghs_wrong"})
    row = RequestLog.objects.get()
    assert (row.directory, row.status, row.token) == (acme_directory, 401, None)


def test_refused_calls_cannot_fill_the_log(acme_directory: Directory) -> None:
    for _ in range(12):
        Client().get(f"/scim/v2/{acme_directory.public_id}/Users")
    # two, when a minute ends meanwhile
    assert RequestLog.objects.count() <= 2
    assert RequestLog.objects.aggregate(total=Sum("count")) == {"total": 12}


def test_the_body_of_a_refused_call_is_not_kept(acme_directory: Directory) -> None:
    path = f"/scim/v2/{acme_directory.public_id}/Users"
    Client().post(path, json.dumps(user_body()), content_type="application/scim+json")
    assert RequestLog.objects.get().request_body == ""


def test_a_use_is_noted_on_the_token(scim: ScimClient) -> None:
    scim.get("/Users")
    token = ScimToken.objects.get()
    assert token.last_used_at is not None
    assert token.last_used_ip == "127.0.0.1"


@pytest.mark.parametrize("path", ["/Users/", "//Users", "//Users//", "/Users///"])
def test_slashes_do_not_matter(scim: ScimClient, path: str) -> None:
    assert scim.get(path).status_code == 200


def test_the_flag_in_entras_tenant_url_does_not_matter(scim: ScimClient) -> None:
    assert scim.get("/Users?aadOptscim062020").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/Users"),
        ("DELETE", "/Groups"),
        ("POST", "/Schemas"),
        ("PATCH", "/Users"),
        ("OPTIONS", "/Users"),
        ("TRACE", "/Groups"),
        ("POST", "/Users/x"),
    ],
)
def test_a_method_that_does_not_fit_is_405(scim: ScimClient, method: str, path: str) -> None:
    response = scim(method, path, {})
    assert_scim_error(response, 405)
    assert "GET" in response["Allow"]


def test_an_unknown_endpoint_is_404_in_scim_form(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Nowhere"), 404)


@pytest.mark.parametrize(
    "media", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_a_body_that_is_not_declared_as_json_is_415(scim: ScimClient, media: str) -> None:
    url = f"/scim/v2/{scim.directory.public_id}/Users"
    headers = {"Authorization": f"Bearer {scim.token}"}
    assert_scim_error(scim.client.generic("POST", url, "{}", content_type=media, headers=headers), 415)


@pytest.mark.parametrize(
    "media",
    [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        "application/json;charset=UTF-8",
    ],
)
def test_both_json_types_are_read(scim: ScimClient, media: str) -> None:
    url = f"/scim/v2/{scim.directory.public_id}/Users"
    headers = {"Authorization": f"Bearer {scim.token}"}
    body = json.dumps(user_body())
    assert scim.client.generic("POST", url, body, content_type=media, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        '"x"',
        "{'a':1}",
        '{"userName":"a\\u0000b@x.example"}',
        '{"userName":"\\ud800"}',
        "[" * 5000,
        '{"userName":"a","username":"b"}',
        '{"n":NaN}',
    ],
)
def test_a_body_that_cannot_be_read_is_400_and_changes_nothing(scim: ScimClient, body: str) -> None:
    before = scim.directory.org.memberships.count()
    assert_scim_error(scim("POST", "/Users", body), 400, "invalidSyntax")
    assert scim.directory.org.memberships.count() == before


def test_a_body_of_twelve_megabytes_is_413(scim: ScimClient) -> None:
    body = json.dumps(user_body(title="x" * 12_000_000))
    assert_scim_error(scim("POST", "/Users", body), 413)


def test_what_is_published_never_depends_on_a_header(scim: ScimClient) -> None:
    made = scim.post("/Users", user_body(), X_Forwarded_Host="evil.example")
    assert made["Location"].startswith("http://testserver/scim/v2/")


def test_private_values_are_hidden_in_the_log(scim: ScimClient) -> None:
    scim.post("/Users", user_body(password="hunter2-secret"))
    row = RequestLog.objects.get()
    assert "hunter2" not in row.request_body
    assert "+47-555" not in row.request_body + row.response_body
    assert "nora@acme.example" in row.request_body


def test_a_log_row_tells_step_dialect_and_subject(scim: ScimClient) -> None:
    scim.post("/Users", user_body(externalId="0123456789abcdef01234567"))
    row = RequestLog.objects.get()
    assert (row.step, row.dialect, row.subject, row.status) == ("Create user", "jumpcloud", "nora@acme.example", 201)


def test_a_read_whose_log_row_is_lost_is_answered_all_the_same(scim: ScimClient, monkeypatch: Any) -> None:
    from django.db import OperationalError

    from scim.requests import services as requests

    monkeypatch.setattr(requests, "record", _raise(OperationalError("full")))
    assert scim.get("/Users").status_code == 200


def test_an_unforeseen_error_is_500_in_scim_form_and_says_nothing_of_itself(scim: ScimClient, monkeypatch: Any) -> None:
    from scim.users import queries as users

    monkeypatch.setattr(users, "search", _raise(RuntimeError("the secret cause")))
    response = scim.get("/Users")
    assert_scim_error(response, 500)
    assert "secret" not in response.content.decode()


def test_a_database_that_is_away_asks_for_a_later_attempt(scim: ScimClient, monkeypatch: Any) -> None:
    from django.db import OperationalError

    from scim.users import queries as users

    monkeypatch.setattr(users, "search", _raise(OperationalError("gone")))
    response = scim.get("/Users")
    assert_scim_error(response, 503)
    assert response["Retry-After"] == "5"


def test_discovery_filters_are_refused(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Schemas?filter=id+eq+%22x%22"), 403)


@pytest.mark.parametrize(
    ("kind", "name"), [("Schemas", "urn:ietf:params:scim:schemas:core:2.0:User"), ("ResourceTypes", "Group")]
)
def test_one_discovery_document_is_found_by_its_id(scim: ScimClient, kind: str, name: str) -> None:
    assert scim.get(f"/{kind}/{name}").json()["id"] == name


def test_an_unknown_discovery_document_is_404(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Schemas/urn:nothing"), 404)


def _raise(error: Exception) -> Any:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    return fail


def _nobody() -> Any:
    from orgs.base.actor import Actor

    return Actor.system()


@pytest.mark.django_db(transaction=True)
def test_a_caller_who_still_sends_gets_the_answer(scim: ScimClient, live_server: Any) -> None:
    headers = {"Authorization": f"Bearer {scim.token}", "Content-Type": "application/json"}
    url = urlsplit(live_server.url)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=30)
    connection.request("POST", f"/scim/v2/{scim.directory.public_id}/Users", b" " * 12_000_000, headers)
    assert connection.getresponse().status == 413
    connection.close()


def test_a_token_revoked_while_the_body_arrives_changes_nothing(scim: ScimClient, monkeypatch: Any) -> None:
    from scim.endpoint import bearer

    admit = bearer.admit

    def admit_then_revoke(*given: Any) -> ScimToken:
        token = admit(*given)
        ScimToken.objects.filter(pk=token.pk).update(revoked_at=now())
        return token

    monkeypatch.setattr(bearer, "admit", admit_then_revoke)
    assert_scim_error(scim.post("/Users", user_body()), 401)
    assert not scim.directory.org.memberships.filter(origins="scim").exists()


def test_a_body_that_is_too_large_is_refused_in_scim_form_and_in_the_log(scim: ScimClient) -> None:
    assert_scim_error(scim.post("/Users", " " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)), 413)
    assert (RequestLog.objects.get().status, RequestLog.objects.get().request_body) == (413, "")


def test_a_body_of_the_largest_size_is_read(scim: ScimClient) -> None:
    body = json.dumps(user_body())
    padding = " " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE - len(body))
    assert scim.post("/Users", body + padding).status_code == 201


@pytest.mark.parametrize("path", ["/Users%0A", "/Foo%0Abar", "/Users/%0A"])
def test_a_line_break_in_a_path_gets_an_answer_in_scim_form(scim: ScimClient, path: str) -> None:
    assert_scim_error(scim.get(path), 404)


def test_nobody_waits_for_the_body_of_a_stranger(scim: ScimClient, monkeypatch: Any) -> None:
    from django.core.handlers.wsgi import WSGIRequest

    def unread(request: WSGIRequest) -> bytes:
        raise AssertionError("read")

    monkeypatch.setattr(WSGIRequest, "body", property(unread))
    assert scim.post("/Users", user_body(), Authorization="Bearer ghs_wrong").status_code == 401
    assert RequestLog.objects.get().status == 401
