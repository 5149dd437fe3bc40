"""The few acts that cross apps: called by commands, sign-up and the admin."""

from dataclasses import dataclass, field

from django.db import transaction

from orgs.audit import services as audit
from orgs.base import outbound
from orgs.base.actor import Actor
from orgs.domains import services as domains
from orgs.domains.models import Domain
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people.errors import AddressFormer, MembershipExists, MembershipSuspended
from orgs.providers.registry import provider
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import OwnerCanSignIn
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import AddressKind, GrantSource, MembershipState, Role
from scim.directories import services as directories
from scim.directories.types import MemberListing
from scim.users.services import set_listing
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.connections.types import SignInRules
from sso.metadata import services as metadata
from sso.metadata.types import MetadataUse
from sso.versions import services as versions

# the account of a member who had the address before isn't its present reader's (decision 16)
FORMER_KINDS = frozenset({AddressKind.FORMER, AddressKind.NAME_ID})


@dataclass(frozen=True, slots=True)
class NewOrganization:
    """What a new organization is called, and who owns it; the owner's address counts as verified."""

    name: str
    slug: str
    owner_email: str
    owner_password: str | None = field(default=None, repr=False)
    lists_members: bool = True


@transaction.atomic
def create_org(*, order: NewOrganization, actor: Actor) -> tuple[Organization, User]:
    """Create an organization with its owner and its directory. Raises SlugTaken, AddressInvalid, ExistingAccountClosed.

    An account that has verified the address becomes the owner and keeps its password; else a new account is created, and
    accounts that only claim the address lose it.
    """
    org = tenancy.create_organization(name=order.name, slug=order.slug)
    target = audit.AuditTarget("organization", str(org.public_id), org.name)
    audit.record(org=org, actor=actor, action="organization.created", target=target)
    owner, _ = tenancy.create_or_take_account(email=order.owner_email, password=order.owner_password)
    people.create_owner_membership(org=org, user=owner, email=order.owner_email, actor=actor)
    directory = directories.create_directory(org=org, actor=actor)
    if order.lists_members:
        set_listing(directory=directory, listing=MemberListing.UNTIL_SYNC, actor=actor)
    return org, owner


@dataclass(frozen=True, slots=True)
class NewOwner:
    """Who becomes an owner of an organization; the address counts as verified by the operator.

    `takes_account` says that an account which has the address already is that person's.
    """

    email: str
    password: str | None = field(default=None, repr=False)
    takes_account: bool = False


@transaction.atomic
def add_owner(*, org: Organization, order: NewOwner, actor: Actor) -> tuple[User, bool]:
    """Give an organization an owner when none of its owners can sign in any more; the flag says whether the account is new.

    The account that has verified the address is taken, if the order says so, else a new one. Raises OwnerCanSignIn,
    AccountExists, ExistingAccountClosed, AddressFormer, AddressInvalid, MembershipSuspended, MembershipExists.
    """
    # held first: of two operators the second finds the first one's owner
    tenancy_queries.lock_organization(org.pk)
    if tenancy_queries.owners_who_can_sign_in(org).exists():
        raise OwnerCanSignIn
    account, is_new = tenancy.create_or_take_account(
        email=order.email, password=order.password, takes_account=order.takes_account
    )
    own = people_queries.membership_for(org, account, order.email)
    if own is None:
        people.create_owner_membership(org=org, user=account, email=order.email, actor=actor)
    else:
        _make_owner(own, account, order.email, actor)
    return account, is_new


def _make_owner(membership: Membership, account: User, address: str, actor: Actor) -> None:
    """Raises AddressFormer, MembershipSuspended, MembershipExists."""
    locked = people.lock_membership(membership)
    if people_queries.address_kinds(locked.org, address).get(locked.pk) in FORMER_KINDS:
        raise AddressFormer
    if locked.user_id is None and locked.state == MembershipState.INVITED:
        people.join(membership=locked, user=account, actor=actor)
    if locked.user_id not in {None, account.pk}:
        raise MembershipExists
    if not locked.is_active:
        raise MembershipSuspended
    people.grant_role(membership=locked, role=Role.OWNER, source=GrantSource.PERSON, actor=actor)


@transaction.atomic
def add_domain(*, org: Organization, name: str, verified: bool, actor: Actor) -> Domain:
    """Add the domain to the organization, verified when an operator has checked it by other means than DNS.

    Raises DomainInvalid, DomainIsPublic, DomainTaken, TooManyDomains.
    """
    domain = domains.add_domain(org=org, name=name, actor=actor)
    if verified:
        domains.mark_verified(domain=domain, actor=actor)
    return domain


@dataclass(frozen=True, slots=True)
class NewConnection:
    """A connection as an operator orders it; the metadata comes from a URL, or as a document when there is none."""

    name: str
    provider: str
    rules: SignInRules
    document: bytes = field(default=b"", repr=False)
    url: str = ""
    turn_on: bool = False
    accepts_expired: bool = False


def create_connection(*, org: Organization, order: NewConnection, actor: Actor) -> Connection:
    """Create a complete connection in one transaction, turned on without a test when the order says so.

    Raises ConnectionNameTaken, TooManyConnections, OutboundRefused, MetadataRefused, CertificatesExpired.
    """
    # fetched before the transaction: a slow server must not hold the database
    document = outbound.fetch(order.url).content if order.url else order.document
    with transaction.atomic():
        made = metadata.create_connection(org=org, name=order.name, rules=order.rules, actor=actor)
        chosen = provider(order.provider)
        versions.choose_provider(
            connection=made, provider=chosen.code, name_id_format=chosen.guide.name_id_format, revision=1, actor=actor
        )
        snapshot = metadata.take_document(connection=made, document=document, url=order.url)
        use = MetadataUse(accepts_expired=order.accepts_expired)
        metadata.use_snapshot(connection=made, snapshot=snapshot, revision=2, actor=actor, use=use)
        versions.finish_setup(connection=made, actor=actor)
        if order.turn_on:
            connections.turn_on(connection=made, actor=actor, without_test=True)
    return made
