from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction

from orgs.base import portions
from orgs.base.addresses import is_mail_address
from orgs.base.clock import now
from orgs.base.text import address_key
from orgs.tenancy import queries
from orgs.tenancy.errors import (
    AccountExists,
    AccountUnknown,
    AddressInvalid,
    AddressTaken,
    AddressUnverified,
    ExistingAccountClosed,
    SlugTaken,
)
from orgs.tenancy.models import AddressVerification, Membership, Organization, SessionGrant, User
from orgs.tenancy.types import IdpSession, SessionClient, SignInMethod

# accounts that nobody has verified and that claim one address
MOST_CLAIMS = 20


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
                _free_address(email)
                user.email_key = address_key(email)
            user.save()
            EmailAddress.objects.create(user=user, email=address_key(email), verified=verified, primary=True)
            if verified:
                AddressVerification.objects.create(user=user, address_key=address_key(email), verified_at=now())
    except IntegrityError as error:
        raise AddressTaken from error
    return user


@transaction.atomic
def sign_up(*, email: str, password: str) -> User:
    """Create an account with an unverified address, and delete the oldest such accounts of this address beyond MOST_CLAIMS.

    Raises AddressInvalid.
    """
    user = create_account(email=email, password=password)
    claims = [account.pk for account in queries.accounts_claiming(email)]
    for oldest in sorted(claims[MOST_CLAIMS:]):
        _delete_if_empty(oldest)
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
            account = _free_address(key, keeper=user)
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
            _free_address(email, keeper=user)
            EmailAddress.objects.filter(user=user).delete()
            AddressVerification.objects.filter(user=user).delete()
            user.email, user.email_key = email, address_key(email)
            user.save(update_fields=["email", "email_key"])
            EmailAddress.objects.create(user=user, email=user.email_key, verified=True, primary=True)
            AddressVerification.objects.create(user=user, address_key=user.email_key, verified_at=now())
    except IntegrityError as error:
        raise AddressTaken from error


def _free_address(address: str, *, keeper: User | None = None) -> User | None:
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
            _delete_if_empty(account.pk)
    return kept


def _delete_if_empty(pk: int) -> int:
    """Delete an account that holds nothing; it is locked first, so that nobody verifies an address of it meanwhile."""
    account = User.objects.select_for_update().filter(pk=pk).first()
    if account is None or not queries.deletable_accounts().filter(pk=pk).exists():
        return 0
    account.delete()
    return 1


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


def require_address(email: str) -> None:
    """Raises AddressInvalid when this isn't one e-mail address."""
    if not is_mail_address(email):
        raise AddressInvalid


@transaction.atomic
def open_personal_grants(*, user: User, session: UUID, method: SignInMethod, expires_at: datetime) -> int:
    """Grant a session with a personal proof each active membership of its account. Returns how many those are."""
    memberships = list(queries.active_memberships_of(user))
    grants = [
        SessionGrant(
            org_id=membership.org_id, membership=membership, session=session, method=method, expires_at=expires_at
        )
        for membership in memberships
    ]
    # as in grant_session: the newer proof replaces what this session had
    replaced = ["method", "expires_at", "connection", "session_index", "certificates"]
    SessionGrant.objects.bulk_create(
        grants, update_conflicts=True, unique_fields=["session", "membership"], update_fields=replaced
    )
    reached = [membership.pk for membership in memberships if membership.last_sign_in_at is None]
    if reached:
        Membership.objects.filter(user=user, pk__in=reached, last_sign_in_at=None).update(last_sign_in_at=now())
    return len(memberships)


def list_session(*, user: User, key: str, former_key: str | None, browser: SessionClient) -> None:
    """Name a session, whose key is new, on its account's page of sessions, instead of the one that it was before."""
    if former_key is not None:
        UserSession.objects.filter(session_key=former_key).delete()
    UserSession.objects.create(user=user, session_key=key, ip=browser.ip, user_agent=browser.user_agent[:200])


def grant_session(
    *,
    membership: Membership,
    session: UUID,
    method: SignInMethod,
    expires_at: datetime,
    idp: IdpSession | None = None,
    is_new: bool = False,
) -> None:
    """Grant the session this membership until `expires_at`; granting twice keeps one row, with the newer proof.

    A personal proof of the same session is worth more than an IdP's word, which doesn't replace it while it lives. One that
    is new has no grants, and its sign-in is noted by the caller.
    """
    if idp is not None and not is_new and queries.has_personal_grant(membership, session):
        return
    whose: dict[str, Any] = {"org_id": membership.org_id, "membership": membership, "session": session}
    idp, proof = idp or IdpSession(), dict[str, Any](method=method, expires_at=expires_at)
    proof |= {"connection": idp.connection, "session_index": idp.session_index}
    proof["certificates"] = " ".join(idp.certificates)
    if is_new:
        SessionGrant.objects.create(**whose | proof)
        return
    SessionGrant.objects.update_or_create(defaults=proof, **whose)
    # a membership that was reached is never removed as unused, whatever becomes of this row
    unreached = Membership.objects.filter(org_id=membership.org_id, pk=membership.pk, last_sign_in_at=None)
    unreached.update(last_sign_in_at=now())


def extend_personal_sessions(*, membership: Membership) -> None:
    """Grant a membership that has just become active to its person's sessions with a personal proof."""
    if membership.user is None:
        return
    for grant in queries.personal_sessions_of(membership.user):
        grant_session(
            membership=membership,
            session=grant.session,
            method=SignInMethod(grant.method),
            expires_at=grant.expires_at,
        )


def delete_session_grants(*, membership: Membership) -> int:
    """Delete all session grants of this membership. Returns how many there were."""
    deleted, _ = SessionGrant.objects.filter(org_id=membership.org_id, membership=membership).delete()
    return deleted


def delete_grants_of_connection(*, org: Organization, connection: UUID) -> int:
    """Delete the session grants that this connection opened. Returns how many there were."""
    deleted, _ = SessionGrant.objects.filter(org=org, connection=connection).delete()
    return deleted


def delete_grants_by_certificates(*, org: Organization, connection: UUID, fingerprints: Collection[str]) -> int:
    """Delete the grants of sessions that this connection opened by one of these certificates. Return how many there were."""
    deleted, _ = queries.grants_by_certificates(org, connection, fingerprints).delete()
    return deleted


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


def delete_expired_grants(*, before: datetime) -> int:
    """Delete the grants that ended before this time. Returns how many there were."""
    deleted, _ = SessionGrant.objects.filter(expires_at__lt=before).delete()
    return deleted


def delete_unverified_accounts(*, before: datetime) -> int:
    """Delete accounts that hold nothing and were created before this time, the oldest first. Returns how many."""
    deleted = 0
    for portion in portions.primary_keys(queries.deletable_accounts().filter(date_joined__lt=before)):
        for pk in portion:
            with transaction.atomic():
                deleted += _delete_if_empty(pk)
    return deleted


def delete_ended_sessions() -> int:
    """Delete sessions that have expired, and the records of sessions that are gone. Returns how many sessions there were."""
    deleted, _ = Session.objects.filter(expire_date__lt=now()).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    return deleted


def delete_unused_account(*, user: User) -> None:
    """Delete an account that a directory created and nobody ever used, with its addresses."""
    user.delete()
