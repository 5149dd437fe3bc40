"""Whose an address is: verified, taken from another account, removed, chosen, or trusted no more."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import IntegrityError, transaction

from orgs.base.addresses import is_mail_address
from orgs.base.clock import now
from orgs.base.text import address_key
from orgs.tenancy import queries
from orgs.tenancy.errors import AccountUnknown, AddressInvalid, AddressTaken, AddressUnverified
from orgs.tenancy.models import AddressVerification, Organization, SessionGrant, User
from orgs.tenancy.types import SignInMethod


def require_address(email: str) -> None:
    """Raises AddressInvalid when this isn't one e-mail address."""
    if not is_mail_address(email):
        raise AddressInvalid


def mark_address_verified(*, user: User, address: str, mailed_at: datetime | None = None) -> None:
    """Record that this account's person reads the address; every account that hadn't verified it loses it at once.

    `mailed_at` is when the code or link was asked for that shows it: who has it may not read the mailbox any more when
    they use it. Without that it is now. A later verification stays. An account without a verified primary address gets
    this one as its primary. Raises AddressTaken when another account has verified the address, AddressInvalid, and
    AccountUnknown when the account was deleted meanwhile.
    """
    require_address(address)
    key = address_key(address)
    try:
        with transaction.atomic():
            account = free_address(key, keeper=user)
            if account is None:
                raise AccountUnknown
            times = (mailed_at or now(), queries.verified_at(account, key))
            EmailAddress.objects.update_or_create(user=account, email=key, defaults={"verified": True})
            AddressVerification.objects.update_or_create(
                user=account, address_key=key, defaults={"verified_at": max(filter(None, times))}
            )
            if account.email_key is None:
                _set_primary(account, key)
    except IntegrityError as error:
        raise AddressTaken from error
    user.email, user.email_key = account.email, account.email_key


@transaction.atomic
def remove_account_address(*, user: User, address: str) -> None:
    """Take the address from the account; if it was the primary one, the account's first verified address becomes that.

    Without another verified address the account is left without any. Removing what isn't there changes nothing.
    """
    queries.lock_address(address)
    account = queries.lock_account(user)
    _drop_address(account, address_key(address))
    user.email, user.email_key = account.email, account.email_key


@transaction.atomic
def set_primary_address(*, user: User, address: str) -> None:
    """Make a verified address of the account its primary one. Raises AddressUnverified."""
    account, key = queries.lock_account(user), address_key(address)
    if key not in queries.verified_keys_of(account):
        raise AddressUnverified
    _set_primary(account, key)
    user.email, user.email_key = account.email, account.email_key


@transaction.atomic
def reset_password(*, user: User, address: str, password: str, mailed_at: datetime) -> None:
    """Set the password that whoever reads this address of the account has chosen, by a link that was mailed then.

    Where the account hadn't verified the address, anybody may have created it: what was set for it before is removed,
    and the address is verified by the link. Raises AddressTaken, AddressUnverified, AccountUnknown.
    """
    queries.lock_address(address)
    account = queries.lock_account(user)
    key, verified = address_key(address), queries.verified_keys_of(account)
    if key not in queries.addresses_of(account):
        raise AddressTaken
    if key not in verified:
        # whoever reads one address must not get the others of somebody else's account
        if verified or account.is_staff:
            raise AddressUnverified
        _remove_credentials(account, keep=key)
        mark_address_verified(user=account, address=address, mailed_at=mailed_at)
    account.set_password(password)
    account.save(update_fields=["password"])


def _remove_credentials(account: User, *, keep: str) -> None:
    """Delete what opens the account, or could: second factors, passkeys, recovery codes, sessions, other addresses."""
    Authenticator.objects.filter(user=account).delete()
    UserSession.objects.filter(user=account).delete()
    SessionGrant.objects.filter(membership__user=account).delete()
    EmailAddress.objects.filter(user=account).exclude(email=keep).delete()
    AddressVerification.objects.filter(user=account).delete()


def change_account_address(*, user: User, email: str) -> None:
    """Make this the account's only address, verified by whoever owns its domain. Raises AddressInvalid, AddressTaken."""
    require_address(email)
    try:
        with transaction.atomic():
            free_address(email, keeper=user)
            EmailAddress.objects.filter(user=user).delete()
            AddressVerification.objects.filter(user=user).delete()
            user.email, user.email_key = email, address_key(email)
            user.save(update_fields=["email", "email_key"])
            EmailAddress.objects.create(user=user, email=user.email_key, verified=True, primary=True)
            AddressVerification.objects.create(user=user, address_key=user.email_key, verified_at=now())
    except IntegrityError as error:
        raise AddressTaken from error


@transaction.atomic
def revoke_domain_trust(*, org: Organization, name_key: str) -> None:
    """End what rests on the organization's verification of this domain.

    Sessions that its IdP had opened for such addresses end. Accounts that hold nothing but the domain's word for their
    address have verified it no more: whoever proves the domain next must not inherit them.
    """
    ending = f"@{name_key}"
    grants = SessionGrant.objects.filter(org=org, method=SignInMethod.SAML, membership__email_key__endswith=ending)
    grants.delete()
    accounts = queries.accounts_without_own_proof()
    EmailAddress.objects.filter(email__endswith=ending, verified=True, user__in=accounts).update(verified=False)
    AddressVerification.objects.filter(address_key__endswith=ending, user__in=accounts).delete()
    User.objects.filter(email_key__endswith=ending, pk__in=accounts).update(email_key=None, address_lost_at=now())


def free_address(address: str, *, keeper: User | None = None) -> User | None:
    """Take the address from every account but the keeper, which is returned, locked. Raises AddressTaken.

    An account that then holds nothing is deleted. Other accounts that verify the address meanwhile wait.
    """
    queries.lock_address(address)
    key, kept = address_key(address), None
    accounts = queries.lock_accounts_of_address(address, and_account=keeper)
    for account in accounts:
        if keeper is not None and account.pk == keeper.pk:
            kept = account
        elif key in queries.verified_keys_of(account):
            raise AddressTaken
        else:
            _drop_address(account, key)
            delete_if_empty(account.pk)
    return kept


def _drop_address(account: User, key: str) -> None:
    """Delete the address of a locked account, and choose another primary one if it was that."""
    EmailAddress.objects.filter(user=account, email=key).delete()
    AddressVerification.objects.filter(user=account, address_key=key).delete()
    if address_key(account.email) == key:
        _set_primary(account, queries.first_verified_key(account))


def _set_primary(account: User, key: str | None) -> None:
    """Write which verified address of a locked account is the primary one; None leaves the account without any."""
    EmailAddress.objects.filter(user=account, primary=True).exclude(email=key or "").update(primary=False)
    EmailAddress.objects.filter(user=account, email=key or "").update(primary=True)
    if key is None or address_key(account.email) != key:
        account.email = key or ""
    if key is None:
        account.lose_address()
    else:
        account.email_key = key
    account.save(update_fields=["email"])


def delete_if_empty(pk: int) -> int:
    """Delete an account that holds nothing; it is locked first, so that nobody verifies an address of it meanwhile."""
    account = User.objects.select_for_update().filter(pk=pk).first()
    if account is None or not queries.deletable_accounts().filter(pk=pk).exists():
        return 0
    account.delete()
    return 1
