"""What the pages of tokens and of the provisioning log show."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs.base.clock import now
from scim.directories.models import ScimToken
from scim.directories.queries import base_url
from scim.directories.services import revoke_token
from scim.requests.models import RequestLog
from scim.requests.services import record
from scim.requests.types import LoggedRequest, LoggedResponse
from tests.factories import ACTOR, TokenFactory
from tests.scim.requests.rows import move

NEW = "/orgs/acme/settings/authentication/tokens/new/"
LOG = "/orgs/acme/settings/provisioning-log/"
ORDER = {"label": "JumpCloud", "expires_in": "365"}


def text_of(response):
    return " ".join(response.content.decode().split())


def call(directory, method="GET", path="/Users", token=None, **answer):
    return record(
        org_id=directory.org_id,
        directory_id=directory.pk,
        token_id=token.pk if token else None,
        call=LoggedRequest(method=method, path=path, body=b'{"userName": "ava@acme.example"}', user_agent="JumpCloud"),
        answer=LoggedResponse(**{"status": 200, **answer}),
    )


@pytest.fixture
def admin(sign_in, olga):
    return sign_in(olga)


@pytest.fixture
def token(acme_directory):
    return TokenFactory(directory=acme_directory, label="Old one").token


def page_of(name, token):
    return reverse(f"directories:{name}", args=["acme", token.public_id])


def test_new_token_page_shows_the_token_and_the_base_url_in_full(admin, acme_directory):
    response = admin.post(NEW, {**ORDER, "nonce": str(uuid4())})
    assert response.context["plain"] in text_of(response)
    assert base_url(acme_directory) in text_of(response)


def test_new_token_page_asks_to_confirm_that_the_token_is_saved(admin):
    page = text_of(admin.post(NEW, {**ORDER, "nonce": str(uuid4())}))
    assert page_of("confirm_saved", ScimToken.objects.get()) in page


def test_new_token_form_sent_twice_says_that_the_token_cannot_be_shown_again(admin):
    order = {**ORDER, "nonce": str(uuid4())}
    plain = admin.post(NEW, order).context["plain"]
    page = text_of(admin.post(NEW, order))
    assert "The form was sent twice" in page
    assert plain not in page


def test_new_token_form_without_a_name_returns_400_with_a_message(admin):
    response = admin.post(NEW, {"expires_in": "365", "nonce": str(uuid4())})
    assert response.status_code == 400
    assert "Give the token a name" in text_of(response)


def test_new_token_form_returns_400_with_a_message_for_the_eleventh_live_token(admin, acme_directory):
    for _ in range(10):
        TokenFactory(directory=acme_directory)
    response = admin.post(NEW, {**ORDER, "nonce": str(uuid4())})
    assert response.status_code == 400
    assert "ten live tokens" in text_of(response)


def test_revoke_page_says_what_stops_and_offers_cancel_first(admin, token):
    page = text_of(admin.get(page_of("revoke_token", token)))
    assert "refused from the moment it ends" in page
    assert page.index("Cancel") < page.index("Revoke token</button>")


def test_revoke_page_has_no_button_when_the_token_is_revoked(admin, token):
    revoke_token(token=token, actor=ACTOR)
    page = text_of(admin.get(page_of("revoke_token", token)))
    assert "revoked already" in page
    assert "Revoke token</button>" not in page


def test_log_page_without_calls_says_that_nothing_has_arrived(admin):
    assert "Nothing has arrived yet" in text_of(admin.get(LOG))


def test_log_page_says_when_no_call_matches(admin, acme_directory):
    call(acme_directory)
    assert "No call matches" in text_of(admin.get(LOG, {"status": "failed"}))


def test_log_page_shows_step_sender_and_bodies(admin, acme_directory, token):
    call(acme_directory, "POST", token=token, status=201)
    page = text_of(admin.get(LOG))
    assert "Create user" in page
    assert "JumpCloud" in page
    assert "&quot;userName&quot;: &quot;ava@acme.example&quot;" in page


def test_log_page_labels_calls_of_a_connection_test(admin, acme_directory, token):
    row = call(acme_directory, token=token)
    RequestLog.objects.filter(pk=row.pk).update(is_connection_test=True)
    assert "IdP test" in text_of(admin.get(LOG))


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"status": 401}, "without a token that works"),
        ({"status": 409, "error_type": "uniqueness"}, "has that name already"),
        ({"status": 409}, "A rule of this organization"),
        ({"status": 404}, "isn’t here, or not any more"),
        ({"status": 400, "error_type": "invalidFilter"}, "match people by"),
        ({"status": 400, "error_type": "invalidValue"}, "isn’t of the kind"),
        ({"status": 400, "error_type": "mutability"}, "only Gatehouse sets"),
        ({"status": 400, "error_type": "tooMany"}, "more than is done at once"),
        ({"status": 400, "error_type": "noTarget"}, "points at something that isn’t there"),
        ({"status": 400, "error_type": "invalidSyntax"}, "can’t be read as SCIM"),
        ({"status": 403}, "doesn’t allow this"),
        ({"status": 405}, "doesn’t offer that operation"),
        ({"status": 503}, "failed on our side"),
    ],
)
def test_request_page_explains_the_cause_of_a_failure(admin, acme_directory, answer, cause):
    row = call(acme_directory, **answer)
    assert cause in text_of(admin.get(reverse("requests:request", args=["acme", row.public_id])))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"method": "POST"}, {"/Users/2"}),
        ({"resource": "groups"}, {"/Groups/3"}),
        ({"status": "409"}, {"/Users/2"}),
        ({"status": "ok"}, {"/Users/1", "/Groups/3"}),
        ({"age": "hour"}, {"/Users/1", "/Users/2"}),
        ({"age": "nonsense"}, {"/Users/1", "/Users/2", "/Groups/3"}),
    ],
)
def test_log_page_filters_by_its_query_parameters(admin, acme_directory, asked, found):
    call(acme_directory, path="/Users/1")
    call(acme_directory, "POST", "/Users/2", status=409)
    old = call(acme_directory, path="/Groups/3")
    move(old, now() - timedelta(hours=2))
    assert {row.path for row in admin.get(LOG, asked).context["page"]} == found


def test_log_page_takes_the_same_number_of_queries_for_120_calls_as_for_60(admin, acme_directory, token):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            admin.get(LOG)
        return len(captured)

    for _ in range(60):
        call(acme_directory, token=token)
    few = queries()
    for _ in range(60):
        call(acme_directory, token=token)
    assert queries() == few


def test_request_page_returns_404_for_another_organizations_call(sign_in, greta, acme_directory):
    row = call(acme_directory)
    assert sign_in(greta).get(reverse("requests:request", args=["globex", row.public_id])).status_code == 404


def test_log_page_escapes_paths_from_callers(admin, acme_directory):
    call(acme_directory, path="/Users/<script>alert(1)</script>")
    page = text_of(admin.get(LOG))
    assert "<script>alert" not in page
    assert "<c-" not in page
