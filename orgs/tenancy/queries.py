from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from orgs.base.clock import now
from orgs.base.statements import Rows, Statement, moment, number, text
from orgs.base.text import address_key
from orgs.tenancy.errors import AccountUnknown, OrganizationUnknown
from orgs.tenancy.models import AddressVerification, Membership, Organization, SessionGrant, User
from orgs.tenancy.types import PERSONAL_METHODS, UNVERIFIED_FOR, MembershipState, Role, SignInMethod

# each costs a sign-in one more hash of its password
CLAIMS_TRIED = 3
OWNER_WHO_CAN_SIGN_IN = Q(
    role=Role.OWNER, state=MembershipState.ACTIVE, user__is_active=True, user__email_key__isnull=False
)

PERSONAL_SESSIONS = Statement(
    lambda: SessionGrant.objects.filter(
        membership__user_id=number("user"), method__in=PERSONAL_METHODS, expires_at__gt=moment("now")
    ).order_by("session", "id")
)
HELD_ACCOUNT = Statement(lambda: User.objects.select_for_update().filter(pk=number("pk")).order_by())
ADDRESS_KNOWN = Statement(lambda: EmailAddress.objects.filter(email=text("key")).order_by().values_list("pk")[:1])


def _with_more() -> QuerySet[User, Any]:
    """Return accounts that have a second factor, or more than one address."""
    factors = Authenticator.objects.filter(user_id=OuterRef("pk"))
    addresses = EmailAddress.objects.filter(user_id=OuterRef("pk")).order_by("pk")
    found = User.objects.filter(Exists(factors) | Exists(addresses[1:2]), pk=number("pk"))
    return found.order_by().values_list("pk")


ACCOUNT_WITH_MORE = Rows(int, _with_more)


def find_organization(slug: str) -> Organization:
    """Raises OrganizationUnknown."""
    try:
        return Organization.objects.get(slug=slug)
    except Organization.DoesNotExist as error:
        raise OrganizationUnknown from error


def lock_organization(org_id: int, *, is_late: bool = False) -> Organization:
    """Lock the organization's row until the transaction ends: acts that may lose its last owner take turns here.

    With `is_late` a membership of it is locked already: then nobody is waited for, who might wait for that membership. It
    raises OperationalError instead, which the edge answers like a busy database: the next attempt takes the right order.
    New rows that refer to the organization, as those of the audit log, don't wait: they would, and could deadlock, if the
    lock were one that also forbids such references.
    """
    return Organization.objects.select_for_update(no_key=True, nowait=is_late).get(pk=org_id)


def live_grants(session: UUID) -> Sequence[SessionGrant]:
    """Return what a browser session may reach now, by organization name. One query."""
    return list(
        SessionGrant.objects.filter(session=session, expires_at__gt=now(), membership__state=MembershipState.ACTIVE)
        .select_related("org", "membership")
        .order_by("org__name", "org_id")
    )


def sessions_through(org: Organization, connection: UUID) -> int:
    """Say how many sessions that came through this connection reach the organization now."""
    return SessionGrant.objects.filter(org=org, connection=connection, expires_at__gt=now()).count()


def grants_by_certificates(
    org: Organization, connection: UUID, fingerprints: Collection[str]
) -> QuerySet[SessionGrant]:
    """Return the live grants of sessions that this connection opened by one of these certificates."""
    signed = Q(pk__in=[])
    for fingerprint in fingerprints:
        signed |= Q(certificates__contains=fingerprint)
    return SessionGrant.objects.filter(signed, org=org, connection=connection, expires_at__gt=now())


def idp_sessions_under(org: Organization, domain_key: str) -> QuerySet[SessionGrant]:
    """Return the organization's live sessions that its IdP opened for an address under this domain."""
    opened = SessionGrant.objects.filter(org=org, method=SignInMethod.SAML, expires_at__gt=now())
    return opened.filter(membership__email_key__endswith=f"@{domain_key}")


