"""Why a sign-in is refused, whatever the protocol. Each code is one class; codes are stable, and support and docs name them."""

from datetime import datetime, timedelta
from typing import ClassVar

from orgs.providers.idp_settings import Setting
from sso.identity.types import ClaimedPerson, SignInCheck

LONGEST_DETAIL = 300


class SignInError(Exception):
    """A response was refused at `check`. `public` is safe for the person; `expected` and `received` are for admins.

    `advice` says what to try besides what the provider's guide says of `setting`; where there is no setting, it's all there is.
    `received` comes from the message: it is cut to 300 characters, may be hostile, and is escaped where it is shown.
    """

    code: ClassVar[str] = "refused"
    check: ClassVar[SignInCheck] = SignInCheck.MESSAGE
    setting: ClassVar[Setting] = Setting.NOTHING
    # whether the IdP began by itself, where the refusal alone says so
    is_idp_initiated: ClassVar[bool | None] = None
    public: ClassVar[str] = "Your organization’s sign-in service sent an answer that couldn’t be used here."
    private: ClassVar[str] = "The response can’t be used."
    advice: ClassVar[str] = ""

    def __init__(self, *, expected: str = "", received: str = "") -> None:
        self.expected = expected[:LONGEST_DETAIL]
        self.received = received[:LONGEST_DETAIL]
        # what had been checked and found right before
        self.passed: tuple[SignInCheck, ...] = ()
        # which request the message says it answers: a claim, by which a waiting test is found and nothing else
        self.request_id = ""
        # whom it names, where its signature was right
        self.claimed: ClaimedPerson | None = None
        super().__init__(self.code)


def advice_for(code: str) -> str:
    """Return what the refusal with this code advises, of all that are defined anywhere; empty for a code of a former release."""
    waiting = [SignInError]
    while waiting:
        known = waiting.pop()
        if known.code == code:
            return known.advice
        waiting.extend(known.__subclasses__())
    return ""


class AssertionExpired(SignInError):
    code = "assertion_expired"
    check = SignInCheck.TIME
    setting = Setting.CLOCK
    public = "The answer of your organization’s sign-in service came too late. Try again."
    private = "The assertion had ended before it arrived. If this happens often, the IdP’s clock is wrong."
    advice = (
        "It came with this time: {received}. If people wait on the provider’s page, signing in again is enough. If"
        " it happens at once, a clock is wrong."
    )


class EmailMissing(SignInError):
    code = "email_missing"
    check = SignInCheck.EMAIL
    setting = Setting.ATTRIBUTES
    public = "Your organization’s sign-in service didn’t say which email address you have."
    private = "No attribute holds an email address, and the Name ID isn’t one."


class AttributesEncrypted(EmailMissing):
    code = "attributes_encrypted"
    setting = Setting.ENCRYPTION
    private = "No attribute that can be read holds an email address, and others are encrypted (EncryptedAttribute)."
    advice = "Turn the encryption of attributes off for the app at the identity provider: the connection itself is encrypted."


class EmailAmbiguous(SignInError):
    code = "email_ambiguous"
    check = SignInCheck.EMAIL
    setting = Setting.ATTRIBUTES
    public = "Your organization’s sign-in service named several email addresses for you."
    private = "The attribute for the email address has several values. It must have one."


class EmailInvalid(SignInError):
    code = "email_invalid"
    check = SignInCheck.EMAIL
    setting = Setting.ATTRIBUTES
    public = "Your organization’s sign-in service named an email address that can’t be used here."
    private = "The value for the email address isn’t one in plain ASCII letters."


def stamp(when: datetime) -> str:
    """Return a time as it is shown to an admin."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def apart_from(when: datetime, now: datetime) -> str:
    """Return a time with how far it is off: "2026-03-01 12:04:00 UTC, 4 minutes ahead of our clock"."""
    return f"{stamp(when)}, {_span(when - now)} {'ahead of' if when > now else 'behind'} our clock"


def _span(span: timedelta) -> str:
    seconds = abs(span) // timedelta(seconds=1)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds // size} {unit}{'' if seconds == size else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
