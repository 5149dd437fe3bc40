"""The few acts that cross apps: called by commands, sign-up and the admin."""

from dataclasses import dataclass, field

from django.db import transaction

from orgs.audit import services as audit
from orgs.base.actor import Actor
from orgs.domains import services as domains
from orgs.domains.models import Domain
from orgs.people import services as people
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Organization, User
from scim.directories import services as directories


@dataclass(frozen=True, slots=True)
class NewOrganization:
    """What a new organisation is called, and who owns it; the owner's address counts as verified."""

    name: str
    slug: str
    owner_email: str
    owner_password: str | None = field(default=None, repr=False)


@transaction.atomic
def create_org(*, order: NewOrganization, actor: Actor) -> tuple[Organization, User]:
    """The organisation has its owner and its directory. Raises SlugTaken, AddressInvalid.

    An account that has proved the address already becomes the owner; its password stays as it is.
    """
    org = tenancy.create_organization(name=order.name, slug=order.slug)
    target = audit.Target("organization", str(org.public_id), org.name)
    audit.record(org=org, actor=actor, action="organization.created", target=target)
    owner = tenancy_queries.account_for_address(order.owner_email)
    if owner is None:
        owner = tenancy.create_account(email=order.owner_email, password=order.owner_password, verified=True)
    tenancy.vouch_for_address(user=owner, address=order.owner_email, password=order.owner_password)
    people.create_owner_seat(org=org, user=owner, actor=actor)
    directories.create_directory(org=org, actor=actor)
    return org, owner


@transaction.atomic
def add_domain(*, org: Organization, name: str, verified: bool, actor: Actor) -> Domain:
    """The domain is the organisation's, and proved when somebody vouches for it by other means than DNS.

    Raises DomainInvalid, DomainIsPublic, DomainTaken, TooManyDomains.
    """
    domain = domains.add_domain(org=org, name=name, actor=actor)
    if verified:
        domains.mark_verified(domain=domain, actor=actor)
    return domain