def members_by_idp_alone(org: Organization, domain_key: str) -> QuerySet[Membership]:
    """Return the organization's active memberships under this domain whose person has no proof of their own."""
    memberships = Membership.objects.filter(org=org, state=MembershipState.ACTIVE, email_key__endswith=f"@{domain_key}")
    return memberships.filter(user__in=accounts_without_own_proof())


def personal_sessions_of(user: User) -> Sequence[SessionGrant]:
    """Return one grant for each live session in which this person gave a personal proof."""
    grants: list[SessionGrant] = PERSONAL_SESSIONS.all(user=user.pk, now=now())
    return list({grant.session: grant for grant in grants}.values())


def has_personal_grant(membership: Membership, session: UUID) -> bool:
    """Say whether a personal proof opens this membership to the session now."""
    grants = SessionGrant.objects.filter(org_id=membership.org_id, membership=membership, session=session)
    return grants.filter(method__in=PERSONAL_METHODS, expires_at__gt=now()).exists()


def has_session_grant(membership: Membership, session: UUID) -> bool:
    """Say whether the session has a grant of this membership now."""
    grants = SessionGrant.objects.filter(org_id=membership.org_id, membership=membership, session=session)
    return grants.filter(expires_at__gt=now(), membership__state=MembershipState.ACTIVE).exists()


def active_memberships_of(user: User) -> QuerySet[Membership]:
    """Return the memberships that a personal proof of this account opens."""
    return Membership.objects.filter(user=user, state=MembershipState.ACTIVE).select_related("org")


def waiting_memberships_of(user: User) -> QuerySet[Membership]:
    """Return memberships that wait for the consent of whoever reads one of this account's verified addresses.

    An account has one membership in an organization: where it has one already, no other can be taken.
    """
    return (
        Membership.objects.filter(state=MembershipState.INVITED, user=None, email_key__in=verified_keys_of(user))
        .exclude(org__in=Organization.objects.filter(memberships__user=user, memberships__deprovisioned_at=None))
        .select_related("org")
        .order_by("org__name", "id")
    )


def verifications() -> QuerySet[AddressVerification]:
    """Return the verifications that count: allauth's row of the same account and address says verified, too."""
    address = EmailAddress.objects.filter(user=OuterRef("user"), email=OuterRef("address_key"), verified=True)
    return AddressVerification.objects.filter(Exists(address))


def verified_keys_of(user: User) -> frozenset[str]:
    """Return the keys of the addresses that this account has verified."""
    return frozenset(verifications().filter(user=user).values_list("address_key", flat=True))


def verified_at(user: User, address: str) -> datetime | None:
    """Return when this account last verified the address; None when it hasn't, or has lost it since."""
    found = verifications().filter(user=user, address_key=address_key(address))
    return found.values_list("verified_at", flat=True).first()


def first_verified_key(user: User) -> str | None:
    """Return the address that this account verified first, of those that it still has."""
    found = verifications().filter(user=user).order_by("verified_at", "pk")
    return found.values_list("address_key", flat=True).first()


