from collections.abc import Sequence
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import QuerySet

from orgs.base.clock import now
from orgs.base.text import address_key
from orgs.tenancy.errors import OrganizationUnknown
from orgs.tenancy.models import Membership, Organization, SessionGrant, User
from orgs.tenancy.types import PERSONAL_METHODS, MembershipState, Role, SignInMethod


def find_organization(slug: str) -> Organization:
    """Raises OrganizationUnknown."""
    try:
        return Organization.objects.get(slug=slug)
    except Organization.DoesNotExist as error:
        raise OrganizationUnknown from error


def lock_organization(org_id: int) -> Organization:
    """Hold the organisation's row until the transaction ends: whoever may take its last owner queues here."""
    return Organization.objects.select_for_update().get(pk=org_id)


def live_grants(session: UUID) -> Sequence[SessionGrant]:
    """Return what a browser session may reach now, by organisation name. One query."""
    return list(
        SessionGrant.objects.filter(session=session, expires_at__gt=now(), membership__state=MembershipState.ACTIVE)
        .select_related("org", "membership")
        .order_by("org__name", "org_id")
    )


def sessions_through(org: Organization, connection: UUID) -> int:
    """Say how many sessions that came through this connection reach the organisation now."""
    return SessionGrant.objects.filter(org=org, connection=connection, expires_at__gt=now()).count()


def idp_sessions_under(org: Organization, domain_key: str) -> QuerySet[SessionGrant]:
    """The organisation's live sessions that its IdP opened for an address under this domain."""
    opened = SessionGrant.objects.filter(org=org, method=SignInMethod.SAML, expires_at__gt=now())
    return opened.filter(membership__email_key__endswith=f"@{domain_key}")


def members_by_idp_alone(org: Organization, domain_key: str) -> QuerySet[Membership]:
    """The organisation's active seats under this domain whose person has no proof of their own."""
    seats = Membership.objects.filter(org=org, state=MembershipState.ACTIVE, email_key__endswith=f"@{domain_key}")
    return seats.filter(user__in=accounts_without_own_proof())


def personal_sessions_of(user: User) -> Sequence[SessionGrant]:
    """Return one grant for each live session in which this person gave a personal proof."""
    grants = SessionGrant.objects.filter(
        membership__user=user, method__in=PERSONAL_METHODS, expires_at__gt=now()
    ).order_by("session", "id")
    return list({grant.session: grant for grant in grants}.values())


def has_personal_grant(membership: Membership, session: UUID) -> bool:
    """Say whether a personal proof opens this seat to the session now."""
    grants = SessionGrant.objects.filter(org_id=membership.org_id, membership=membership, session=session)
    return grants.filter(method__in=PERSONAL_METHODS, expires_at__gt=now()).exists()


def active_seats_of(user: User) -> QuerySet[Membership]:
    """The seats that a personal proof of this account opens."""
    return Membership.objects.filter(user=user, state=MembershipState.ACTIVE).select_related("org")


def waiting_seats_of(user: User) -> QuerySet[Membership]:
    """Seats that wait for the consent of whoever reads one of this account's verified addresses.

    An account has one seat in an organisation: where it has one already, no other can be taken.
    """
    return (
        Membership.objects.filter(state=MembershipState.INVITED, user=None, email_key__in=verified_keys_of(user))
        .exclude(org__memberships__user=user)
        .select_related("org")
        .order_by("org__name", "id")
    )


def verified_keys_of(user: User) -> frozenset[str]:
    """Return the keys of the addresses that this person has proved to read."""
    addresses = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return frozenset(address_key(address) for address in addresses)


def accounts_without_own_proof() -> QuerySet[User]:
    """The accounts with neither a password nor a factor like a passkey: an IdP's word, or a mailbox, is all that opens them."""
    without_password = User.objects.filter(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return without_password.exclude(pk__in=Authenticator.objects.values("user"))


def account_for_address(address: str) -> User | None:
    """Return the account that has this address, proved or not, as its own or as another of its addresses."""
    user = User.objects.filter(email_key=address_key(address)).first()
    if user is not None:
        return user
    row = EmailAddress.objects.filter(email=address_key(address), verified=True).select_related("user").first()
    return row.user if row is not None else None


def lock_account(user: User) -> User:
    """Return the account as it is now, held until the transaction ends: a reset of its password waits, or was before."""
    return User.objects.select_for_update().get(pk=user.pk)


def was_never_used(user: User) -> bool:
    """Say whether nobody ever did anything with this account: no sign-in, password, second factor, or other address."""
    if user.last_login or user.is_staff or user.has_usable_password():
        return False
    has_factor = Authenticator.objects.filter(user=user).exists()
    return not has_factor and EmailAddress.objects.filter(user=user).count() <= 1


def owns_elsewhere(user: User, org: Organization) -> bool:
    """Say whether the account is an owner of another organisation."""
    return Membership.objects.filter(user=user, role=Role.OWNER).exclude(org=org).exists()


def has_other_seats(user: User, org: Organization) -> bool:
    """Say whether the account has a seat in another organisation, in whatever state."""
    return Membership.objects.filter(user=user).exclude(org=org).exists()
