"""Refusals that need more than the message: what it answers, who brought it, and whether it came before."""

from typing import TYPE_CHECKING

from orgs.providers.idp_settings import Setting
from sso.identity.errors import SignInError
from sso.identity.types import SignInCheck

if TYPE_CHECKING:
    from sso.attempts.models import LoginAttempt
    from sso.signin_tests.models import SignInTest


class ConnectionOff(SignInError):
    code = "connection_off"
    check = SignInCheck.REQUEST
    public = "Single sign-on is turned off. Sign in another way, or ask an admin of your organization."
    private = "The connection isn’t turned on."
    advice = (
        "Turn the connection on, on its page, once a test sign-in has passed. If it was turned off on purpose, "
        "remove the app’s tile at the provider."
    )


class VersionChanged(SignInError):
    code = "version_changed"
    check = SignInCheck.REQUEST
    public = "Single sign-on was changed while you signed in. Start again."
    private = "The response fits another version than the one in force: that was changed while this person signed in."
    advice = "Start the sign-in again: it is then verified by the version that is in force now."


class AssertionReplayed(SignInError):
    code = "assertion_replayed"
    check = SignInCheck.REPLAY
    public = "This sign-in was used already. Start again."
    private = "An assertion with this ID was accepted before. Each may be used once."
    advice = (
        "Start the sign-in again, rather than going back in the browser or loading the page anew. If nobody did "
        "that, somebody may have recorded the answer: look at who signed in."
    )


class RequestUnknown(SignInError):
    code = "request_unknown"
    check = SignInCheck.REQUEST
    public = "This sign-in was begun in another browser, or too long ago. Start again."
    private = (
        "The response answers a request that this browser didn’t make, or whose cookie is gone after 15 minutes, or to "
        "which another answer was finished before."
    )
    advice = (
        "Start the sign-in again in the same browser, and finish it within 15 minutes. If it fails again, see "
        "whether the browser blocks this site’s cookies, and whether another host name leads here."
    )


class SignInUnfinished(SignInError):
    code = "sign_in_unfinished"
    check = SignInCheck.REQUEST
    public = "This sign-in was finished already, or took too long to finish. Start again."
    private = "The browser didn’t come back within a minute, or came back twice, or without its cookie."
    advice = "Start the sign-in again. If it fails again, see whether the browser blocks this site’s cookies."


class UnsolicitedRefused(SignInError):
    code = "unsolicited_refused"
    check = SignInCheck.REQUEST
    setting = Setting.IDP_INITIATED
    is_idp_initiated = True
    public = "This sign-in wasn’t begun here. Open the sign-in page instead."
    private = (
        "The IdP answers no request of ours, also when it is asked. Allow it to begin sign-ins, or change that there."
    )


class OtherPersonSignedIn(SignInError):
    code = "other_person_signed_in"
    check = SignInCheck.REQUEST
    is_idp_initiated = True
    public = "Somebody else is signed in in this browser. Sign out there first, then start again."
    private = "The IdP began this sign-in by itself, also when it was asked, while somebody else was signed in."
    advice = (
        "Sign the other person out in this browser, or use another browser profile, then start from the sign-in page. If it "
        "happens to many, have the provider answer the requests that it gets."
    )


class SignInRefused(Exception):
    """Nobody was signed in; the person sees `problem.public` and the attempt's code.

    `assertion_id` names an assertion that may have led somewhere in this browser before.
    """

    def __init__(
        self, problem: SignInError, attempt: "LoginAttempt", test: "SignInTest | None" = None, assertion_id: str = ""
    ) -> None:
        self.problem, self.attempt, self.test, self.assertion_id = problem, attempt, test, assertion_id
        super().__init__(problem.code)
