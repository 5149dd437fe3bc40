"""What anybody may post to the ACS URL is answered, and costs little."""

from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client

from sso.attempts import queries as attempts
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome
from tests.sso.idp import FORM, Fault, post_form
from tests.sso.signin.refused import FAULTS, UMA, assert_refused


def acs(connection):
    return f"/saml/{connection.public_id}/acs"


class TestHostileBodies:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"SAMLResponse": ""},
            {"SAMLResponse": "not base64 at all!"},
            {"SAMLResponse": "PGh0bWw+"},
            {"SAMLResponse": ["PGE+", "PGE+"]},
            {"RelayState": "x" * 10_000},
            {"SAMLResponse": "A" * 340_000},
            {"SAMLResponse": "\x00\ud800"},
        ],
        ids=["nothing", "empty", "no base64", "html", "two", "relay state only", "too large", "no text"],
    )
    def test_acs_refuses_a_malformed_form_as_message_unreadable(self, connection, browser, fields):
        encoded = {name: value for name, value in fields.items() if "\ud800" not in str(value)}
        response = post_form(browser.client, connection, encoded)
        assert_refused(browser, response, "message_unreadable")

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", "application/xml"])
    def test_acs_refuses_a_body_that_is_no_form(self, connection, browser, kind):
        response = Client().generic("POST", f"/saml/{connection.public_id}/acs", b"{\xff", content_type=kind)
        assert_refused(browser, response, "message_unreadable")

    def test_acs_refuses_a_genuine_message_in_a_multipart_form(self, connection, idp, uma, browser):
        fields = {"SAMLResponse": idp.respond(UMA, browser.leave(connection))}
        response = browser.client.post(f"/saml/{connection.public_id}/acs", fields)
        assert response.request["CONTENT_TYPE"].startswith("multipart/form-data")
        assert_refused(browser, response, "message_unreadable")

    @pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
    def test_acs_accepts_a_form_with_utf_8_as_charset(self, connection, idp, uma, browser, charset):
        fields = {"SAMLResponse": idp.respond(UMA, browser.leave(connection))}
        assert post_form(browser.client, connection, fields, f"{FORM}; charset={charset}").status_code == 303

    @pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=x"])
    @pytest.mark.parametrize("charset", ["hex", "base64", "bz2", "zlib", "rot13", "idna", "undefined", "utf-16", "?"])
    def test_acs_returns_400_for_a_form_with_another_charset(self, connection, kind, charset):
        sent = post_form(Client(), connection, {"SAMLResponse": "x"}, f"{kind}; charset={charset}")
        assert sent.status_code == 400

    @pytest.mark.parametrize(
        ("more", "status"), [(0, 303), (settings.LARGEST_SAML_BODY, 413)], ids=["whole", "too large"]
    )
    def test_acs_accepts_a_chunked_body_up_to_the_largest_size(self, connection, idp, uma, browser, more, status):
        fields = {"SAMLResponse": idp.respond(UMA, browser.leave(connection)), "RelayState": "x" * more}
        unmeasured = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": "", "wsgi.input": BytesIO(urlencode(fields).encode())}
        marked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        assert browser.client.generic("POST", acs(connection), **unmeasured, **marked).status_code == status

    def test_acs_returns_413_for_a_too_large_body_without_a_log_row(self, connection):
        sent = post_form(Client(), connection, {"SAMLResponse": "x" * settings.LARGEST_SAML_BODY})
        assert sent.status_code == 413
        assert not LoginAttempt.objects.exists()

    def test_acs_returns_411_without_reading_when_the_end_of_the_body_is_not_marked(self, connection):
        unmeasured = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": "", "wsgi.input": BytesIO(b"SAMLResponse=x")}
        sent = Client().generic("POST", acs(connection), **unmeasured, HTTP_TRANSFER_ENCODING="chunked")
        assert sent.status_code == 411
        assert unmeasured["wsgi.input"].tell() == 0

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_acs_returns_405_for_other_methods(self, connection, method):
        assert Client().generic(method, f"/saml/{connection.public_id}/acs").status_code == 405

    def test_acs_logs_a_bounded_number_of_malformed_messages_per_minute(self, connection, browser, monkeypatch):
        monkeypatch.setattr(attempts, "LOGGED_PER_MINUTE", 3)
        for _ in range(5):
            response = post_form(browser.client, connection, {"SAMLResponse": "x"})
        assert response.status_code == 403
        assert LoginAttempt.objects.filter(outcome=AttemptOutcome.REFUSED).count() == 3

    @pytest.fixture
    def flood(self, connection, monkeypatch):
        """Strangers have sent more than is written down."""
        monkeypatch.setattr(attempts, "LOGGED_PER_MINUTE", 3)
        for _ in range(5):
            last = post_form(Client(), connection, {"SAMLResponse": "x"})
        return last

    def test_refused_verified_sign_in_is_logged_during_a_flood_of_malformed_messages(
        self, connection, idp, uma, browser, flood
    ):
        browser.sign_in(idp, connection, "eve@acme.example")
        assert LoginAttempt.objects.first().error == "not_a_member"

    @pytest.mark.parametrize("fault", [Fault.EXPIRED, Fault.WRONG_AUDIENCE])
    def test_refused_response_to_a_known_request_is_logged_during_a_flood(
        self, connection, idp, uma, browser, flood, fault
    ):
        assert_refused(browser, browser.sign_in(idp, connection, UMA, fault=fault), FAULTS[fault])

    def test_restarted_unsolicited_answer_is_logged_during_a_flood(self, connection, idp, uma, browser, flood):
        browser.deliver(connection, idp.respond(UMA))
        assert LoginAttempt.objects.first().outcome == AttemptOutcome.RESTARTED

    def test_replayed_answer_is_logged_a_bounded_number_of_times(self, connection, idp, uma, browser, flood):
        response = idp.respond(UMA, browser.leave(connection))
        for _ in range(6):
            last = browser.deliver(connection, response)
        assert LoginAttempt.objects.filter(error="assertion_replayed").count() == 3
        assert (last.status_code, browser.reaches()) == (403, [])
        assert "isn’t in your organization’s sign-in log" in last.content.decode()

    def test_refusal_page_shows_the_request_id_and_no_code_when_the_attempt_was_not_logged(self, connection, flood):
        page = flood.content.decode()
        assert "attempt-code" not in page
        assert "isn’t in your organization’s sign-in log" in page
        assert flood["X-Request-ID"] in page

    def test_unsolicited_response_restarts_the_sign_in_once_only(self, connection, idp, uma, browser):
        response = idp.respond(UMA)
        assert browser.deliver(connection, response).status_code == 303
        refused = browser.follow(browser.deliver(connection, response))
        assert_refused(browser, refused, "assertion_replayed")
