from datetime import datetime
from uuid import UUID

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from orgs.base.clock import now
from orgs.base.text import KEY_LENGTH, address_domain, address_key
from orgs.tenancy import queries
from orgs.tenancy.errors import AddressInvalid, AddressTaken, SlugTaken
from orgs.tenancy.models import Membership, Organization, SessionGrant, User
from orgs.tenancy.types import IdpSession, SignInMethod


@transaction.atomic
def create_organization(*, name: str, slug: str) -> Organization:
    """An organisation exists, without any seat. Raises SlugTaken."""
    try:
        with transaction.atomic():
            return Organization.objects.create(name=name.strip(), slug=slug)
    except IntegrityError as error:
        raise SlugTaken from error


@transaction.atomic
def create_account(*, email: str, password: str | None = None, verified: bool = False) -> User:
    """An account and its EmailAddress exist together. Raises AddressInvalid, AddressTaken.

    Without a password the account can only be entered by a passkey, an IdP or a reset that its mailbox receives.
    """
    require_address(email)
    user = User(email=email)
    # Django makes an unusable password of None
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            EmailAddress.objects.create(user=user, email=address_key(email), verified=verified, primary=True)
    except IntegrityError as error:
        raise AddressTaken from error
    return user


@transaction.atomic
def vouch_for_address(*, user: User, address: str, password: str | None = None) -> None:
    """An operator knows whose address this is: it counts as proved.

    An address that nobody had proved may have been registered by anybody, so what opened the account until now opens
    nothing: it has this password, or none. An account that had proved it is left as it is.
    """
    if address_key(address) in queries.verified_keys_of(user):
        return
    user.set_password(password)
    user.save(update_fields=["password"])
    EmailAddress.objects.update_or_create(
        user=user, email=address_key(address), defaults={"verified": True, "primary": True}
    )


@transaction.atomic
def create_staff(*, email: str, password: str | None = None) -> tuple[User, bool]:
    """The account of this address may enter support's console; the flag says whether it is new. Raises AddressInvalid."""
    user = queries.account_for_address(email)
    is_new = user is None
    if user is None:
        user = create_account(email=email, password=password, verified=True)
    vouch_for_address(user=user, address=email, password=password)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    return user, is_new


@transaction.atomic
def change_account_address(*, user: User, email: str) -> None:
    """The account's only address is now this one, proved by whoever owns its domain. Raises AddressInvalid, AddressTaken."""
    require_address(email)
    user.email = email
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "email_key"])
            EmailAddress.objects.filter(user=user).delete()
            EmailAddress.objects.create(user=user, email=address_key(email), verified=True, primary=True)
    except IntegrityError as error:
        raise AddressTaken from error


def require_address(email: str) -> None:
    """Raises AddressInvalid when this isn't one e-mail address."""
    try:
        validate_email(email)
    except ValidationError as error:
        raise AddressInvalid from error
    if len(email) > 254 or len(address_key(email)) > KEY_LENGTH or not address_domain(email):
        raise AddressInvalid


@transaction.atomic
def open_personal_grants(*, user: User, session: UUID, method: SignInMethod, expires_at: datetime) -> int:
    """A session with a personal proof reaches every active seat of its account. Returns how many those are."""
    seats = list(queries.active_seats_of(user))
    for seat in seats:
        grant_session(membership=seat, session=session, method=method, expires_at=expires_at)
    return len(seats)


def grant_session(
    *, membership: Membership, session: UUID, method: SignInMethod, expires_at: datetime, idp: IdpSession | None = None
) -> None:
    """The session reaches this seat until `expires_at`; granting twice keeps one row, with the newer proof.

    A personal proof of the same session is worth more than an IdP's word, which doesn't replace it while it lives.
    """
    if idp is not None and queries.has_personal_grant(membership, session):
        return
    idp = idp or IdpSession()
    SessionGrant.objects.update_or_create(
        org_id=membership.org_id,
        membership=membership,
        session=session,
        defaults={
            "method": method,
            "expires_at": expires_at,
            "connection": idp.connection,
            "session_index": idp.session_index,
        },
    )
    # a seat that was reached is never removed as unused, whatever becomes of this row
    Membership.objects.filter(org_id=membership.org_id, pk=membership.pk, last_sign_in_at=None).update(
        last_sign_in_at=now()
    )


def extend_personal_sessions(*, membership: Membership) -> None:
    """Sessions in which this person gave a personal proof reach the seat that has just become active, too."""
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
    """No session reaches this seat any more. Returns how many did."""
    deleted, _ = SessionGrant.objects.filter(org_id=membership.org_id, membership=membership).delete()
    return deleted


def delete_grants_of_connection(*, org: Organization, connection: UUID) -> int:
    """No session that came through this connection reaches the organisation any more. Returns how many did."""
    deleted, _ = SessionGrant.objects.filter(org=org, connection=connection).delete()
    return deleted


@transaction.atomic
def forsake_domain(*, org: Organization, name_key: str) -> None:
    """Nobody is let in any more because the organisation had proved this domain.

    Sessions that its IdP had opened for such addresses end. Accounts that hold nothing but the domain's word for their
    address have proved it no more: whoever proves the domain next must not inherit them.
    """
    ending = f"@{name_key}"
    grants = SessionGrant.objects.filter(org=org, method=SignInMethod.SAML, membership__email_key__endswith=ending)
    grants.delete()
    addresses = EmailAddress.objects.filter(email__endswith=ending, verified=True)
    addresses.filter(user__in=queries.accounts_without_own_proof()).update(verified=False)


def delete_expired_grants(*, before: datetime) -> int:
    """Grants that ended before this time are gone. Returns how many there were."""
    deleted, _ = SessionGrant.objects.filter(expires_at__lt=before).delete()
    return deleted


def delete_unused_account(*, user: User) -> None:
    """The account that a directory made, and nobody ever used, is gone with its addresses."""
    user.delete()
