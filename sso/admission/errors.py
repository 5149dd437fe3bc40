"""Refusals of a person whose message was right: whom it names may not enter here."""

from orgs.providers.idp_settings import Setting
from sso.identity.errors import SignInError
from sso.identity.types import SignInCheck


class DomainNotVerified(SignInError):
    code = "domain_not_verified"
    check = SignInCheck.DOMAIN
    setting = Setting.DOMAIN
    public = "Your email address ends in a domain that this organization doesn’t use for signing in."
    private = "The domain of the address isn’t among this organization’s verified domains."


class NotAMember(SignInError):
    code = "not_a_member"
    check = SignInCheck.MEMBER
    setting = Setting.ASSIGNMENT
    public = "You don’t have a place in this organization yet. Ask one of its admins to add you."
    private = "Nobody here has this address, and people aren’t added when they sign in."


class DeletedByDirectory(SignInError):
    code = "deleted_by_directory"
    check = SignInCheck.MEMBER
    setting = Setting.ASSIGNMENT
    public = "Your access to this organization has ended. Ask one of its admins."
    private = (
        "The directory deleted the member who had this address, and signing in brings nobody back. "
        "If this is a new person, or the same one again, assign them in the identity provider’s provisioning."
    )


class ConsentMissing(SignInError):
    code = "consent_missing"
    check = SignInCheck.MEMBER
    public = "Accept the organization’s invitation first: it is in your mailbox. Then sign in this way."
    private = "This person has to accept the invitation before an IdP may sign them in."
    advice = (
        "Ask the person to open the invitation in their mailbox. When its link has ended, the next sign-in of theirs has "
        "a new one mailed."
    )


class MemberSuspended(SignInError):
    code = "member_suspended"
    check = SignInCheck.MEMBER
    public = "Your access to this organization is suspended. Ask one of its admins."
    private = "The member is suspended here. Signing in at the IdP never lifts a suspension."
    advice = (
        "The page of members says who suspended the person. What the identity provider suspended it also lifts: assign the "
        "person again there. Ask support about any other suspension."
    )


class AccountClosed(SignInError):
    code = "account_closed"
    check = SignInCheck.MEMBER
    public = "Your account is closed. Ask support."
    private = "The account of this member has been closed by support."
    advice = "Ask support why the account was closed. Nothing at the provider, and nothing here, opens it again."


class SubjectChanged(SignInError):
    code = "subject_changed"
    check = SignInCheck.MEMBER
    setting = Setting.NAME_ID
    public = (
        "Your email address is linked to another sign-in here: to yours of before, or to somebody else’s. Ask one of your "
        "organization’s admins."
    )
    private = (
        "The address belongs to a member whom the IdP has named by another Name ID: it may be a new person’s. If it is the "
        "same person, choose “Forget this Name ID” on the page of this sign-in: the next one links anew. If the IdP names "
        "everybody in another format now, ask for that format."
    )
