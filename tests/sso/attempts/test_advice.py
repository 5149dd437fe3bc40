"""What an admin reads of each refusal: never nothing, and how far off the clocks are."""

from datetime import timedelta

import pytest

from orgs.providers.idp_settings import Setting
from orgs.providers.registry import PROVIDERS
from sso.admission import errors as admission_errors
from sso.attempts.models import LoginAttempt
from sso.attempts.queries import advice
from sso.guides.troubleshooting import refusals_in
from sso.identity import errors as identity_errors
from sso.identity.errors import SignInError, advice_for
from sso.saml import errors, status
from sso.signin import errors as signin_errors
from tests.sso.saml.messages import good, outcome
from tests.vectors.saml.world import NOW, expectation

REFUSALS = [
    one for module in (identity_errors, errors, status, signin_errors, admission_errors) for one in refusals_in(module)
]


def attempt_of(
    refusal: SignInError | type[SignInError], provider: str = "jumpcloud", received: str = "x"
) -> LoginAttempt:
    setting = "" if refusal.setting is Setting.NOTHING else refusal.setting
    return LoginAttempt(error=refusal.code, setting=setting, received=received, provider=provider)


@pytest.mark.parametrize("provider", [one.code for one in PROVIDERS])
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: one.code)
def test_advice_of_every_code_says_what_to_try(refusal, provider):
    text = advice(attempt_of(refusal, provider))
    assert text.endswith(".")
    assert "{" not in text
    assert len(text) > 40


@pytest.mark.parametrize(
    "refusal", [one for one in REFUSALS if one.setting is Setting.NOTHING], ids=lambda one: one.code
)
def test_refusal_without_a_setting_shows_the_advice_of_its_class(refusal):
    assert refusal.advice
    assert advice(attempt_of(refusal)) == refusal.advice.replace("{received}", "x")


def test_refusal_codes_are_unique():
    assert len({one.code for one in REFUSALS}) == len(REFUSALS)


def test_attempt_with_an_unknown_code_gets_the_general_advice():
    assert advice_for("of_old") == ""
    assert "No setting at JumpCloud causes this" in advice(LoginAttempt(error="of_old", provider="jumpcloud"))


def test_advice_keeps_braces_in_the_received_value():
    assert "{0} {received}" in advice(attempt_of(errors.AssertionNotYetValid, received="{0} {received}"))


@pytest.mark.parametrize(
    ("ahead", "shown"),
    [
        (timedelta(minutes=4), "4 minutes ahead of our clock"),
        (timedelta(seconds=91), "91 seconds ahead of our clock"),
        (timedelta(hours=1), "1 hour ahead of our clock"),
        (timedelta(hours=5), "5 hours ahead of our clock"),
        (timedelta(days=1), "1 day ahead of our clock"),
        (timedelta(days=400), "400 days ahead of our clock"),
        (-timedelta(minutes=30), "25 minutes behind our clock"),
    ],
)
def test_advice_says_how_far_off_the_clock_is(ahead, shown):
    refusal = outcome(good("jumpcloud_assertion"), expectation(), NOW - ahead)
    assert isinstance(refusal, SignInError)
    assert refusal.setting is Setting.CLOCK
    assert shown in advice(attempt_of(refusal, received=refusal.received))
