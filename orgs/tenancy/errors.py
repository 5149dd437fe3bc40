from datetime import UTC, datetime

from orgs.base.errors import Conflict, NotFound, RuleViolated


class OrganizationUnknown(NotFound):
    code = "organization_unknown"
    public = "There is no organization by that name."


class SlugTaken(Conflict):
    code = "slug_taken"
    public = "Another organization already uses that short name. Choose another."


class AddressTaken(Conflict):
    code = "address_taken"
    public = "Another account already uses that address."


class AccountExists(Conflict):
    """An account verified the address at a time when its mailbox may have been somebody else's."""

    code = "account_exists"
    public = "An account has that address already."

    def __init__(self, *, address: str, verified_at: datetime | None, last_login: datetime | None) -> None:
        self.address, self.verified_at, self.last_login = address, verified_at, last_login
        since = f"since {_minute(verified_at)}" if verified_at else "already"
        used = f"last signed in on {_minute(last_login)}" if last_login else "has never signed in"
        super().__init__(f"An account has {address} {since}, and {used}.")


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


class AddressInvalid(RuleViolated):
    code = "address_invalid"
    public = "That isn't an e-mail address."


class AddressUnverified(RuleViolated):
    code = "address_unverified"
    public = "This account hasn't verified that address yet. Verify it first."


class AccountUnknown(NotFound):
    code = "account_unknown"
    public = "This account doesn't exist any more. Sign up again."


class ExistingAccountClosed(RuleViolated):
    code = "account_closed"
    public = "The account with that address is closed, so nobody can sign in to it. Choose another address."


class OwnerCanSignIn(RuleViolated):
    code = "owner_can_sign_in"
    public = "An owner of this organization can sign in. Ask them to make somebody else an owner."


class LastOwner(RuleViolated):
    code = "last_owner"
    public = "This person is the organization's last active owner. Make somebody else an owner first."
