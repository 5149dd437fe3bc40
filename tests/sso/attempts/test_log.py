"""The sign-in log: found by address, code or request; expected against received; and what to change."""

import json

import pytest
from django.test import Client

from orgs.base.errors import NotFound
from orgs.logs import paging
from orgs.people import services as people
from orgs.providers.idp_settings import Setting
from orgs.providers.registry import PROVIDERS
from orgs.tenancy.types import SuspensionSource
from sso.attempts import queries, services
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptFilter, AttemptOutcome, AttemptRecord, ClientInfo
from sso.connections import queries as connections
from sso.identity.types import ClaimedPerson
from sso.saml.errors import AudienceMismatch, MessageUnreadable, StatusRefused
from sso.signin.errors import OtherPersonSignedIn, UnsolicitedRefused
from sso.signin.services.record import refuse
from sso.signin.types import SignInFacts
from tests.factories import ACTOR
from tests.sso.idp import Fault, NameIdSource

LOG = "/orgs/acme/settings/sign-in-log/"


@pytest.fixture
def admin(adam, sign_in) -> Client:
    return sign_in(adam)


def record(connection, outcome=AttemptOutcome.SIGNED_IN, refusal=None, email="", **caller):
    entry = AttemptRecord(outcome, ClientInfo(**caller), version=1, refusal=refusal, email=email)
    return services.record_attempt(connection=connection, entry=entry)


def test_log_search_finds_an_attempt_by_its_name_id_when_it_has_no_email(admin, acme, connection, idp, uma, browser):
    silent = idp.change(name_id=NameIdSource.CUSTOM, custom_name_id="Uma@ACME.example")
    browser.deliver(connection, silent.respond("uma@acme.example"))
    attempt = LoginAttempt.objects.get()
    assert (attempt.email, list(queries.list_attempts(acme, AttemptFilter("uma@acme")))) == ("", [attempt])


@pytest.mark.parametrize(
    "fault",
    [Fault.EXPIRED, Fault.NOT_YET_VALID, Fault.WRONG_AUDIENCE, Fault.WRONG_RECIPIENT, Fault.WRONG_ISSUER],
)
def test_refused_sign_in_shows_the_address_that_it_claims_when_its_signature_was_right(
    admin, acme, connection, idp, uma, browser, fault
):
    browser.deliver(connection, idp.respond("uma@acme.example", browser.leave(connection), fault))
    attempt = LoginAttempt.objects.get()
    assert (attempt.email, attempt.email_key, attempt.claimed_email) == ("", "", "uma@acme.example")
    assert list(queries.list_attempts(acme, AttemptFilter("ma@Acme.ex"))) == [attempt]
    for url in (LOG, f"{LOG}{attempt.public_id}/"):
        page = admin.get(url).content.decode()
        assert "uma@acme.example" in page
        assert "claimed, not verified" in page


@pytest.mark.parametrize("fault", [Fault.UNSIGNED, Fault.OTHER_KEY, Fault.SHA1])
def test_refused_sign_in_claims_no_address_when_its_signature_was_not_right(connection, idp, uma, browser, fault):
    browser.deliver(connection, idp.respond("uma@acme.example", browser.leave(connection), fault))
    assert LoginAttempt.objects.get().claimed_email == ""


def test_refused_sign_in_claims_no_address_when_its_version_is_gone(connection, idp, uma, browser):
    message = idp.respond("uma@acme.example", browser.leave(connection), Fault.EXPIRED)
    browser.deliver(connection, message)
    assert connections.version_numbered(connection, 7) is None
    LoginAttempt.objects.all().delete()
    facts = SignInFacts(connection, ClientInfo(), version=7)
    problem = AudienceMismatch()
    problem.claimed = ClaimedPerson("uma@acme.example", {})
    assert refuse(facts, problem).attempt.claimed_email == ""


def test_replayed_answer_claims_its_address(connection, idp, uma, browser):
    message = idp.respond("uma@acme.example", browser.leave(connection))
    browser.deliver(connection, message)
    browser.deliver(connection, message)
    attempt = LoginAttempt.objects.get(error="assertion_replayed")
    assert (attempt.email, attempt.claimed_email) == ("", "uma@acme.example")


