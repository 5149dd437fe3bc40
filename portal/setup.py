"""The few acts that cross apps: called by commands, sign-up and the admin."""

from dataclasses import dataclass, field

from django.db import transaction

from orgs.audit import services as audit
from orgs.base import outbound
from orgs.base.actor import Actor
from orgs.domains import services as domains
from orgs.domains.models import Domain
from orgs.people import services as people
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Organization, User
from scim.directories import services as directories
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.connections.types import SignInRules
from sso.metadata import services as metadata
from sso.providers.catalog import provider
from sso.versions import services as versions


@dataclass(frozen=True, slots=True)
class NewOrganization:
    """What a new organization is called, and who owns it; the owner's address counts as verified."""

    name: str
    slug: str
    owner_email: str
    owner_password: str | None = field(default=None, repr=False)


@transaction.atomic
def create_org(*, order: NewOrganization, actor: Actor) -> tuple[Organization, User]:
    """The organization has its owner and its directory. Raises SlugTaken, AddressInvalid.

    An account that has verified the address becomes the owner, and keeps its password; else a new account is created, and
    accounts that only claim the address lose it.
    """
    org = tenancy.create_organization(name=order.name, slug=order.slug)
    target = audit.AuditTarget("organization", str(org.public_id), org.name)
    audit.record(org=org, actor=actor, action="organization.created", target=target)
    owner = tenancy_queries.account_for_address(order.owner_email)
    if owner is None:
        owner = tenancy.create_account(email=order.owner_email, password=order.owner_password, verified=True)
    people.create_owner_membership(org=org, user=owner, actor=actor)
    directories.create_directory(org=org, actor=actor)
    return org, owner


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


def create_connection(*, org: Organization, order: NewConnection, actor: Actor) -> Connection:
    """A finished connection exists, turned on without a test when the order says so; or nothing does.

    Raises ConnectionNameTaken, TooManyConnections, OutboundRefused, MetadataRefused.
    """
    # fetched before the transaction: a slow server must not hold the database
    document = outbound.fetch(order.url).content if order.url else order.document
    with transaction.atomic():
        made = connections.create_connection(org=org, name=order.name, rules=order.rules, actor=actor)
        chosen = provider(order.provider)
        versions.choose_provider(
            connection=made, provider=chosen.code, name_id_format=chosen.name_id_format, revision=1, actor=actor
        )
        snapshot = metadata.take_document(connection=made, document=document, url=order.url)
        metadata.use_snapshot(connection=made, snapshot=snapshot, revision=2, actor=actor)
        versions.finish_setup(connection=made, actor=actor)
        if order.turn_on:
            connections.turn_on(connection=made, actor=actor, without_test=True)
    return made
