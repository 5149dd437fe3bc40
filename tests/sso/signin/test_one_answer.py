"""One request, one answer: whatever comes of the first, in whichever tab, and however often the browser comes back."""

import hashlib
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.db import IntegrityError
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs.base.clock import now
from orgs.people import services as people
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import SignInMethod, SuspensionSource
from sso.attempts.models import LoginAttempt
from sso.connections import services as connections
from sso.connections.types import SignInRules
from sso.signin import cookies, services
from sso.signin.models import ConsumedAssertion, PendingSignIn, UsedRequest
from sso.signin.types import FLOW_LIFE
from tests.factories import ACTOR
from tests.sso.conftest import connect
from tests.sso.idp import Browser

UMA, ADAM = "uma@acme.example", "adam@acme.example"
DEEP = "/orgs/acme/settings/members/?q=nora"


def keep_cookies(browser) -> Browser:
    """Return a second window of the same browser, from before it came back: signed out, with every cookie of the flow."""
    copy = Browser(relay_state=browser.relay_state)
    for name, cookie in browser.client.cookies.items():
        copy.client.cookies[name] = cookie.value
    return copy


def error_of_last() -> str:
    return LoginAttempt.objects.first().error


@pytest.mark.parametrize("second", [UMA, ADAM], ids=["the same person", "another person"])
def test_finish_refuses_a_second_answer_when_the_browser_kept_the_flow_cookie(
    connection, idp, uma, adam, browser, second
):
    request = browser.leave(connection)
    kept = keep_cookies(browser)
    browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
    refused = kept.follow(kept.deliver(connection, idp.respond(second, request)))
    assert (refused.status_code, error_of_last()) == (403, "request_unknown")
    assert kept.reaches() == []
    assert SessionGrant.objects.filter(method=SignInMethod.SAML).count() == 1


def test_finish_marks_the_request_as_used_when_the_first_answer_is_refused(connection, idp, uma, browser):
    request = browser.leave(connection)
    kept = keep_cookies(browser)
    refused = browser.follow(browser.deliver(connection, idp.respond("eve@acme.example", request)))
    assert (refused.status_code, error_of_last()) == (403, "not_a_member")
    assert kept.follow(kept.deliver(connection, idp.respond(UMA, request))).status_code == 403
    assert (error_of_last(), kept.reaches()) == ("request_unknown", [])


def test_finish_leaves_the_request_unused_when_another_browser_brings_the_answer(connection, idp, uma, adam, browser):
    request = browser.leave(connection)
    thief = Browser(relay_state=browser.relay_state)
    thief.follow(thief.deliver(connection, idp.respond(ADAM, request)))
    assert not UsedRequest.objects.exists()
    browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
    assert browser.reaches() == ["acme"]


def test_finish_deletes_the_second_answer_when_it_refuses_it(connection, idp, uma, browser):
    request = browser.leave(connection)
    kept = keep_cookies(browser)
    browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
    kept.follow(kept.deliver(connection, idp.respond(UMA, request)))
    assert not PendingSignIn.objects.exists()


def test_used_request_ids_are_unique_per_connection(acme, connection, idp, idp_keys):
    second, _ = connect(acme, idp_keys, name="Second")
    for one in (connection, second):
        UsedRequest.objects.create(org=acme, connection=one, request_id="_a", expires_at=now())
    assert UsedRequest.objects.count() == 2


def test_finish_answers_404_when_the_connection_goes_at_that_moment(connection, idp, uma, browser, monkeypatch):
    landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))

    def refuse(**row):
        raise IntegrityError("the connection is gone")

    monkeypatch.setattr(UsedRequest.objects, "create", refuse)
    assert browser.follow(landed).status_code == 404


def test_prune_deletes_a_used_request_when_no_cookie_can_name_it_any_more(connection, idp, uma, browser):
    browser.sign_in(idp, connection, UMA)
    kept_until = UsedRequest.objects.get().expires_at
    assert kept_until - now() > FLOW_LIFE - timedelta(minutes=1)
    services.delete_finished(moment=now() + FLOW_LIFE - timedelta(minutes=1))
    assert UsedRequest.objects.exists()
    services.delete_finished(moment=now() + FLOW_LIFE + timedelta(seconds=1))
    assert not UsedRequest.objects.exists()


