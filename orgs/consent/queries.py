"""The rules by which a person becomes a member without being asked first."""

from datetime import datetime

from orgs.domains import queries as domains
from orgs.domains.models import Domain
from orgs.tenancy import queries as tenancy
from orgs.tenancy.models import Membership, MembershipAddress, User
from orgs.tenancy.types import AddressKind, MembershipState


def may_join_unasked(membership: Membership, account: User, domain: Domain) -> bool:
    """Say whether this account may receive the membership without being asked.

    The organization has verified this domain of the address, and the account proves that its person reads that address
    now: it verified the address after the domain was verified and after the address last changed hands here, or the
    organization itself made the account and nobody has used it. Staff and owners of other organizations are always
    asked, as is an account that has a membership here already.
    """
    if not account.is_active or account.is_staff:
        return False
    if tenancy.owns_elsewhere(account, membership.org) or has_other_membership(membership, account):
        return False
    return _was_made_here(membership, account) or has_fresh_verification(membership, account, domain)


def may_accept_without_link(membership: Membership, account: User) -> bool:
    """Say whether the account's own proof of the address is fresh enough to accept an invitation without its link."""
    domain = domains.verified_domain_of(membership.org, membership.email)
    return domain is not None and has_fresh_verification(membership, account, domain)


def is_link_fresh(membership: Membership, mailed_at: datetime) -> bool:
    """Say whether a link that was mailed then shows who reads the address now: since the domain was verified, if it is."""
    domain = domains.verified_domain_of(membership.org, membership.email)
    return domain is None or domain.verified_at is None or mailed_at > domain.verified_at


def may_remove_address(membership: Membership, *, visitor: int | None, mailed_at: datetime) -> bool:
    """Say whether an invitation's link that was mailed then may take the address from the account that has it.

    The visitor is the id of the account that opens the link: its own address it removes by itself. A link counts that was
    mailed after the account had verified the address, and after the domain was verified: who read an earlier one may not
    read the mailbox now. For a domain that the organization hasn't verified nothing is said: whoever has a link must not
    learn of accounts. Support decides about accounts of staff, closed accounts, and about one that owns another
    organization and could not sign in any more.
    """
    domain = domains.verified_domain_of(membership.org, membership.email)
    account = tenancy.account_for_address(membership.email)
    if membership.state != MembershipState.INVITED or domain is None or account is None:
        return False
    if account.is_staff or not account.is_active or account.pk == visitor:
        return False
    verified_at = tenancy.verified_at(account, membership.email)
    if verified_at is None or domain.verified_at is None or has_fresh_verification(membership, account, domain):
        return False
    return mailed_at > max(verified_at, domain.verified_at) and not _would_lose_organizations(membership, account)


def _would_lose_organizations(membership: Membership, account: User) -> bool:
    """Say whether the account owns another organization and can sign in by this address alone: a passkey needs none."""
    if tenancy.verified_keys_of(account) - {membership.email_key} or tenancy.has_passkey(account):
        return False
    return tenancy.owns_elsewhere(account, membership.org)


def is_address_of_own_account(membership: Membership) -> bool:
    """Say whether the address belongs to an account that somebody has used, in a domain that the organization has verified.

    Such an account may receive a membership without a link. So the organization must remember when the address changed
    hands, also when the former member never came. For other domains nothing is said: an admin must not learn of accounts.
    """
    if not domains.has_verified(membership.org, membership.email):
        return False
    account = membership.user or tenancy.account_for_address(membership.email)
    return account is not None and not tenancy.was_never_used(account)


def has_other_membership(membership: Membership, account: User) -> bool:
    """Say whether the account has another membership in the organization that its directory hasn't deleted."""
    others = Membership.objects.filter(org_id=membership.org_id, user=account, deprovisioned_at=None)
    return others.exclude(pk=membership.pk).exists()


def has_fresh_verification(membership: Membership, account: User, domain: Domain) -> bool:
    """Say whether the account verified the address since the domain was verified and the address last changed hands."""
    verified_at = tenancy.verified_at(account, membership.email)
    if verified_at is None or domain.verified_at is None or verified_at <= domain.verified_at:
        return False
    taken_over = _taken_over(membership)
    return taken_over is None or verified_at > taken_over.since


def membership_in(org_id: int, account: User) -> Membership | None:
    """Return the account's membership in the organization, in whatever state."""
    return Membership.objects.filter(org_id=org_id, user=account).first()


def lock_deprovisioned(org_id: int, account: User) -> Membership | None:
    """Return the membership of this account that the directory deleted, held until the transaction ends."""
    rows = Membership.objects.select_for_update(of=("self",)).select_related("org")
    return rows.filter(org_id=org_id, user=account, deprovisioned_at__isnull=False).first()


def former_holders(membership: Membership) -> list[Membership]:
    """Return the organization's other memberships that had the address of this one before."""
    rows = MembershipAddress.objects.filter(
        org_id=membership.org_id, address_key=membership.email_key, kind__in=(AddressKind.FORMER, AddressKind.NAME_ID)
    )
    return [row.membership for row in rows.exclude(membership=membership).select_related("membership__user")]


def _taken_over(membership: Membership) -> MembershipAddress | None:
    """Return since when the membership has its address, when another membership had it before."""
    if not former_holders(membership):
        return None
    return MembershipAddress.objects.get(
        org_id=membership.org_id, membership=membership, address_key=membership.email_key
    )


def _was_made_here(membership: Membership, account: User) -> bool:
    return (
        account.made_by_org_id == membership.org_id
        and membership.email_key in tenancy.verified_keys_of(account)
        and tenancy.was_never_used(account)
    )
