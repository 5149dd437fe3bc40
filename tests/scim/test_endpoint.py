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
from scim.directories.types import DirectoryState, ScimCaller
from scim.requests.models import RefusedCalls, RequestLog
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
def test_every_endpoint_returns_401_without_a_token(acme_directory: Directory, path: str, method: str) -> None:
    response = Client().generic(method, f"/scim/v2/{acme_directory.public_id}{path}")
    assert_scim_error(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", PATHS)
def test_every_endpoint_returns_401_for_a_browser_session_without_a_token(
    acme_directory: Directory, olga: Any, sign_in: SignIn, path: str
) -> None:
    response = sign_in(olga).get(f"/scim/v2/{acme_directory.public_id}{path}")
    assert_scim_error(response, 401)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer ghs_wrong", "Bearer ghs_ä", "Bearer " + "x" * 9000]
)
def test_request_with_a_wrong_authorization_header_returns_401(acme_directory: Directory, header: str) -> None:
    response = Client().get(f"/scim/v2/{acme_directory.public_id}/Users", headers={"Authorization": header})
    assert_scim_error(response, 401)


def test_bearer_scheme_is_accepted_in_lower_case(scim: ScimClient) -> None:
    assert scim.get("/Users", Authorization=f"bearer {scim.token}").status_code == 200


def test_request_returns_401_right_after_its_token_is_revoked(scim: ScimClient, olga: Any) -> None:
    token = ScimToken.objects.get()
    services.revoke_token(token=token, actor=_nobody())
    assert_scim_error(scim.get("/Users"), 401)


def test_request_with_an_expired_token_returns_401_and_logs_the_reason(scim: ScimClient) -> None:
    ScimToken.objects.update(expires_at=now() - timedelta(seconds=1))
    assert_scim_error(scim.get("/Users"), 401)
    assert RefusedCalls.objects.get().cause.startswith("Expired token")


def test_request_with_a_token_of_another_directory_returns_401(scim: ScimClient, globex: Any) -> None:
    other = queries.first_directory(globex)
    response = scim.client.get(f"/scim/v2/{other.public_id}/Users", headers={"Authorization": f"Bearer {scim.token}"})
    assert_scim_error(response, 401)


def test_request_to_a_disabled_directory_returns_401(scim: ScimClient) -> None:
    Directory.objects.update(state=DirectoryState.DISABLED)
    assert_scim_error(scim.get("/Users"), 401)


@pytest.mark.parametrize("directory", ["nonsense", "00000000-0000-0000-0000-000000000000", "%7Bx%7D", ""])
def test_request_to_an_unknown_directory_returns_401(scim: ScimClient, directory: str) -> None:
    response = scim.client.get(f"/scim/v2/{directory}/Users", headers={"Authorization": f"Bearer {scim.token}"})
    assert_scim_error(response, 401)


def test_refused_call_is_logged_in_the_directory_that_its_url_names(acme_directory: Directory) -> None:
    Client().get(f"/scim/v2/{acme_directory.public_id}/Users", headers={"Authorization": "Bearer ghs_wrong"})
    row = RefusedCalls.objects.get()
    assert (row.directory, row.status, row.token) == (acme_directory, 401, None)


def test_refused_calls_of_a_minute_are_counted_in_one_row(acme_directory: Directory) -> None:
    for _ in range(12):
        Client().get(f"/scim/v2/{acme_directory.public_id}/Users")
    # two, when a minute ends meanwhile
    assert RefusedCalls.objects.count() <= 2
    assert RefusedCalls.objects.aggregate(total=Sum("count")) == {"total": 12}


def test_body_of_a_refused_call_is_not_logged(acme_directory: Directory) -> None:
    path = f"/scim/v2/{acme_directory.public_id}/Users"
    Client().post(path, json.dumps(user_body()), content_type="application/scim+json")
    assert "nora" not in str(list(RefusedCalls.objects.values()))
    assert not RequestLog.objects.exists()


def test_request_updates_last_use_and_address_of_the_token(scim: ScimClient) -> None:
    scim.get("/Users")
    token = ScimToken.objects.get()
    assert token.last_used_at is not None
    assert token.last_used_ip == "127.0.0.1"


@pytest.mark.parametrize("path", ["/Users/", "//Users", "//Users//", "/Users///"])
def test_request_with_extra_slashes_in_its_path_is_answered(scim: ScimClient, path: str) -> None:
    assert scim.get(path).status_code == 200


def test_request_with_entras_url_flag_is_answered(scim: ScimClient) -> None:
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
def test_unsupported_method_returns_405_with_allow(scim: ScimClient, method: str, path: str) -> None:
    response = scim(method, path, {})
    assert_scim_error(response, 405)
    assert "GET" in response["Allow"]


