"""For whom, from whom and when: each bound to the second."""

from datetime import UTC, datetime, timedelta

import pytest

from sso.identity.errors import SignInError
from sso.saml.conditions import moment
from sso.saml.errors import TimeBoundsMissing
from tests.sso.saml.messages import code_of, expected_of, good, outcome
from tests.vectors.saml.defects import AUDIENCE, CONFIRMED, RESTRICTION, edited, unsigned
from tests.vectors.saml.signing import STANDARD, sign
from tests.vectors.saml.world import ACS, IDP, NOW, SP, expectation

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


def made(*edits, response=None):
    return sign(edited(unsigned(), edits), STANDARD, response)


def at(clock):
    return datetime.fromisoformat(f"2026-03-01T{clock}").replace(tzinfo=UTC)


def code_at(clock, document=None, skew=90, name="jumpcloud_assertion"):
    expected = expected_of(name, skew=timedelta(seconds=skew))
    return code_of(document or good(name), expected, at(clock))


@pytest.mark.parametrize(
    ("clock", "code"),
    [
        # issued at 12:00, held until 12:05, each 90 seconds wider
        ("11:58:29.999999", "assertion_not_yet_valid"),
        ("11:58:30", ""),
        ("12:06:29.999999", ""),
        ("12:06:30", "assertion_expired"),
    ],
)
def test_default_clock_skew_is_ninety_seconds(clock, code):
    assert code_at(clock) == code


@pytest.mark.parametrize(
    ("clock", "skew", "code"),
    [
        ("11:59:59.999999", 0, "assertion_not_yet_valid"),
        ("12:00:00", 0, ""),
        ("12:04:59.999999", 0, ""),
        ("12:05:00", 0, "assertion_expired"),
        ("11:54:59.999999", 300, "assertion_not_yet_valid"),
        ("11:55:00", 300, ""),
        ("12:09:59.999999", 300, ""),
        ("12:10:00", 300, "assertion_expired"),
    ],
)
def test_clock_skew_of_the_connection_applies(clock, skew, code):
    assert code_at(clock, skew=skew) == code


@pytest.mark.parametrize(("clock", "code"), [("12:11:30.123456", ""), ("12:11:30.123457", "assertion_expired")])
def test_assertion_expires_ten_minutes_after_its_issue_however_long_its_conditions_are_valid(clock, code):
    assert code_at(clock, name="entra_assertion") == code


BEGINS = 'NotBefore="2026-03-01T11:55:00.000Z"'
HELD = 'NotOnOrAfter="2026-03-01T12:05:00.000Z">'
SESSION = 'SessionNotOnOrAfter="2026-03-01T20:00:00.000Z"'
AUTHN = 'AuthnInstant="2026-03-01T11:59:00.000Z"'


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ((BEGINS, 'NotBefore="2026-03-01T12:01:30Z"'), ""),
        ((BEGINS, 'NotBefore="2026-03-01T12:01:30.000001Z"'), "assertion_not_yet_valid"),
        ((HELD, 'NotOnOrAfter="2026-03-01T11:58:30.000001Z">'), ""),
        ((HELD, 'NotOnOrAfter="2026-03-01T11:58:30Z">'), "assertion_expired"),
        ((CONFIRMED, CONFIRMED.replace("12:05:00.000", "11:58:30.000001")), ""),
        ((CONFIRMED, CONFIRMED.replace("12:05:00.000", "11:58:30")), "assertion_expired"),
        ((CONFIRMED, f'{CONFIRMED} NotBefore="2026-03-01T12:01:30Z"'), ""),
        ((CONFIRMED, f'{CONFIRMED} NotBefore="2026-03-01T12:01:30.000001Z"'), "assertion_not_yet_valid"),
        ((SESSION, 'SessionNotOnOrAfter="2026-03-01T11:58:30.000001Z"'), ""),
        ((SESSION, 'SessionNotOnOrAfter="2026-03-01T11:58:30Z"'), "assertion_expired"),
        ((AUTHN, 'AuthnInstant="2026-03-01T12:01:30Z"'), ""),
        ((AUTHN, 'AuthnInstant="2026-03-01T12:01:30.000001Z"'), "assertion_not_yet_valid"),
        ((AUTHN, 'AuthnInstant="2020-01-01T00:00:00Z"'), ""),
    ],
)
def test_each_time_bound_is_checked_to_the_microsecond(edit, code):
    assert code_of(made(edit)) == code


def test_assertion_with_bounds_in_the_year_9999_is_accepted_and_expires_after_ten_minutes():
    for_ever = "9999-12-31T23:59:59.9999999Z"
    edits = (
        (HELD, f'NotOnOrAfter="{for_ever}">'),
        (CONFIRMED, CONFIRMED.replace("2026-03-01T12:05:00.000Z", for_ever)),
        (SESSION, f'SessionNotOnOrAfter="{for_ever}"'),
    )
    claims = outcome(made(*edits), expectation())
    assert not isinstance(claims, SignInError)
    assert claims.expires_at == NOW + timedelta(minutes=10, seconds=90)


NO_BOUNDS = ((f"{BEGINS} ", ""), (f" {HELD}", ">"))


def test_assertion_without_bounds_expires_ten_minutes_after_its_issue():
    claims = outcome(made(*NO_BOUNDS), expectation())
    assert not isinstance(claims, SignInError)
    assert claims.expires_at == NOW + timedelta(minutes=10, seconds=90)


