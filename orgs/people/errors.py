from orgs.base.errors import Conflict, NotFound, NotPermitted


class MembershipExists(Conflict):
    code = "membership_exists"
    public = "Another member of this organization already has that address."


class AddressFormer(Conflict):
    code = "address_former"
    public = "That address is a member’s former one, and may be somebody else’s now. Choose another address."


class MembershipSuspended(Conflict):
    code = "membership_suspended"
    public = "This person’s membership in the organization is suspended. Choose somebody else."


class MembershipUnknown(NotFound):
    code = "membership_unknown"
    public = "There is no such member in this organization."


class InvitationUnknown(NotFound):
    code = "invitation_unknown"
    public = "This invitation has ended, was withdrawn, or was already accepted. Ask an admin of the organization for another."


class InvitationForSomebodyElse(NotPermitted):
    code = "invitation_for_somebody_else"
    public = (
        "This invitation was sent to another address. Sign in with the account that has that address, and verify it."
    )


class AddressKept(NotPermitted):
    code = "address_kept"
    public = (
        "The address can’t be taken from an account here. If you have an account with it, sign in to that one; "
        "if you can’t, ask an admin of the organization, or support."
    )


class InvitationLinkNeeded(NotPermitted):
    code = "invitation_link_needed"
    public = (
        "Open the newest link that was mailed to that address: it shows that you read the address today. Your account "
        "verified it too long ago, or the link is too old."
    )