def accounts_without_own_proof() -> QuerySet[User]:
    """Return the accounts with neither password nor passkey: only an IdP's assertion or a mailbox opens them."""
    without_password = User.objects.filter(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return without_password.exclude(pk__in=Authenticator.objects.values("user"))


def account_for_address(address: str) -> User | None:
    """Return the account that verified this address, as its primary one or as another of its addresses."""
    found = verifications().filter(address_key=address_key(address)).select_related("user").first()
    return found.user if found is not None else None


def is_address_known(address: str) -> bool:
    """Say whether some account has this address, verified or not."""
    return ADDRESS_KNOWN.first(key=address_key(address)) is not None


def accounts_behind(address: str) -> list[User]:
    """Return whom a password or a reset for this address may mean: the account that verified it, else some that claim it."""
    holder = account_for_address(address)
    return [holder] if holder is not None else list(accounts_claiming(address)[:CLAIMS_TRIED])


def addresses_of(user: User) -> list[str]:
    """Return the addresses of the account, verified or not."""
    return list(EmailAddress.objects.filter(user=user).order_by("pk").values_list("email", flat=True))


def accounts_claiming(address: str) -> QuerySet[User]:
    """Return the accounts without any verified address that gave this one; those with memberships first, then the newest.

    Nobody knows whose they are. Staff accounts are never among them.
    """
    claims = EmailAddress.objects.filter(email=address_key(address)).values("user")
    has_memberships = Exists(Membership.objects.filter(user=OuterRef("pk")))
    return without_verified_address().filter(pk__in=claims, is_staff=False).order_by(has_memberships.desc(), "-pk")


def without_verified_address() -> QuerySet[User]:
    """Return the accounts that have verified no address, or none that they still have."""
    return User.objects.exclude(Exists(verifications().filter(user=OuterRef("pk"))))


def deletable_accounts() -> QuerySet[User]:
    """Return the accounts that hold nothing: no verified address, no membership, no right of staff.

    One that has lost its address is kept for some days from then, in which its person can add another.
    """
    has_memberships = Exists(Membership.objects.filter(user=OuterRef("pk")))
    is_kept = Q(address_lost_at__gte=now() - UNVERIFIED_FOR)
    return without_verified_address().filter(~has_memberships, ~is_kept, is_staff=False)


def lock_address(address: str) -> None:
    """Hold an address until the transaction ends: accounts that verify it at once take turns.

    It comes before any account is locked. SQLite has one writer at a time and needs no lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"address:{address_key(address)}"])


def lock_accounts_of_address(address: str, *, and_account: User | None = None) -> list[User]:
    """Return every account that has this address, verified or not, and this one; locked until the transaction ends."""
    holds_it = Q(pk__in=EmailAddress.objects.filter(email=address_key(address)).values("user"))
    wanted = holds_it if and_account is None else holds_it | Q(pk=and_account.pk)
    return list(User.objects.select_for_update().filter(wanted).order_by("pk"))


def lock_account(user: User) -> User:
    """Return the account as it is now, held until the transaction ends: a reset of its password waits, or was before.

    Raises AccountUnknown.
    """
    found = HELD_ACCOUNT.first(pk=user.pk)
    if found is None:
        raise AccountUnknown
    return found


def was_never_used(user: User) -> bool:
    """Say whether nobody ever did anything with this account: no sign-in, password, second factor, or other address."""
    if user.last_login or user.is_staff or user.has_usable_password():
        return False
    return not ACCOUNT_WITH_MORE.all(pk=user.pk)


def owners_who_can_sign_in(org: Organization) -> QuerySet[Membership]:
    """Return the active owners whose account is open and has a verified address: no identity provider is needed to reach it."""
    return Membership.objects.filter(OWNER_WHO_CAN_SIGN_IN, org=org)


def organizations_without_owner() -> QuerySet[Organization]:
    """Return the organizations that have members, but no owner who can sign in, by slug: an operator must add one."""
    members = Membership.objects.filter(org=OuterRef("pk"), state=MembershipState.ACTIVE)
    return Organization.objects.filter(Exists(members), ~Exists(members.filter(OWNER_WHO_CAN_SIGN_IN))).order_by("slug")


def has_passkey(user: User) -> bool:
    """Say whether the account can sign in by a passkey, which needs no address."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).exists())


def owns_elsewhere(user: User, org: Organization) -> bool:
    """Say whether the account is an owner of another organization."""
    return Membership.objects.filter(user=user, role=Role.OWNER).exclude(org=org).exists()


def has_other_memberships(user: User, org: Organization) -> bool:
    """Say whether the account has a membership in another organization, in whatever state."""
    return Membership.objects.filter(user=user).exclude(org=org).exists()
