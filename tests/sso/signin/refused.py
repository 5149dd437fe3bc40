"""Answers with a fault, posted, and what is expected of their refusal."""

from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import SignInMethod
from sso.attempts.models import LoginAttempt
from tests.sso.idp import Fault

UMA = "uma@acme.example"
FAULTS = {
    Fault.EXPIRED: "assertion_expired",
    Fault.NOT_YET_VALID: "assertion_not_yet_valid",
    Fault.WRONG_AUDIENCE: "audience_mismatch",
    Fault.WRONG_RECIPIENT: "recipient_mismatch",
    Fault.WRONG_DESTINATION: "destination_mismatch",
    Fault.WRONG_ISSUER: "issuer_mismatch",
    Fault.UNSIGNED: "signature_missing",
    Fault.OTHER_KEY: "signature_invalid",
    Fault.SHA1: "signature_algorithm",
    Fault.STATUS_FAILURE: "status_refused",
}


def assert_refused(browser, response, error):
    """Nobody is signed in, the page has nothing but a code, and the code leads to the reason."""
    attempt = LoginAttempt.objects.first()
    assert (response.status_code, attempt.error) == (403, error)
    assert attempt.code in response.content.decode()
    assert attempt.explanation not in response.content.decode()
    assert browser.reaches() == []
    assert not SessionGrant.objects.filter(method=SignInMethod.SAML).exists()