class TestSomebodyWhoComesBack:
    def test_reloading_the_finish_leads_to_the_requested_page(self, connection, idp, adam, browser):
        landed = browser.deliver(connection, idp.respond(ADAM, browser.leave(connection, f"?next={quote(DEEP)}")))
        browser.follow(landed)
        assert browser.follow(landed)["Location"] == DEEP
        assert LoginAttempt.objects.count() == 1

    def test_second_answer_to_a_used_request_leads_to_the_page_when_it_names_the_same_person(
        self, connection, idp, uma, browser
    ):
        request = browser.leave(connection)
        browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        arrived = browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        assert arrived["Location"] == "/orgs/acme/"
        assert SessionGrant.objects.filter(method=SignInMethod.SAML).count() == 1

    def test_second_answer_to_a_used_request_is_refused_when_it_names_another_person(
        self, connection, idp, uma, adam, browser
    ):
        request = browser.leave(connection)
        browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        assert browser.follow(browser.deliver(connection, idp.respond(ADAM, request))).status_code == 403
        assert error_of_last() == "request_unknown"

    @pytest.mark.parametrize("email", ["no address", "uma@elsewhere.example"])
    def test_second_answer_to_a_used_request_is_refused_when_it_names_nobody(
        self, connection, idp, uma, browser, email
    ):
        request = browser.leave(connection)
        browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        nobody = idp.change(name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
        assert browser.follow(browser.deliver(connection, nobody.respond(email, request))).status_code == 403

    def test_reloading_the_finish_is_refused_when_the_member_was_suspended(self, connection, idp, uma, browser):
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        browser.follow(landed)
        people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
        assert browser.follow(landed).status_code == 403

    def test_reloading_the_finish_in_another_browser_is_refused(self, connection, idp, uma, adam, browser, sign_in):
        landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
        browser.follow(landed)
        assert Browser(sign_in(adam)).follow(landed).status_code == 403

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_get_of_the_acs_redirects_to_the_login_url(self, connection, method):
        sent = Client().generic(method, f"/saml/{connection.public_id}/acs")
        assert (sent.status_code, sent["Location"]) == (303, f"/saml/{connection.public_id}/login")

    def test_get_of_an_unknown_connections_acs_returns_404(self, db):
        assert Client().get("/saml/00000000-0000-4000-8000-000000000000/acs").status_code == 404


class TestTenTabs:
    def test_ten_tabs_opened_at_once_each_reach_their_own_page(self, connection, idp, adam, browser):
        paths = [f"/orgs/acme/settings/members/?page={tab}" for tab in range(10)]
        requests = [browser.leave(connection, f"?next={quote(path)}") for path in paths]
        pendings = [browser.deliver(connection, idp.respond(ADAM, one), relay_state="") for one in requests]
        assert [browser.follow(landed)["Location"] for landed in pendings] == paths

    def test_cookies_of_ten_tabs_with_the_longest_return_paths_fit_into_7600_bytes(self, connection, idp, adam):
        """Restored tabs leave together, so none knows of the others; the header has all that the ten bring."""
        browser = Browser()
        for tab in range(10):
            # as long as a way back may be, and hardly to be compressed
            path = f"/orgs/acme/?{hashlib.shake_256(bytes([tab])).hexdigest(244)}"
            one = Browser()
            request = one.leave(connection, f"?next={quote(path)}")
            one.deliver(connection, idp.respond(ADAM, request), relay_state="")
            browser.client.cookies.update(one.client.cookies)
        header = browser.client.cookies.output(attrs=[], header="", sep=";")
        assert header.count("sso_flow_") == header.count("sso_handle_") == 10
        assert len(header) < 7_600

    def test_flow_cookies_of_one_browser_are_bounded_in_bytes(self, connection, browser, monkeypatch):
        monkeypatch.setattr(cookies, "MOST_BYTES", 700)
        for _ in range(6):
            browser.leave(connection)
        kept = [one for name, one in browser.client.cookies.items() if name.startswith("sso_flow_") and one.value]
        assert 0 < len(kept) < 6
        assert sum(len(one.key) + len(one.value) for one in kept) <= 700

    def test_newest_flow_is_kept_when_older_ones_are_dropped(self, connection, idp, uma, browser, monkeypatch):
        monkeypatch.setattr(cookies, "MOST_BYTES", 300)
        for _ in range(3):
            request = browser.leave(connection)
        browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        assert browser.reaches() == ["acme"]

    def test_answer_is_refused_when_its_flow_is_older_than_a_quarter_of_an_hour(self, connection, idp, uma, browser):
        begun = now()
        request = browser.leave(connection)
        with time_machine.travel(begun + FLOW_LIFE + timedelta(seconds=5), tick=False):
            refused = browser.follow(browser.deliver(connection, idp.respond(UMA, request)))
        assert (refused.status_code, error_of_last()) == (403, "request_unknown")

    def test_session_keeps_the_last_ten_finished_sign_ins(self, connection, idp, uma, browser):
        for _ in range(12):
            browser.sign_in(idp, connection, UMA)
        assert len(browser.client.session[cookies.FINISHED]) == cookies.MOST_FINISHED


def test_unsolicited_answer_marks_no_request_as_used(connection, idp, uma, browser):
    rules = SignInRules(allow_idp_initiated=True)
    connections.change_rules(connection=connection, rules=rules, actor=ACTOR)
    browser.follow(browser.deliver(connection, idp.respond(UMA)))
    assert (browser.reaches(), UsedRequest.objects.exists()) == (["acme"], False)


def test_finish_asks_the_database_for_the_request_once(connection, idp, uma, browser):
    landed = browser.deliver(connection, idp.respond(UMA, browser.leave(connection)))
    with CaptureQueriesContext(database) as asked:
        browser.follow(landed)
    about_it = [one["sql"] for one in asked if "sso_usedrequest" in one["sql"]]
    assert len(about_it) == 1
    assert about_it[0].startswith("INSERT")


def test_acs_consumes_no_assertion_when_the_answer_cannot_be_stored(connection, idp, uma, browser, monkeypatch):
    def collide(self, **_: object) -> None:
        raise IntegrityError("public_id")

    answer = idp.respond(UMA, browser.leave(connection))
    monkeypatch.setattr(PendingSignIn, "save", collide)
    with pytest.raises(IntegrityError):
        browser.deliver(connection, answer)
    assert not ConsumedAssertion.objects.exists()
