"""Refusals that need more than the message: what it answers, who brought it, and whether it came before."""

from sso.saml.errors import AlgorithmRefused, IssuerMismatch, SamlError, SignatureInvalid, SignatureMissing
from sso.saml.types import Check, Setting


class ConnectionOff(SamlError):
    code = "connection_off"
    check = Check.REQUEST
    public = "Single sign-on is turned off. Sign in another way, or ask an admin of your organization."
    private = "The connection isn’t turned on."


class VersionChanged(SamlError):
    code = "version_changed"
    check = Check.REQUEST
    public = "Single sign-on was changed while you signed in. Start again."
    private = "The response fits another version than the one in force: that was changed while this person signed in."


class AssertionReplayed(SamlError):
    code = "assertion_replayed"
    check = Check.REPLAY
    public = "This sign-in was used already. Start again."
    private = "An assertion with this ID was accepted before. Each may be used once."


class RequestUnknown(SamlError):
    code = "request_unknown"
    check = Check.REQUEST
    public = "This sign-in was begun in another browser, or too long ago. Start again."
    private = (
        "The response answers a request that this browser didn’t make, or whose cookie is gone after 15 minutes, or to "
        "which another answer was finished before."
    )


class SignInUnfinished(SamlError):
    code = "sign_in_unfinished"
    check = Check.REQUEST
    public = "This sign-in was finished already, or took too long to finish. Start again."
    private = "The browser didn’t come back within a minute, or came back twice, or without its cookie."


class UnsolicitedRefused(SamlError):
    code = "unsolicited_refused"
    check = Check.REQUEST
    setting = Setting.IDP_INITIATED
    is_idp_initiated = True
    public = "This sign-in wasn’t begun here. Open the sign-in page instead."
    private = (
        "The IdP answers no request of ours, also when it is asked. Allow it to begin sign-ins, or change that there."
    )


class OtherPersonSignedIn(SamlError):
    code = "other_person_signed_in"
    check = Check.REQUEST
    is_idp_initiated = True
    public = "Somebody else is signed in in this browser. Sign out there first, then start again."
    private = "The IdP began this sign-in by itself, also when it was asked, while somebody else was signed in."


# what another version of the connection might take; a message of a wrong shape isn't verified twice
DIFFERS_BY_VERSION = (ConnectionOff, SignatureInvalid, SignatureMissing, AlgorithmRefused, IssuerMismatch)