def test_address_that_counts_is_not_called_a_claim(admin, connection, idp, browser):
    browser.sign_in(idp, connection, "nobody@acme.example")
    attempt = LoginAttempt.objects.get()
    assert (attempt.email, attempt.claimed_email) == ("nobody@acme.example", "")
    assert "claimed, not verified" not in admin.get(f"{LOG}{attempt.public_id}/").content.decode()


@pytest.mark.parametrize("spoken", ["fzdd 2rjx", "FZDD-2RJX", " fzdd2rjx. ", "F Z D D 2 R J X", "‘FZDD2RJX’"])
def test_log_search_finds_a_code_in_any_case_with_spaces_or_punctuation(acme, connection, spoken):
    record(connection)
    attempt = record(connection)
    LoginAttempt.objects.filter(pk=attempt.pk).update(code="FZDD2RJX")
    assert list(queries.list_attempts(acme, AttemptFilter(spoken))) == [attempt]


@pytest.mark.parametrize("text", ["…", "--", " . "])
def test_log_search_without_letters_or_digits_finds_nothing(acme, connection, text):
    record(connection)
    assert list(queries.list_attempts(acme, AttemptFilter(text))) == []


def test_log_page_says_when_nobody_has_signed_in_yet(admin):
    assert "Nobody has signed in through a connection yet" in admin.get(LOG).content.decode()


@pytest.mark.parametrize("search", ["uma@", "ma@acme.ex", "UMA@Acme.example", "code", "request-0001"])
def test_log_search_finds_an_attempt_by_email_code_or_request_id(admin, acme, connection, search):
    wanted = record(connection, email="uma@acme.example", request_id="request-0001")
    record(connection, email="adam@acme.example")
    found = queries.list_attempts(acme, AttemptFilter(wanted.code.lower() if search == "code" else search))
    assert list(found) == [wanted]


@pytest.mark.parametrize(
    ("outcome", "count"), [("", 3), ("failed", 2), ("signed_in", 1), ("restarted", 0), ("nonsense", 3)]
)
def test_log_filter_selects_attempts_by_outcome(acme, connection, outcome, count):
    record(connection)
    record(connection, AttemptOutcome.REFUSED, StatusRefused())
    record(connection, AttemptOutcome.TEST_FAILED, StatusRefused())
    assert queries.list_attempts(acme, AttemptFilter(outcome=outcome)).count() == count


@pytest.mark.parametrize("query", ["?q=%00", "?outcome=x&page=999", "?q=" + "x" * 400, "?page=-1"])
def test_log_page_returns_200_for_malformed_filters(admin, connection, query):
    record(connection)
    assert admin.get(LOG + query).status_code == 200


def test_log_page_says_when_no_sign_in_matches(admin, connection):
    assert "No sign-in matches" in admin.get(f"{LOG}?q=nobody").content.decode()


@pytest.mark.parametrize("count", [1, 60, 120])
def test_log_page_takes_no_more_statements_for_many_attempts(admin, connection, count, django_assert_max_num_queries):
    for _ in range(count):
        record(connection, email="uma@acme.example")
    with django_assert_max_num_queries(5):
        admin.get(LOG)


def test_log_page_counts_a_long_log_up_to_its_limit_only(admin, connection, monkeypatch):
    monkeypatch.setattr(paging, "COUNTED_AT_MOST", 51)
    for _ in range(53):
        record(connection, email="uma@acme.example")
    page = admin.get(LOG)
    assert len(page.context["page"]) == 50
    assert "More than 51 sign-ins" in page.content.decode()


def test_json_export_of_the_sign_in_log_has_the_filtered_attempts(admin, connection):
    record(connection, email="uma@acme.example", ip="198.51.100.7")
    record(connection, AttemptOutcome.REFUSED, StatusRefused())
    answer = admin.get(f"{LOG}export.json?outcome=signed_in")
    [row] = json.loads(b"".join(answer))
    assert (row["outcome"], row["email"], row["ip"]) == ("signed_in", "uma@acme.example", "198.51.100.7")
    assert answer["Content-Disposition"] == 'attachment; filename="sign-in-log-acme.json"'


