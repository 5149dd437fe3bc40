"""Which account receives a membership at once, and what a former address of a member still means."""

from django.db import transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base.actor import Actor
from orgs.base.text import address_key
from orgs.consent import queries
from orgs.domains import queries as domains
from orgs.events import services as outbox
from orgs.events.services import Changes
from orgs.events.types import Mail
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressTaken, LastOwner
from orgs.tenancy.models import Membership, MembershipAddress, User
from orgs.tenancy.types import AddressKind, Role


def account_to_join(*, membership: Membership, changes: Changes) -> User | None:
    """Return the account that receives this membership without being asked, or None when its person must be asked.

    The caller's transaction holds the membership. Where the domain of the address is verified and no account has verified
    the address, the organization makes one. Raises LastOwner.
    """
    domain = domains.rely_on_domain(membership.org_id, membership.email, is_late=True)
    if domain is None:
        return None
    _remove_address(membership, changes)
    account = tenancy_queries.account_for_address(membership.email)
    if account is None:
        try:
            return tenancy.create_account(email=membership.email, verified=True, made_by=membership.org)
        except AddressTaken:
            # an account may have verified the address since it was looked up
            account = tenancy_queries.account_for_address(membership.email)
            if account is None:
                raise
    return account if queries.may_join_unasked(membership, account, domain) else None


def remove_address_of_former_holders(*, membership: Membership, changes: Changes) -> None:
    """Remove the address of this membership from the accounts of members who had it before.

    Whoever reads the mailbox now is somebody else: a password reset must not open the former person's account. Only an
    organization that has verified the domain can say so. The caller's transaction holds the membership. Raises LastOwner
    when no owner could sign in any more.
    """
    if domains.rely_on_domain(membership.org_id, membership.email, is_late=True) is not None:
        _remove_address(membership, changes)


def _remove_address(membership: Membership, changes: Changes) -> None:
    for former in queries.former_holders(membership):
        if former.user is None or former.user_id == membership.user_id:
            continue
        if membership.email_key not in tenancy_queries.verified_keys_of(former.user):
            continue
        tenancy.remove_account_address(user=former.user, address=membership.email)
        _refuse_to_lose_last_owner(former)
        change = Change(before={"account_address": membership.email})
        target = AuditTarget.of_membership(former)
        changes.record("membership.account_address_removed", target, change)
        _mail_other_addresses("address_reassigned", former.user, {"org": membership.org, "address": membership.email})


@transaction.atomic
def remove_early_address(*, membership: Membership, account: User, actor: Actor) -> None:
    """Remove the address of this waiting membership from an account that verified it before the organization's domain.

    Who reads the mailbox now says that the account isn't theirs, so the mailbox and the account's other addresses are
    told. Raises LastOwner when this organization would have no owner who can sign in any more.
    """
    tenancy.remove_account_address(user=account, address=membership.email)
    own = queries.membership_in(membership.org_id, account)
    if own is not None:
        _refuse_to_lose_last_owner(own)
    change = Change(before={"account_address": membership.email})
    target = AuditTarget.of_membership(membership)
    action = "membership.address_freed_by_link"
    audit.record(org=membership.org, actor=actor, action=action, target=target, change=change)
    context: dict[str, object] = {"org": membership.org, "address": membership.email}
    _mail_account("address_freed", membership.email, context)
    _mail_other_addresses("address_removed", account, context)


def _mail_other_addresses(template: str, account: User, context: dict[str, object]) -> None:
    for address in sorted(tenancy_queries.verified_keys_of(account)):
        _mail_account(template, address, context)


def _mail_account(template: str, to: str, context: dict[str, object]) -> None:
    outbox.add_account_mail(mail=outbox.render_mail(Mail(template=template, to=to, context=context)), key=template)


def _refuse_to_lose_last_owner(former: Membership) -> None:
    """Raises LastOwner when this owner's account has lost its last address, and no other owner can sign in.

    The membership that takes the address is locked already.
    """
    if former.role != Role.OWNER or not former.is_active:
        return
    org = tenancy_queries.lock_organization(former.org_id, is_late=True)
    if not tenancy_queries.owners_who_can_sign_in(org).exists():
        raise LastOwner


def leave_deprovisioned_membership(*, user: User, changes: Changes) -> None:
    """Take the account off a membership that the directory deleted, so that it can have another one here.

    A person who consents to a new membership keeps nothing of the former one. In the caller's transaction.
    """
    former = queries.lock_deprovisioned(changes.org_id, user)
    if former is None:
        return
    former.user = None
    former.save(update_fields=["user"])
    changes.record("membership.account_removed", AuditTarget.of_membership(former))


@transaction.atomic
def keep_as_name_id(*, membership: Membership, address: str) -> bool:
    """Let a former address of this member be their Name ID until somebody else has the address; say whether it is now.

    Whoever takes the address at the same time waits for this, or was before.
    """
    rows = MembershipAddress.objects.filter(org_id=membership.org_id, address_key=address_key(address))
    own = rows.select_for_update().filter(membership=membership, kind=AddressKind.FORMER).first()
    others = rows.exclude(membership=membership).exclude(kind=AddressKind.FORMER)
    if own is None or others.exists():
        return False
    own.kind = AddressKind.NAME_ID
    own.save(update_fields=["kind"])
    return True
