"""Histories of an address, ways to a membership, and the organization in which they meet."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import time_machine
from django.test import Client

from orgs.base.clock import now
from orgs.base.errors import DomainError
from orgs.domains.models import Domain
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import access
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import MembershipOrigin, Role, SignInMethod
from portal.setup import NewOrganization, NewOwner, add_owner, create_org
from sso.connections import services as connections
from sso.connections.models import Connection
from sso.connections.types import SignInRules
from tests.conftest import ScimClient
from tests.factories import ACTOR, OrganizationFactory
from tests.scim.bodies import patch_body, user_body
from tests.sso.conftest import connect, idp_keys  # noqa: F401
from tests.sso.idp import Browser, Idp

HANK = "hank@acme.example"
DAY = timedelta(days=1)
START = now().replace(microsecond=0) - 10 * DAY


@dataclass
class World:
    """Acme with its directory, its connection and the times at which things happened to the address."""

    org: Organization
    scim: ScimClient
    account: User | None = None
    former: Membership | None = None
    connection: Connection | None = None
    idp: Idp | None = None

    def holder(self) -> Membership | None:
        """Return the membership that has the address now."""
        found = Membership.objects.filter(org=self.org, email_key=HANK, deprovisioned_at=None)
        return found.first()

    def end(self) -> str:
        """Return what became of the address: who has its membership, in one word or two."""
        membership = self.holder()
        if membership is None:
            return "nobody"
        if membership.user_id is None:
            return str(membership.state)
        if self.former is not None and membership.pk == self.former.pk:
            return "former member"
        if self.former is not None and membership.user_id == self.former.user_id:
            return "former account"
        if self.account is not None and membership.user_id == self.account.pk:
            return "their account"
        return "new account"


# how the person's account proves the address -----------------------------------------------------------------------


def no_account(world: World) -> None:
    """Nobody has an account with the address."""


def squatted(world: World) -> None:
    world.account = tenancy.create_account(email=HANK, password="a-squatters-password")


def verified_before_domain(world: World) -> None:
    with time_machine.travel(START, tick=False):
        world.account = tenancy.create_account(email=HANK, password="an-own-password", verified=True)


def verified_now(world: World) -> None:
    world.account = tenancy.create_account(email=HANK, password="an-own-password", verified=True)


def verified_again(world: World) -> None:
    verified_before_domain(world)
    assert world.account is not None
    tenancy.mark_address_verified(user=world.account, address=HANK)


def verified_beside_another(world: World) -> None:
    world.account = tenancy.create_account(email="henry@private.example", password="an-own-password", verified=True)
    tenancy.mark_address_verified(user=world.account, address=HANK)


def made_here_unused(world: World) -> None:
    world.account = tenancy.create_account(email=HANK, verified=True, made_by=world.org)


def made_here_before_domain(world: World) -> None:
    with time_machine.travel(START, tick=False):
        world.account = tenancy.create_account(email=HANK, verified=True, made_by=world.org)


def made_here_used_before_domain(world: World) -> None:
    made_here_before_domain(world)
    assert world.account is not None
    User.objects.filter(pk=world.account.pk).update(last_login=START)


def made_elsewhere_before_domain(world: World) -> None:
    other = OrganizationFactory(slug="elsewhere")
    with time_machine.travel(START, tick=False):
        world.account = tenancy.create_account(email=HANK, verified=True, made_by=other)


def staff(world: World) -> None:
    verified_now(world)
    assert world.account is not None
    User.objects.filter(pk=world.account.pk).update(is_staff=True)


def owner_elsewhere(world: World) -> None:
    verified_now(world)
    create_org(order=NewOrganization("Other", "other", HANK), actor=ACTOR)


def closed(world: World) -> None:
    verified_now(world)
    assert world.account is not None
    User.objects.filter(pk=world.account.pk).update(is_active=False)


# what happened to the address here before --------------------------------------------------------------------------


def new_address(world: World) -> None:
    """Nobody here ever had the address."""


def _former_member(world: World, external_id: str) -> dict[str, Any]:
    made = world.scim.post("/Users", user_body(HANK, externalId=external_id)).json()
    world.former = world.holder()
    assert world.former is not None
    if world.former.user is not None:
        world.former.user.set_password("the-former-persons-own")
        world.former.user.save()
        expires = access.session_expiry()
        session = uuid4()
        tenancy.grant_session(
            membership=world.former, session=session, method=SignInMethod.PASSWORD, expires_at=expires
        )
        tenancy.delete_session_grants(membership=world.former)
    return dict(made)


def deleted_after_use(world: World) -> None:
    made = _former_member(world, "hank-1")
    assert world.scim.delete(f"/Users/{made['id']}").status_code == 204


def deleted_unused(world: World) -> None:
    made = world.scim.post("/Users", user_body(HANK, externalId="hank-1")).json()
    assert world.scim.delete(f"/Users/{made['id']}").status_code == 204


def renamed_away(world: World) -> None:
    made = _former_member(world, "hank-1")
    change = {"userName": "henry@acme.example", "emails": [{"value": "henry@acme.example", "primary": True}]}
    assert world.scim.put(f"/Users/{made['id']}", user_body(**change, externalId="hank-1")).status_code == 200


# the ways ----------------------------------------------------------------------------------------------------------


def scim_create(world: World) -> None:
    assert world.scim.post("/Users", user_body(HANK, externalId="hank-2")).status_code == 201


def scim_create_without_external_id(world: World) -> None:
    assert world.scim.post("/Users", user_body(HANK)).status_code == 201


def scim_return(world: World) -> None:
    assert world.scim.post("/Users", user_body(HANK, externalId="hank-1")).status_code == 201


def scim_rename(world: World) -> None:
    """A member who waits under another address is renamed to this one."""
    made = world.scim.post("/Users", user_body("waits@elsewhere.example", externalId="hank-2")).json()
    assert world.scim.put(f"/Users/{made['id']}", user_body(HANK, externalId="hank-2")).status_code == 200


def scim_reactivate(world: World) -> None:
    body = user_body(HANK, externalId="hank-2", active=False)
    made = world.scim.post("/Users", body).json()
    operation = patch_body({"op": "replace", "path": "active", "value": True})
    assert world.scim.patch(f"/Users/{made['id']}", operation).status_code == 200


def _sign_in(world: World) -> None:
    assert world.connection is not None
    assert world.idp is not None
    Browser().sign_in(world.idp, world.connection, HANK)


def sign_in_with_jit(world: World) -> None:
    assert world.connection is not None
    connections.change_rules(connection=world.connection, rules=SignInRules(jit=True), actor=ACTOR)
    _sign_in(world)


def sign_in_without_jit(world: World) -> None:
    assert world.connection is not None
    connections.change_rules(connection=world.connection, rules=SignInRules(jit=False), actor=ACTOR)
    _sign_in(world)


def verify_domain_later(world: World) -> None:
    """The membership waits; then the domain is removed, verified again, and the portion that waits is looked at."""
    domain = Domain.objects.get(org=world.org)
    Domain.objects.filter(pk=domain.pk).update(state="pending", verified_at=None)
    assert world.scim.post("/Users", user_body(HANK, externalId="hank-2")).status_code == 201
    Domain.objects.filter(pk=domain.pk).update(state="verified", verified_at=START + DAY)
    domain.refresh_from_db()
    people.activate_waiting_memberships(domain=domain, actor=ACTOR)


def _invitation(world: World) -> tuple[Membership, str]:
    membership = people.create_membership(
        org=world.org, profile=Profile(HANK), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    if membership.user_id is not None:
        return membership, ""
    prepared = invitations.prepare_invitation(org=world.org, membership_public_id=str(membership.public_id))
    assert prepared is not None
    return prepared


def invitation_link(world: World) -> None:
    """Whoever has the account follows the link in the mail and accepts."""
    _, secret = _invitation(world)
    if secret and world.account is not None and tenancy_queries.verified_keys_of(world.account):
        _browser(world.account).post(f"/invitations/{secret}/accept/")


def invitation_link_and_new_account(world: World) -> None:
    """Whoever opens the link says that the account isn't theirs, verifies the address for a new one, and accepts."""
    _, secret = _invitation(world)
    if secret and Client().post(f"/invitations/{secret}/new-account/").status_code == 302:
        account = tenancy.sign_up(email=HANK, password="the-right-persons-own")
        tenancy.mark_address_verified(user=account, address=HANK)
        _browser(account).post(f"/invitations/{secret}/accept/")


