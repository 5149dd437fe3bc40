from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable

from orgs.base import credentials
from orgs.base.clock import now
from orgs.base.statements import Rows, Statement, moment, number, text
from orgs.base.text import address_key, mailbox_key, text_key
from orgs.consent import queries as consent
from orgs.events import queries as events
from orgs.people.errors import InvitationUnknown, MembershipUnknown
from orgs.people.models import Invitation, InvitationLink
from orgs.people.types import INVITATION_MAIL, PORTION, Asked, MemberFilter
from orgs.tenancy import queries as tenancy
from orgs.tenancy.models import (
    Membership,
    MembershipAddress,
    Organization,
    RoleGrant,
    SessionGrant,
    Suspension,
    User,
)
from orgs.tenancy.types import (
    SETTINGS_ROLES,
    AddressKind,
    GrantSource,
    MembershipOrigin,
    MembershipState,
    Role,
    SuspensionSource,
)

M = TypeVar("M", bound=Model)
HELD_MEMBERSHIP = Statement(
    lambda: (
        Membership.objects.select_for_update(of=("self",))
        .select_related("org", "user")
        .filter(org_id=number("org"), pk=number("pk"))
        .order_by()
    )
)
MEMBERSHIP_OF_ADDRESS = Statement(
    lambda: (
        Membership.objects.filter(org_id=number("org"), email_key=text("key"), deprovisioned_at=None)
        .select_related("org", "user")
        .order_by()[:1]
    )
)


def is_used() -> Combinable:
    """Return what finds memberships that somebody reached, or about which a person has said something: a role, a hold."""
    return (
        Q(last_sign_in_at__isnull=False)
        | Exists(_of_membership(RoleGrant).filter(source=GrantSource.PERSON))
        | Exists(_of_membership(Suspension).exclude(source=SuspensionSource.SCIM))
        | Exists(_of_membership(SessionGrant))
    )


def _of_membership(model: type[M]) -> QuerySet[M]:
    return model._default_manager.filter(org_id=OuterRef("org_id"), membership_id=OuterRef("pk"))  # noqa: SLF001


def _asked() -> QuerySet[Membership, Any]:
    mine = {"org_id": OuterRef("org_id"), "invitation__membership_id": OuterRef("pk"), "invitation__accepted_at": None}
    links = InvitationLink.objects.filter(**mine, address_key=OuterRef("email_key"), expires_at__gt=moment("now"))
    mails = events.waiting().filter(org_id=OuterRef("org_id"), kind=INVITATION_MAIL, key=text("key"))
    found = Membership.objects.filter(org_id=number("org"), pk=number("pk")).annotate(
        linked_at=Subquery(links.order_by("-created_at").values("created_at")[:1]), is_mail_planned=Exists(mails)
    )
    return found.order_by().values_list("invitation__pk", "invitation__delayed_until", "linked_at", "is_mail_planned")


ASKED = Rows(Asked, _asked)
USED = Rows(
    int,
    lambda: Membership.objects.filter(is_used(), org_id=number("org"), pk=number("pk")).order_by().values_list("pk"),
)
ADDRESS_KINDS = Statement(
    lambda: MembershipAddress.objects.filter(org_id=number("org"), address_key=text("key")).values_list(
        "membership_id", "kind"
    )
)


def list_members(org: Organization, shown: MemberFilter) -> QuerySet[Membership]:
    """Return the memberships of an organization by name, with their grants and suspensions, in a fixed number of queries."""
    memberships = Membership.objects.filter(org=org)
    for word in text_key(shown.text).split():
        memberships = memberships.filter(Q(name_key__contains=word) | Q(email_key__contains=mailbox_key(word)))
    if shown.origin in MembershipOrigin.values:
        memberships = memberships.filter(origins__contains=shown.origin)
    if shown.state in MembershipState.values:
        memberships = memberships.filter(state=shown.state)
    return memberships.select_related("invitation").prefetch_related("grants", "suspensions").order_by("name_key", "id")


def membership_of_address(org: Organization, address: str) -> Membership | None:
    """Return the membership that has this address now. Former addresses don't count: they may have gone to somebody else."""
    return MEMBERSHIP_OF_ADDRESS.first(org=org.pk, key=address_key(address))


def membership_for(org: Organization, account: User, address: str) -> Membership | None:
    """Return the account's own membership in the organization, else the one that has this address, as an operator means it."""
    own = Membership.objects.filter(org=org, user=account).select_related("org").first()
    return own or membership_of_address(org, address)


def address_kinds(org: Organization, address: str) -> dict[int, AddressKind]:
    """Return what this address is to each membership that has it or had it, by the membership's id."""
    rows = ADDRESS_KINDS.all(org=org.pk, key=address_key(address))
    return {membership: AddressKind(kind) for membership, kind in rows}


def is_address_new(org: Organization, address: str) -> bool:
    """Say whether no membership of the organization has, or had, this address."""
    return not ADDRESS_KINDS.all(org=org.pk, key=address_key(address))


def is_address_deprovisioned(org: Organization, address: str) -> bool:
    """Say whether the directory has deleted a member who had this address last."""
    key = address_key(address)
    rows = MembershipAddress.objects.filter(org=org, address_key=key, kind=AddressKind.FORMER)
    return rows.filter(membership__email_key=key, membership__deprovisioned_at__isnull=False).exists()