def test_assertion_without_bounds_expires_with_its_subject_confirmation():
    document = made(*NO_BOUNDS)
    assert code_at("12:06:29.999999", document) == ""
    assert code_at("12:06:30", document) == "assertion_expired"


def test_assertion_without_bounds_expires_after_ten_minutes_when_its_confirmation_is_longer():
    document = made(*NO_BOUNDS, (CONFIRMED, CONFIRMED.replace("2026-03-01T12:05", "2026-03-02T12:05")))
    assert code_at("12:11:30", document) == ""
    assert code_at("12:11:30.000001", document) == "assertion_expired"


@pytest.mark.parametrize("edits", [(NO_BOUNDS[0],), (NO_BOUNDS[1],), NO_BOUNDS], ids=["beginning", "end", "both"])
def test_conditions_may_leave_out_either_bound(edits):
    assert code_of(made(*edits)) == ""


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_issue_instant_at_either_end_of_the_calendar_is_refused(year):
    issued = 'ID="_response-1" Version="2.0" IssueInstant="'
    document = made((f"{issued}2026-03-01T12:00:00.000Z", f"{issued}{year}-12-31T23:59:59.9999999Z"))
    assert code_of(document) in {"assertion_expired", "assertion_not_yet_valid"}


def test_response_is_refused_after_the_expiry_in_its_claims():
    claims = outcome(good("jumpcloud_both"), expectation())
    assert not isinstance(claims, SignInError)
    assert code_of(good("jumpcloud_both"), now=claims.expires_at - TICK) == ""
    assert code_of(good("jumpcloud_both"), now=claims.expires_at + TICK) == "assertion_expired"


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-03-01T12:00:00Z", 0),
        ("2026-03-01T12:00:00+00:00", 0),
        ("2026-03-01T12:00:00.5Z", 500_000),
        ("2026-03-01T12:00:00.123Z", 123_000),
        ("2026-03-01T12:00:00.1234567Z", 123_456),
        ("2026-03-01T12:00:00.123456789012Z", 123_456),
    ],
)
def test_moment_reads_a_time_to_the_microsecond(text, microsecond):
    assert moment(text) == NOW.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "2026-03-01",
        "2026-03-01 12:00:00Z",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00z",
        "2026-03-01T12:00:00-00:00",
        "2026-03-01T12:00:00+01:00",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00.1234567890123Z",
        "2026-03-01T12:00Z",
        "2026-13-01T12:00:00Z",
        "2026-03-01T24:00:00Z",
        " 2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00Z\n",
        "-2026-03-01T12:00:00Z",
        "٢٠٢٦-03-01T12:00:00Z",
    ],
)
def test_moment_raises_time_bounds_missing_for_any_other_text(text):
    with pytest.raises(TimeBoundsMissing):
        moment(text)


BEARER = '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
ELSEWHERE = f'{BEARER}<saml:SubjectConfirmationData Recipient="https://x.example"/></saml:SubjectConfirmation>'
TO_US = f'Recipient="{ACS}"'
SENDER_CONFIRMED = BEARER.replace("bearer", "sender-vouches").replace(">", "/>")


@pytest.mark.parametrize("beside", [ELSEWHERE, SENDER_CONFIRMED])
def test_response_is_accepted_when_one_of_two_subject_confirmations_is_valid(beside):
    assert code_of(made((BEARER, beside + BEARER))) == ""


def test_response_expires_with_its_first_valid_subject_confirmation():
    brief = CONFIRMED.replace("12:05", "12:01")
    document = made((BEARER, f"{BEARER}{brief} {TO_US}/></saml:SubjectConfirmation>{BEARER}"))
    claims = outcome(document, expectation())
    assert not isinstance(claims, SignInError)
    assert code_of(document, now=claims.expires_at - TICK) == ""
    assert code_of(document, now=claims.expires_at + TICK) == "assertion_expired"


def test_refusal_gives_the_problem_of_the_first_bearer_confirmation():
    late = (CONFIRMED, CONFIRMED.replace("12:05", "11:05"))
    assert code_of(made((BEARER, ELSEWHERE + BEARER), late)) == "recipient_mismatch"


@pytest.mark.parametrize(
    "conditions",
    [
        RESTRICTION.replace(AUDIENCE, f"<saml:Audience>urn:other</saml:Audience>{AUDIENCE}"),
        RESTRICTION * 2,
        f"{RESTRICTION}<saml:OneTimeUse/>",
        f'<saml:ProxyRestriction Count="0"/>{RESTRICTION}',
    ],
)
def test_supported_conditions_are_accepted(conditions):
    assert code_of(made((RESTRICTION, conditions))) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f' Destination="{ACS}"', ""),
        (f"<saml:Issuer>{IDP}</saml:Issuer>@RESPONSE@", "@RESPONSE@"),
    ],
)
def test_destination_and_issuer_may_be_absent_in_an_unsigned_response_only(old, new):
    assert code_of(made((old, new))) == ""
    assert code_of(made((old, new), response=STANDARD)) in {"destination_mismatch", "issuer_mismatch"}


def test_refused_audience_shows_expected_and_received():
    refusal = outcome(made((AUDIENCE, "<saml:Audience>urn:other</saml:Audience>")), expectation())
    assert isinstance(refusal, SignInError)
    assert (refusal.expected, refusal.received) == (SP, "urn:other")