def test_unknown_endpoint_returns_404_in_scim_form(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Nowhere"), 404)


@pytest.mark.parametrize(
    "media", ["text/html", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_request_with_another_content_type_than_json_returns_415(scim: ScimClient, media: str) -> None:
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
def test_create_user_accepts_both_json_content_types(scim: ScimClient, media: str) -> None:
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
def test_create_user_with_a_malformed_body_returns_400_and_creates_nothing(scim: ScimClient, body: str) -> None:
    before = scim.directory.org.memberships.count()
    assert_scim_error(scim("POST", "/Users", body), 400, "invalidSyntax")
    assert scim.directory.org.memberships.count() == before


def test_create_user_with_a_body_of_twelve_megabytes_returns_413(scim: ScimClient) -> None:
    body = json.dumps(user_body(title="x" * 12_000_000))
    assert_scim_error(scim("POST", "/Users", body), 413)


def test_location_ignores_the_x_forwarded_host_header(scim: ScimClient) -> None:
    made = scim.post("/Users", user_body(), X_Forwarded_Host="evil.example")
    assert made["Location"].startswith("http://testserver/scim/v2/")


def test_private_values_are_hidden_in_the_log(scim: ScimClient) -> None:
    scim.post("/Users", user_body(password="hunter2-secret"))
    row = RequestLog.objects.get()
    assert "hunter2" not in row.request_body
    assert "+47-555" not in row.request_body + row.response_body
    assert "nora@acme.example" in row.request_body


def test_log_row_has_step_dialect_and_subject(scim: ScimClient) -> None:
    scim.post("/Users", user_body(externalId="0123456789abcdef01234567"))
    row = RequestLog.objects.get()
    assert (row.step, row.dialect, row.subject, row.status) == ("Create user", "jumpcloud", "nora@acme.example", 201)


def test_read_returns_200_when_its_log_row_cannot_be_stored(scim: ScimClient, monkeypatch: Any) -> None:
    from django.db import OperationalError

    from scim.requests import services as requests

    monkeypatch.setattr(requests, "record", _raise(OperationalError("full")))
    assert scim.get("/Users").status_code == 200


def test_unexpected_error_returns_500_in_scim_form_without_its_message(scim: ScimClient, monkeypatch: Any) -> None:
    from scim.users import queries as users

    monkeypatch.setattr(users, "read_page_of", _raise(RuntimeError("the secret cause")))
    response = scim.get("/Users")
    assert_scim_error(response, 500)
    assert "secret" not in response.content.decode()


def test_request_returns_503_with_retry_after_when_the_database_is_down(scim: ScimClient, monkeypatch: Any) -> None:
    from django.db import OperationalError

    from scim.users import queries as users

    monkeypatch.setattr(users, "read_page_of", _raise(OperationalError("gone")))
    response = scim.get("/Users")
    assert_scim_error(response, 503)
    assert response["Retry-After"] == "5"


def test_discovery_with_a_filter_returns_403(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Schemas?filter=id+eq+%22x%22"), 403)


@pytest.mark.parametrize(
    ("kind", "name"), [("Schemas", "urn:ietf:params:scim:schemas:core:2.0:User"), ("ResourceTypes", "Group")]
)
def test_discovery_document_is_returned_by_its_id(scim: ScimClient, kind: str, name: str) -> None:
    assert scim.get(f"/{kind}/{name}").json()["id"] == name


def test_unknown_discovery_document_returns_404(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Schemas/urn:nothing"), 404)


def _raise(error: Exception) -> Any:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    return fail


def _nobody() -> Any:
    from orgs.base.actor import Actor

    return Actor.system()


@pytest.mark.django_db(transaction=True)
def test_caller_still_sending_a_large_body_receives_the_413_answer(scim: ScimClient, live_server: Any) -> None:
    headers = {"Authorization": f"Bearer {scim.token}", "Content-Type": "application/json"}
    url = urlsplit(live_server.url)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=30)
    connection.request("POST", f"/scim/v2/{scim.directory.public_id}/Users", b" " * 12_000_000, headers)
    assert connection.getresponse().status == 413
    connection.close()


def test_create_user_returns_401_when_the_token_is_revoked_while_the_body_arrives(
    scim: ScimClient, monkeypatch: Any
) -> None:
    from scim.endpoint import bearer

    admit = bearer.admit

    def admit_then_revoke(*given: Any, **named: Any) -> ScimCaller:
        caller = admit(*given, **named)
        ScimToken.objects.filter(pk=caller.token_id).update(revoked_at=now())
        return caller

    monkeypatch.setattr(bearer, "admit", admit_then_revoke)
    assert_scim_error(scim.post("/Users", user_body()), 401)
    assert not scim.directory.org.memberships.filter(origins="scim").exists()


def test_body_over_the_largest_size_returns_413_in_scim_form_and_is_logged(scim: ScimClient) -> None:
    assert_scim_error(scim.post("/Users", " " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)), 413)
    assert (RequestLog.objects.get().status, RequestLog.objects.get().request_body) == (413, "")


def test_create_user_with_a_body_of_the_largest_size_returns_201(scim: ScimClient) -> None:
    body = json.dumps(user_body())
    padding = " " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE - len(body))
    assert scim.post("/Users", body + padding).status_code == 201


@pytest.mark.parametrize("path", ["/Users%0A", "/Foo%0Abar", "/Users/%0A"])
def test_path_with_a_line_break_returns_404_in_scim_form(scim: ScimClient, path: str) -> None:
    assert_scim_error(scim.get(path), 404)


def test_request_with_an_unknown_token_returns_401_without_reading_the_body(scim: ScimClient, monkeypatch: Any) -> None:
    from django.core.handlers.wsgi import WSGIRequest

    def unread(request: WSGIRequest) -> bytes:
        raise AssertionError("read")

    monkeypatch.setattr(WSGIRequest, "body", property(unread))
    assert scim.post("/Users", user_body(), Authorization="Bearer ghs_wrong").status_code == 401
    assert RefusedCalls.objects.get().status == 401


def test_me_returns_501(scim: ScimClient) -> None:
    assert_scim_error(scim.get("/Me"), 501)