def accept_waiting(world: World) -> None:
    """Whoever has the account accepts on the portal's own page, without the mail."""
    membership, secret = _invitation(world)
    if secret and world.account is not None and tenancy_queries.verified_keys_of(world.account):
        _browser(world.account).post(f"/waiting/{membership.public_id}/accept/")


def _browser(account: User) -> Client:
    client = Client()
    client.force_login(account)
    session = client.session
    if access.SESSION_GRANT_ID not in session:
        access.open_session_grants(session, account, SignInMethod.PASSWORD)
        session.save()
    return client


def create_organization_for(world: World) -> None:
    """An operator makes another organization, whose owner has the address."""
    order = NewOrganization("Hanks", "hanks", HANK)
    with contextlib.suppress(DomainError):
        world.org, _ = create_org(order=order, actor=ACTOR)


def add_owner_to(world: World, *, takes_account: bool = False) -> None:
    """An operator gives the organization an owner with the address, because its own can't sign in any more."""
    owner = world.org.memberships.get(role=Role.OWNER)
    assert owner.user is not None
    User.objects.filter(pk=owner.user.pk).update(is_active=False)
    with contextlib.suppress(DomainError):
        add_owner(org=world.org, order=NewOwner(HANK, takes_account=takes_account), actor=ACTOR)


def add_owner_with_account(world: World) -> None:
    """As above, and the operator knows that the account is this person's."""
    add_owner_to(world, takes_account=True)


def add_owner_who_was_invited(world: World) -> None:
    """As above, and the address was invited before."""
    people.create_membership(org=world.org, profile=Profile(HANK), origin=MembershipOrigin.INVITE, actor=ACTOR)
    add_owner_with_account(world)


Step = Callable[[World], None]