def test_csv_export_of_the_sign_in_log_has_a_line_for_each_attempt(admin, connection):
    record(connection)
    lines = b"".join(admin.get(f"{LOG}export.csv")).decode().splitlines()
    assert (len(lines), lines[0][:15]) == (2, '"at","outcome",')


def test_attempt_page_shows_expected_received_and_what_to_change(admin, connection, idp, uma, browser):
    browser.sign_in(idp, connection, "uma@acme.example", fault=Fault.WRONG_AUDIENCE)
    attempt = LoginAttempt.objects.get()
    page = admin.get(f"{LOG}{attempt.public_id}/").content.decode()
    for shown in ("https://other-app.example/saml", f"/saml/{connection.public_id}/metadata", "Tab SSO → SP Entity ID"):
        assert shown in page
    assert (page.count(">Passed<"), page.count(">Failed<"), page.count(">Not reached<")) == (6, 1, 6)


def test_attempt_page_links_to_the_member_of_a_refused_sign_in(admin, connection, idp, uma, browser):
    people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=ACTOR)
    browser.sign_in(idp, connection, "uma@acme.example")
    page = admin.get(f"{LOG}{LoginAttempt.objects.get().public_id}/").content.decode()
    assert '<a class="link link-primary" href="/orgs/acme/settings/members/?q=uma%40acme.example">' in page


BEGINNINGS = {"": "Unknown", "ours": "Our sign-in page", "theirs": "The identity provider"}


@pytest.mark.parametrize("who", BEGINNINGS)
def test_attempt_page_says_who_began_the_sign_in_when_known(admin, connection, idp, uma, browser, who):
    if who == "ours":
        browser.sign_in(idp, connection, "uma@acme.example")
    else:
        browser.deliver(connection, idp.respond("uma@acme.example") if who else "nonsense")
    page = admin.get(f"{LOG}{LoginAttempt.objects.get().public_id}/").content.decode()
    assert f"Began at</dt><dd>{BEGINNINGS[who]}</dd>" in page


@pytest.mark.parametrize("refusal", [UnsolicitedRefused, OtherPersonSignedIn])
def test_unsolicited_refusals_are_marked_as_idp_initiated(connection, refusal):
    assert record(connection, AttemptOutcome.REFUSED, refusal()).is_idp_initiated


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.code)
def test_advice_is_in_the_words_of_the_provider(connection, provider):
    connection.provider = provider.code
    attempt = record(connection, AttemptOutcome.REFUSED, AudienceMismatch(expected="a", received="b"))
    assert queries.advice(attempt) == provider.guide.fixes[Setting.SP_ENTITY_ID]


def test_advice_says_what_to_try_when_no_setting_is_at_fault(connection):
    assert queries.advice(record(connection, AttemptOutcome.REFUSED, MessageUnreadable())).startswith(
        "Start the sign-in again."
    )


@pytest.mark.parametrize("text", ['"><svg onload=alert(1)>', "<script>", "x" * 900, "a\x00b\nc\u202e", "ف" * 200])
def test_attempt_page_escapes_text_from_a_message(admin, connection, text):
    attempt = record(
        connection, AttemptOutcome.REFUSED, AudienceMismatch(expected=text, received=text), user_agent=text
    )
    page = admin.get(f"{LOG}{attempt.public_id}/").content.decode()
    assert "<svg onload" not in page
    assert "<script>" not in page
    assert "\x00" not in LoginAttempt.objects.get().received


def test_find_attempt_raises_not_found_for_another_organizations_attempt(connection, globex):
    with pytest.raises(NotFound):
        queries.find_attempt(globex, record(connection).public_id)


def test_latest_sign_in_ignores_test_sign_ins(connection):
    refused = record(connection, AttemptOutcome.REFUSED, StatusRefused())
    record(connection, AttemptOutcome.TEST_PASSED)
    assert queries.latest_sign_in(connection) == refused
    assert str(refused) == f"{refused.code} Refused"


def test_attempt_codes_are_unique_and_have_no_ambiguous_characters():
    codes = {services.new_code() for _ in range(500)}
    assert len(codes) == 500
    assert not set("".join(codes)) & set("AEIOU01L")
