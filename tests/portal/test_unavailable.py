"""While the database is away every kind of caller is told so at once, in the form that it reads, and what to do."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import DataError, InterfaceError, OperationalError, connection
from django.test import Client

from orgs.base import database
from portal.site import middleware
from scim.endpoint import views as endpoint


def gone(*args, **kwargs):
    raise OperationalError("connection to server failed: canary-address")


@pytest.fixture
def away(db, monkeypatch):
    """The database answers nobody, in the middle of what a request does."""

    def leave():
        monkeypatch.setattr(connection, "cursor", gone)
        # prepared statements make their own
        monkeypatch.setattr(connection, "_prepare_cursor", gone)

    yield leave
    monkeypatch.undo()


def browser():
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "m" * 32
    return client


@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/accounts/email/", "/admin/", "/orgs/acme/settings/members/"]
)
def test_page_returns_503_with_retry_after_without_the_database(away, path):
    away()
    response = browser().get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "reach its database" in response.content.decode()
    assert response["X-Request-ID"] in response.content.decode()


def test_form_post_returns_503_without_the_database(away):
    away()
    response = browser().post("/accounts/login/", {"login": "olga@acme.example", "password": "wrong"})
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_database_failure_in_a_middleware_returns_503(db, monkeypatch):
    monkeypatch.setattr(middleware.access, "read_session_grants", gone)
    monkeypatch.setattr(AnonymousUser, "is_authenticated", True)
    response = browser().get("/accounts/login/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_api_returns_503_in_json_without_the_database(away):
    away()
    response = browser().get("/api/v1/me")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "reach its database" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/ServiceProviderConfig", "/Nothing"])
def test_scim_returns_503_in_scim_form_without_the_database(scim, away, path):
    away()
    response = scim.get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert (response["Content-Type"], response.json()["status"]) == ("application/scim+json", "503")


@pytest.mark.parametrize("path", ["acs", "login", "metadata"])
def test_saml_urls_return_503_without_the_database(away, path):
    away()
    url = f"/saml/00000000-0000-0000-0000-000000000000/{path}"
    response = browser().post(url, {"SAMLResponse": "PHg+"}) if path == "acs" else browser().get(url)
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_database_error_text_is_neither_shown_nor_logged(away, caplog):
    away()
    assert "canary" not in browser().get("/accounts/login/").content.decode()
    assert "database.unavailable" in caplog.text
    assert "canary" not in caplog.text


def test_request_succeeds_once_the_database_is_back(db, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", gone)
        assert browser().get("/accounts/login/").status_code == 503
    assert browser().get("/accounts/login/").status_code == 200


def test_scim_writes_no_log_row_when_there_is_no_database_connection(scim, monkeypatch):
    written = []
    monkeypatch.setattr(endpoint.bearer, "admit", gone)
    monkeypatch.setattr(endpoint, "is_connected", lambda: False)
    monkeypatch.setattr(endpoint.RequestRecord, "write_afterwards", lambda *args: written.append(args))
    assert scim.get("/Users").status_code == 503
    assert written == []


@pytest.mark.parametrize(("held", "expected"), [(None, False), (object(), True)])
def test_is_connected_is_true_only_when_the_thread_has_a_connection(monkeypatch, held, expected):
    monkeypatch.setattr(database, "connection", SimpleNamespace(connection=held))
    assert database.is_connected() is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError("database is locked"), True),
        (OperationalError("the connection is closed"), True),
        (OperationalError("no such table: orgs_cacheentry"), False),
        (OperationalError("no such column: x"), False),
        (InterfaceError("connection already closed"), True),
        (DataError("value too long"), False),
        (ValueError(), False),
        (None, False),
    ],
)
def test_is_unavailable_is_true_only_for_errors_that_a_later_attempt_can_avoid(error, expected):
    assert database.is_unavailable(error) is expected


def test_other_errors_return_500_without_retry_after(db, monkeypatch):
    monkeypatch.setattr(SessionStore, "load", lambda *args: 1 / 0)
    response = browser().get("/accounts/login/")
    assert (response.status_code, "Retry-After" in response) == (500, False)


def test_page_returns_503_when_the_session_cannot_be_saved(sign_in, olga, monkeypatch):
    client = sign_in(olga)
    client.raise_request_exception = False
    monkeypatch.setattr(
        middleware.access, "remember_had_grants", lambda session, session_grants: session.update({"touched": True})
    )
    monkeypatch.setattr(Session, "save", gone)
    response = client.get("/orgs/acme/settings/authentication/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_invalid_host_header_returns_400(client, db):
    assert client.get("/accounts/login/", headers={"Host": "10.1.2.3"}).status_code == 400


@pytest.mark.parametrize("error", [OperationalError("full"), InterfaceError("closed")])
def test_scim_read_returns_200_when_its_log_row_cannot_be_stored(scim, monkeypatch, error):
    def fail(**row):
        raise error

    monkeypatch.setattr("scim.requests.services.record", fail)
    assert scim.get("/Users").status_code == 200
