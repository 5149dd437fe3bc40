"""The links of invitations, how much invitation mail is sent, and when ended invitations are deleted."""

from datetime import datetime

from django.db import transaction

from orgs.base import counters, credentials, portions
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.consent import queries as consent_queries
from orgs.consent import services as consent
from orgs.domains import queries as domains
from orgs.events import queries as outbox
from orgs.invitations import queries
from orgs.invitations.types import INVITATIONS_OF_ORG, INVITATIONS_TO_ADDRESS, CountedMail, Delay
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people.errors import AddressKept, InvitationUnknown
from orgs.people.models import Invitation, InvitationLink
from orgs.people.types import INVITATION_LIFE, INVITATION_MAIL, INVITATION_PREFIX
from orgs.tenancy import queries as tenancy
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import MembershipState


@transaction.atomic
def prepare_invitation(*, org: Organization, membership_public_id: str) -> tuple[Membership, str] | None:
    """Mint the secret of one more link for this invitation; None when nobody waits there any more.

    Links of earlier mails stay good: mail arrives late, and in any order.
    """
    invitation = (
        Invitation.objects.select_for_update(of=("self",))
        .filter(org=org, membership__public_id=membership_public_id, membership__state=MembershipState.INVITED)
        .select_related("membership__org")
        .first()
    )
    if invitation is None:
        return None
    secret, moment = credentials.mint(INVITATION_PREFIX), now()
    links = InvitationLink.objects.filter(org=org, invitation=invitation)
    links.filter(expires_at__lte=moment).delete()
    invitation.sent_at, invitation.expires_at = moment, moment + INVITATION_LIFE
    invitation.save(update_fields=["sent_at", "expires_at"])
    InvitationLink.objects.create(
        org=org,
        invitation=invitation,
        digest=secret.digest,
        address_key=invitation.membership.email_key,
        expires_at=invitation.expires_at,
    )
    return invitation.membership, secret.plain


@transaction.atomic
def free_address(*, secret: str, visitor: int | None, actor: Actor) -> Membership:
    """Let the invited person use their address for a new account: an account that verified it too early loses it.

    The mailed link proves that its reader has the mailbox now. The visitor is the id of the account that opens it. When
    no account has the address, nothing is changed. Returns the waiting membership. Raises InvitationUnknown, AddressKept,
    LastOwner.
    """
    membership, mailed_at = _lock_invited(secret)
    # held before the accounts, and until the end: the account may be verifying the address anew
    tenancy.lock_address(membership.email)
    account = tenancy.account_for_address(membership.email)
    if account is None and domains.has_verified(membership.org, membership.email):
        return membership
    if account is not None:
        account = tenancy.lock_account(account)
    if account is None or not consent_queries.may_remove_address(membership, visitor=visitor, mailed_at=mailed_at):
        raise AddressKept
    consent.remove_early_address(membership=membership, account=account, actor=actor)
    return membership


def _lock_invited(secret: str) -> tuple[Membership, datetime]:
    """Lock the membership that waits for the reader of this link, and its domain. Returns it, and when the link was mailed."""
    membership = people_queries.find_invitation(secret).membership
    domains.lock_verified_domains(membership.org, membership.email)
    # whose account has the address, and whether it is an owner's, is known for sure only when the address is held
    locked = people.lock_membership(membership, may_lose_owner=True)
    # withdrawn or accepted while this waited
    link = people_queries.find_link(secret)
    if locked.state != MembershipState.INVITED:
        raise InvitationUnknown
    return locked, link.created_at


def take_invitation_mail(*, org: Organization, membership_public_id: str) -> CountedMail | Delay:
    """Count one invitation mail to this membership's address. Returns the delay when the hour's bound is reached.

    The invitation stays as it is: who has a link can use it, and the mail leaves later. Runs outside of a transaction,
    so that parallel workers see each other's counts.
    """
    invitation = queries.waiting_invitation(org, membership_public_id)
    if invitation is None:
        return CountedMail()
    taken = _take(org, invitation.membership.email_key)
    delayed_until = taken.until if isinstance(taken, Delay) else None
    Invitation.objects.filter(org=org, pk=invitation.pk).update(delayed_until=delayed_until)
    return taken


def _take(org: Organization, address_key: str) -> CountedMail | Delay:
    """Count one mail for the address and for the organization; for neither when there is no room in one of them."""
    counted: list[str] = []
    for limit, key, who in (
        (INVITATIONS_TO_ADDRESS, address_key, "This address gets"),
        (INVITATIONS_OF_ORG, str(org.public_id), "This organization sends"),
    ):
        try:
            counted.append(counters.take(limit, key))
        except counters.LimitReached as reached:
            counters.give_back(*counted)
            return Delay(reached.until, f"{who} no more than {limit.amount} invitations an hour.")
    return CountedMail(tuple(counted))


def give_back_invitation_mail(*, counted: CountedMail) -> None:
    """Don't count an invitation mail that wasn't sent, in the hour in which it was counted."""
    counters.give_back(*counted.counters)


def delete_ended_invitations(*, before: datetime) -> int:
    """Delete invitations whose link ended before this time, except those about to be sent anew. Returns how many."""
    deleted = 0
    for portion in portions.primary_keys(queries.ended_invitations(before)):
        found = Invitation.objects.filter(pk__in=portion).values_list("pk", "membership__public_id")
        ended = {str(public_id): pk for pk, public_id in found}
        for key in outbox.waiting().filter(kind=INVITATION_MAIL, key__in=ended).values_list("key", flat=True):
            ended.pop(key, None)
        Invitation.objects.filter(pk__in=ended.values()).delete()
        deleted += len(ended)
    return deleted
