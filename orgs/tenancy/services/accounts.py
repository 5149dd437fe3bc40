"""Organizations and accounts: created, taken, and deleted when they hold nothing."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from orgs.base import portions
from orgs.base.clock import now
from orgs.base.statements import number
from orgs.base.text import address_key
from orgs.base.writes import DeleteCascade, Insert
from orgs.tenancy import queries
from orgs.tenancy.errors import AccountExists, AddressTaken, ExistingAccountClosed, SlugTaken
from orgs.tenancy.models import AddressVerification, Organization, User
from orgs.tenancy.services.addresses import delete_if_empty, free_address, require_address

# accounts that nobody has verified and that claim one address
MOST_CLAIMS = 20
ACCOUNT = DeleteCascade(lambda: User.objects.filter(pk=number("pk")))
NEW_USER, NEW_ADDRESS, NEW_VERIFICATION = Insert(User), Insert(EmailAddress), Insert(AddressVerification)


@transaction.atomic
def create_organization(*, name: str, slug: str) -> Organization:
    """Create an organization without memberships. Raises SlugTaken."""
    try:
        with transaction.atomic():
            return Organization.objects.create(name=name.strip(), slug=slug)
    except IntegrityError as error:
        raise SlugTaken from error


def create_account(
    *, email: str, password: str | None = None, verified: bool = False, made_by: Organization | None = None
) -> User:
    """Create an account with one address, which it owns only when that is `verified`. Raises AddressInvalid, AddressTaken.

    Without a password the account can only be opened by a passkey, an IdP, or a reset that its mailbox receives.
    `made_by` is the organization whose provisioning asks for the account.
    """
    require_address(email)
    # Django makes an unusable password of None
    user = User(email=email, made_by_org=made_by, password=make_password(password))
    try:
        with transaction.atomic():
            if verified:
                free_address(email)
                user.email_key = address_key(email)
            user.save()
            EmailAddress.objects.create(user=user, email=address_key(email), verified=verified, primary=True)
            if verified:
                AddressVerification.objects.create(user=user, address_key=address_key(email), verified_at=now())
    except IntegrityError as error:
        raise AddressTaken from error
    return user


def create_unused_account(*, email: str, made_by: int) -> User:
    """Create the account of an address that no account has, verified by the organization with this id.

    The caller's transaction holds the address (`queries.lock_address`), has looked, and ends if somebody was first.
    """
    user = User(email=email, email_key=address_key(email), made_by_org_id=made_by, password=make_password(None))
    NEW_USER.one(user)
    NEW_ADDRESS.one(EmailAddress(user=user, email=user.email_key, verified=True, primary=True))
    NEW_VERIFICATION.one(AddressVerification(user=user, address_key=user.email_key or "", verified_at=now()))
    return user


@transaction.atomic
def sign_up(*, email: str, password: str) -> User:
    """Create an account with an unverified address, and delete the oldest such accounts of this address beyond MOST_CLAIMS.

    Raises AddressInvalid.
    """
    user = create_account(email=email, password=password)
    claims = [account.pk for account in queries.accounts_claiming(email)]
    for oldest in sorted(claims[MOST_CLAIMS:]):
        delete_if_empty(oldest)
    return user


@transaction.atomic
def create_or_take_account(*, email: str, password: str | None, takes_account: bool = True) -> tuple[User, bool]:
    """Return the account of an address that an operator has given as verified; the flag says whether it is new.

    An account that verified the address earlier keeps its password, and may be that of somebody who had the mailbox
    before: unless the operator `takes_account` it isn't returned. Raises ExistingAccountClosed, AccountExists, AddressInvalid.
    """
    user = queries.account_for_address(email)
    if user is None:
        return create_account(email=email, password=password, verified=True), True
    if not user.is_active:
        raise ExistingAccountClosed
    if not takes_account:
        since = queries.verified_at(user, email)
        raise AccountExists(address=email, verified_at=since, last_login=user.last_login)
    return user, False


@transaction.atomic
def create_staff(*, email: str, password: str | None = None) -> tuple[User, bool]:
    """Let the account of this address enter support's console; the flag says whether it is new.

    Raises ExistingAccountClosed, AddressInvalid.
    """
    user, is_new = create_or_take_account(email=email, password=password)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    return user, is_new


def delete_unverified_accounts(*, before: datetime) -> int:
    """Delete accounts that hold nothing and were created before this time, the oldest first. Returns how many."""
    deleted = 0
    for portion in portions.primary_keys(queries.deletable_accounts().filter(date_joined__lt=before)):
        for pk in portion:
            with transaction.atomic():
                deleted += delete_if_empty(pk)
    return deleted


def delete_unused_account(*, user: User) -> None:
    """Delete an account that a directory created and nobody ever used, with its addresses."""
    ACCOUNT.run(pk=user.pk)
