"""Whether a response is meant for us, now, by the IdP that we know (step 7; SAML Profiles §4.1.4.3)."""

import re
from datetime import UTC, datetime, timedelta

from sso.identity.errors import AssertionExpired, SignInError, apart_from, stamp
from sso.saml.errors import (
    AssertionNotYetValid,
    AudienceMismatch,
    AudienceMissing,
    ConditionUnknown,
    ConfirmationMissing,
    DestinationMismatch,
    IssuerMismatch,
    MessageMisshapen,
    RecipientMismatch,
    RequestMismatch,
    SubjectMissing,
    TimeBoundsMissing,
)
from sso.saml.markup import SAML, Element, children, only, plain_text
from sso.saml.prescreen import LONGEST_ID
from sso.saml.types import Expectation

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
KNOWN = frozenset(f"{{{SAML}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction"))
OLDEST_ISSUE = timedelta(minutes=10)
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,12})?(?:Z|\+00:00)", re.ASCII)


def moment(text: str | None) -> datetime:
    """Return an xs:dateTime in UTC (SAML Core §1.3.3), to the microsecond. Raises TimeBoundsMissing for anything else."""
    match = MOMENT.fullmatch(text or "")
    if match is None:
        raise TimeBoundsMissing(expected="a time in UTC, such as 2026-01-31T12:00:00Z", received=text or "")
    try:
        whole = datetime.fromisoformat(match[1])
    except ValueError as error:
        raise TimeBoundsMissing(received=match[0]) from error
    return whole.replace(microsecond=int((match[2] or "")[1:7].ljust(6, "0")), tzinfo=UTC)


def require_version(node: Element) -> None:
    """Raises MessageMisshapen for anything but SAML 2.0."""
    if node.get("Version") != "2.0":
        raise MessageMisshapen(expected='Version="2.0"', received=node.get("Version") or "")


def require_issuer(response: Element, assertion: Element, expected: Expectation, *, is_response_signed: bool) -> None:
    """Refuse an issuer that isn't exactly the connection's IdP; an unsigned response may leave it out (§4.1.4.2).

    Raises IssuerMismatch.
    """
    issuers = [only(assertion, "Issuer", IssuerMismatch), *children(response, SAML, "Issuer")]
    if len(issuers) > 2 or (is_response_signed and len(issuers) != 2):
        raise IssuerMismatch(expected=expected.idp_entity_id, received=f"{len(issuers) - 1} issuers of the response")
    for issuer in issuers:
        if plain_text(issuer) != expected.idp_entity_id:
            raise IssuerMismatch(expected=expected.idp_entity_id, received=plain_text(issuer) or "")


def require_destination(response: Element, expected: Expectation, *, is_response_signed: bool) -> None:
    """Raises DestinationMismatch. A signed response must have one (SAML Bindings §3.5.5.2)."""
    destination = response.get("Destination")
    if (destination is not None or is_response_signed) and destination != expected.acs_url:
        raise DestinationMismatch(expected=expected.acs_url, received=destination or "")


def require_confirmation(response: Element, assertion: Element, expected: Expectation, now: datetime) -> str:
    """Return which request is answered, if any: a bearer may show the assertion to us now; one confirmation suffices.

    The confirmation names the request (SAML Profiles §4.1.4.2); where the response does so too, it's the same one.
    Raises SubjectMissing, ConfirmationMissing, or what is wrong with the first bearer confirmation.
    """
    subject = only(assertion, "Subject", SubjectMissing)
    problem: SignInError = ConfirmationMissing()
    bearers = [node for node in children(subject, SAML, "SubjectConfirmation") if node.get("Method") == BEARER]
    for place, bearer in enumerate(bearers):
        try:
            facts = only(bearer, "SubjectConfirmationData", ConfirmationMissing)
            return _require_confirmed(facts, response.get("InResponseTo") or "", expected, now)
        except SignInError as reason:
            problem = reason if place == 0 else problem
    raise problem


