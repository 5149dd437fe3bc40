"""The demo's rows: two organizations, made by the services and the endpoint that make them in life, once."""

from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Organization, User
from orgs.tenancy.types import GrantSource, MembershipOrigin, Role
from portal.setup import NewOrganization, add_domain, create_org
from sandbox import idp, queries
from sandbox.cast import COLLEAGUES, DOMAIN, EMPTYCO, NORTHWIND, PASSWORD, STAFF, DemoOrganization
from sandbox.processes import CannotStart
from scim.directories import services as directories
from scim.directories.models import Directory, ScimToken
from scim.directories.queries import first_directory
from scim.directories.types import TokenOrder

ACTOR = Actor.command("seed_demo")


def require_sandbox() -> None:
    """Raises ImproperlyConfigured where real people may be: the demo's password is known to everybody."""
    if not settings.SANDBOX:
        raise ImproperlyConfigured("The demo needs settings with SANDBOX on, such as portal.settings.dev.")


def seed() -> bool:
    """Create the demo's organizations, all or none, unless they exist. Returns whether they are new.

    Raises ImproperlyConfigured, CannotStart; so it does for a database that isn't the demo's.
    """
    require_sandbox()
    with transaction.atomic():
        if queries.was_seeded(ACTOR):
            return False
        require_own_database()
        _create(EMPTYCO)
        tenancy.create_staff(email=STAFF, password=PASSWORD)
        _seed_northwind()
    return True


def require_own_database() -> None:
    """Raises CannotStart when somebody else's organizations or accounts are here: the demo's password is public."""
    if queries.is_in_use():
        raise CannotStart(
            "This database holds organizations or accounts that the demo didn't make. "
            "Set DATABASE_URL to a database of its own for the demo."
        )


def _create(demo: DemoOrganization) -> tuple[Organization, User]:
    order = NewOrganization(demo.name, demo.slug, demo.owner.email, PASSWORD)
    org, owner = create_org(order=order, actor=ACTOR)
    people.update_profile(membership=org.memberships.get(user=owner), profile=demo.owner, actor=ACTOR)
    return org, owner


def _seed_northwind() -> None:
    org, owner = _create(NORTHWIND)
    mara = Actor(ActorKind.PERSON, reference=str(owner.public_id), label=owner.email)
    add_domain(org=org, name=DOMAIN, verified=True, actor=mara)
    for role, profile in COLLEAGUES.items():
        _add_colleague(org, profile, role, mara)
    directory = first_directory(org)
    _age(_token(directory, "JumpCloud trial", owner, mara)[0], days=120, lives=90)
    abandoned, _ = _token(directory, "JumpCloud, first try", owner, mara)
    directories.revoke_token(token=abandoned, actor=mara)
    _, plain = _token(directory, "JumpCloud production", owner, mara)
    idp.provision(directory, plain)


def _add_colleague(org: Organization, profile: Profile, role: Role, actor: Actor) -> None:
    tenancy.create_account(email=profile.email, password=PASSWORD, verified=True)
    membership = people.create_membership(org=org, profile=profile, origin=MembershipOrigin.INVITE, actor=actor)
    people.grant_role(membership=membership, role=role, source=GrantSource.PERSON, actor=actor)


def _token(directory: Directory, label: str, owner: User, actor: Actor) -> tuple[ScimToken, str]:
    order = TokenOrder(label, nonce=uuid4())
    generated = directories.generate_token(directory=directory, order=order, actor=actor, creator=owner)
    assert generated.plain is not None  # noqa: S101 - a fresh nonce always makes a token
    return generated.token, generated.plain


def _age(token: ScimToken, *, days: int, lives: int) -> None:
    """Set back when the token was made and when it expires, in days."""
    token.created_at = now() - timedelta(days=days)
    token.expires_at = token.created_at + timedelta(days=lives)
    token.save(update_fields=["created_at", "expires_at"])
