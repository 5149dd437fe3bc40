"""Refusals that need more than the message: who asked, who that is, and whether they may."""

from orgs.base.errors import NotFound
from sso.saml.errors import SamlError
from sso.saml.types import Check, Setting


class SignInTestUnknown(NotFound):
    code = "test_unknown"
    public = "There is no such test in this organization."


class ConnectionOff(SamlError):
    code = "connection_off"
    check = Check.REQUEST
    public = "Single sign-on is turned off. Sign in another way, or ask an admin of your organization."
    private = "The connection isn’t turned on, or was changed while this person signed in."


class AssertionReplayed(SamlError):
    code = "assertion_replayed"
    check = Check.REPLAY
    public = "This sign-in was used already. Start again."
    private = "An assertion with this ID was accepted before. Each may be used once."


class RequestUnknown(SamlError):
    code = "request_unknown"
    check = Check.REQUEST
    public = "This sign-in was begun in another browser, or too long ago. Start again."
    private = "The response answers a request that this browser didn’t make, or whose cookie is gone after 15 minutes."


class SignInUnfinished(SamlError):
    code = "sign_in_unfinished"
    check = Check.REQUEST
    public = "This sign-in was finished already, or took too long to finish. Start again."
    private = "The browser didn’t come back within a minute, or came back twice, or without its cookie."


class UnsolicitedRefused(SamlError):
    code = "unsolicited_refused"
    check = Check.REQUEST
    setting = Setting.IDP_INITIATED
    public = "This sign-in wasn’t begun here. Open the sign-in page instead."
    private = (
        "The IdP answers no request of ours, also when it is asked. Allow it to begin sign-ins, or change that there."
    )


class DomainNotVerified(SamlError):
    code = "domain_not_verified"
    check = Check.DOMAIN
    setting = Setting.DOMAIN
    public = "Your email address is outside of the domains that this organization has proved to own."
    private = "The domain of the address isn’t among this organization’s verified domains."


class NotAMember(SamlError):
    code = "not_a_member"
    check = Check.MEMBER
    setting = Setting.ASSIGNMENT
    public = "You don’t have a place in this organization yet. Ask one of its admins to add you."
    private = "Nobody here has this address, and people aren’t added when they sign in."


class ConsentMissing(SamlError):
    code = "consent_missing"
    check = Check.MEMBER
    public = "Accept the organization’s invitation first: it is in your mailbox. Then sign in this way."
    private = "This person has to accept the invitation before an IdP may sign them in."


class MemberSuspended(SamlError):
    code = "member_suspended"
    check = Check.MEMBER
    public = "Your access to this organization is suspended. Ask one of its admins."
    private = "The member is suspended here. Signing in at the IdP never lifts a suspension."


class AccountClosed(SamlError):
    code = "account_closed"
    check = Check.MEMBER
    public = "Your account is closed. Ask support."
    private = "The account of this member has been closed by support."


class SubjectChanged(SamlError):
    code = "subject_changed"
    check = Check.MEMBER
    setting = Setting.NAME_ID
    public = (
        "This address belonged to somebody else at your identity provider before. Ask an admin of your organization."
    )
    private = "The address belongs to a member whom the IdP has named by another NameID. It may have been given to a new person."