def _require_confirmed(facts: Element, in_response_to: str, expected: Expectation, now: datetime) -> str:
    if facts.get("Recipient") != expected.acs_url:
        raise RecipientMismatch(expected=expected.acs_url, received=facts.get("Recipient") or "")
    answered = facts.get("InResponseTo") or ""
    # what isn't signed may leave it out, as many IdPs do, but can't put another one in its place
    if in_response_to and answered != in_response_to:
        raise RequestMismatch(expected=in_response_to, received=answered)
    if len(answered) > LONGEST_ID:
        raise RequestMismatch(expected=f"an InResponseTo of at most {LONGEST_ID} characters", received=answered)
    # SAML Profiles §4.1.4.2 wants none, and FusionAuth sends one: it holds us back, but never lets anything in
    if (begins := facts.get("NotBefore")) is not None:
        _require_begun(moment(begins), expected, now)
    _require_not_over(facts.get("NotOnOrAfter"), expected, now)
    return answered


def require_time(response: Element, assertion: Element, expected: Expectation, now: datetime) -> datetime:
    """Return until when the assertion can be shown: its own conditions hold, and it isn't too old.

    Conditions may leave out either bound (SAML Core §2.5.1.2), as Sustainsys and older apps of OneLogin do: the
    confirmation has an end in any case, and whatever has none is over ten minutes after its issue.
    Raises TimeBoundsMissing, AssertionExpired, AssertionNotYetValid.
    """
    _require_fresh(response, expected, now)
    latest = _require_fresh(assertion, expected, now) + OLDEST_ISSUE
    conditions = only(assertion, "Conditions", TimeBoundsMissing)
    begins, ends = conditions.get("NotBefore"), conditions.get("NotOnOrAfter")
    if begins is not None:
        _require_begun(moment(begins), expected, now)
    return latest if ends is None else min(_require_not_over(ends, expected, now), latest)


def _require_fresh(node: Element, expected: Expectation, now: datetime) -> datetime:
    issued = moment(node.get("IssueInstant"))
    _require_begun(issued, expected, now)
    if issued < now - OLDEST_ISSUE - expected.skew:
        raise AssertionExpired(expected=f"issued within 10 minutes of {stamp(now)}", received=apart_from(issued, now))
    return issued


def _require_begun(begins: datetime, expected: Expectation, now: datetime) -> None:
    if begins > now + expected.skew:
        raise AssertionNotYetValid(expected=f"not after {stamp(now)}", received=apart_from(begins, now))


def _require_not_over(text: str | None, expected: Expectation, now: datetime) -> datetime:
    ends = moment(text)
    # some IdPs say "for ever" as the last second of 9999, to which nothing can be added
    if ends <= now - expected.skew:
        raise AssertionExpired(expected=f"after {stamp(now)}", received=apart_from(ends, now))
    return ends


def require_session(statement: Element, expected: Expectation, now: datetime) -> datetime | None:
    """Return when the IdP ends the session that this AuthnStatement tells of. Raises AssertionExpired, TimeBoundsMissing."""
    _require_begun(moment(statement.get("AuthnInstant")), expected, now)
    ends = statement.get("SessionNotOnOrAfter")
    return None if ends is None else _require_not_over(ends, expected, now)


def require_audience(assertion: Element, expected: Expectation) -> None:
    """Refuse a restriction that doesn't name us, and an unknown condition (SAML Core §2.5.1.4).

    Raises ConditionUnknown, AudienceMissing, AudienceMismatch.
    """
    conditions = only(assertion, "Conditions", TimeBoundsMissing)
    for condition in conditions:
        if condition.tag not in KNOWN:
            raise ConditionUnknown(received=str(condition.tag))
    restrictions = children(conditions, SAML, "AudienceRestriction")
    if not restrictions:
        raise AudienceMissing(expected=expected.sp_entity_id)
    for restriction in restrictions:
        audiences = [plain_text(audience) or "" for audience in children(restriction, SAML, "Audience")]
        if expected.sp_entity_id not in audiences:
            raise AudienceMismatch(expected=expected.sp_entity_id, received=", ".join(audiences))