def state_of(membership: Membership) -> MembershipState:
    """Return the state that follows from who has the membership and what holds it."""
    if Suspension.objects.filter(org_id=membership.org_id, membership=membership).exists():
        return MembershipState.SUSPENDED
    return MembershipState.ACTIVE if membership.user_id is not None else MembershipState.INVITED


def profile_of(membership: Membership) -> dict[str, str]:
    """Return what the membership shows of its person, as the audit log keeps it. No query."""
    return {
        "email": membership.email,
        "given_name": membership.given_name,
        "family_name": membership.family_name,
        "display_name": membership.display_name,
    }


def suspending_directories(membership: Membership) -> frozenset[UUID]:
    """Return the public ids of the directories that suspend the membership."""
    rows = Suspension.objects.filter(org_id=membership.org_id, membership=membership, directory__isnull=False)
    return frozenset(row for row in rows.values_list("directory", flat=True) if row is not None)


def was_never_used(membership: Membership) -> bool:
    """Say whether nobody ever reached this membership, and no person has said anything about it: no role given, no hold put."""
    return membership.last_sign_in_at is None and not USED.all(org=membership.org_id, pk=membership.pk)


def waiting_in_domain(org: Organization, domain: str, *, after: int) -> Sequence[Membership]:
    """Return the first hundred memberships behind this id that nobody has yet under one domain, in the order of locking."""
    memberships = Membership.objects.filter(
        org=org, user=None, deprovisioned_at=None, email_key__endswith=f"@{domain}", pk__gt=after
    )
    return list(memberships.order_by("id")[:PORTION])


def active_owner_count(org: Organization, *, without: Membership) -> int:
    """Say how many active owners who can sign in by themselves the organization keeps when this one is gone."""
    return tenancy.owners_who_can_sign_in(org).exclude(pk=without.pk).count()


def find_invitation(secret: str) -> Invitation:
    """Return the open invitation that this link's secret belongs to. Raises InvitationUnknown."""
    return find_link(secret).invitation


def find_link(secret: str) -> InvitationLink:
    """Return the link with this secret, of an open invitation. Raises InvitationUnknown."""
    link = (
        InvitationLink.objects.filter(digest=credentials.digest(secret), expires_at__gt=now())
        .filter(invitation__accepted_at=None, address_key=F("invitation__membership__email_key"))
        .select_related("invitation__org", "invitation__membership")
        .first()
    )
    if link is None or link.invitation.membership.user_id is not None:
        raise InvitationUnknown
    return link


def has_open_invitation(membership: Membership) -> bool:
    """Say whether this membership has an invitation that can be accepted, or is about to be sent."""
    invitations = Invitation.objects.filter(org_id=membership.org_id, membership=membership, accepted_at=None)
    return invitations.filter(expires_at=None).exists() or has_link(membership)


def has_link(membership: Membership) -> bool:
    """Say whether the mailbox of this membership has a link that can be used."""
    return is_linked(membership, asked(membership))


def is_linked(membership: Membership, known: Asked) -> bool:
    """Do what `has_link` does with what is known of how the membership was asked."""
    return known.linked_at is not None and consent.is_link_fresh(membership, known.linked_at)


def asked(membership: Membership) -> Asked:
    """Return how this membership has been asked so far. One statement."""
    found = ASKED.first(org=membership.org_id, pk=membership.pk, key=str(membership.public_id), now=now())
    if found is None:
        raise MembershipUnknown
    return found


def has_directory_members(org: Organization) -> bool:
    """Say whether a directory has brought anybody: then it decides who belongs here."""
    return Membership.objects.filter(org=org, origins__contains=MembershipOrigin.SCIM).exists()


def count_by_state(org: Organization) -> dict[str, int]:
    """Return how many memberships are in each state that any membership is in."""
    counted = Membership.objects.filter(org=org).order_by().values_list("state").annotate(Count("id"))
    return dict(counted)


def may_change_settings(org: Organization, user: User) -> bool:
    """Say whether this person is an active owner or admin of the organization."""
    memberships = Membership.objects.filter(org=org, user=user, state=MembershipState.ACTIVE)
    return memberships.filter(role__in=SETTINGS_ROLES).exists()


def settings_addresses(org: Organization) -> Sequence[str]:
    """Return where the organization's active owners and admins read notices: never the private address of an account."""
    admins = Membership.objects.filter(org=org, role__in=SETTINGS_ROLES, state=MembershipState.ACTIVE)
    return list(admins.order_by("id").values_list("email", flat=True))


def lock_membership(membership: Membership, *, may_lose_owner: bool = False) -> Membership:
    """Return the membership as it is now, held until the transaction ends; an owner's organization is held first.

    Lock order is organization, then membership: only owners need the organization's row. Who has become one since the
    membership was read is refused for this time, if somebody else holds that row. Raises MembershipUnknown.
    """
    is_org_held = may_lose_owner or membership.role == Role.OWNER
    if is_org_held:
        tenancy.lock_organization(membership.org_id)
    found = HELD_MEMBERSHIP.first(org=membership.org_id, pk=membership.pk)
    if found is None:
        raise MembershipUnknown
    if found.role == Role.OWNER and not is_org_held:
        tenancy.lock_organization(found.org_id, is_late=True)
    return found
