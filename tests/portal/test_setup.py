"""The acts that cross apps: an organization with its directory, a domain with the people who waited for it."""

import pytest
from allauth.account.models import EmailAddress

from orgs.audit.models import AuditEvent
from orgs.domains.errors import DomainTaken
from orgs.domains.models import Domain
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressInvalid, AddressTaken, OrganizationUnknown, SlugTaken
from orgs.tenancy.models import Organization, User
from orgs.tenancy.queries import find_organization
from orgs.tenancy.types import MembershipState, Role
from portal.setup import NewOrganization, add_domain, create_org
from scim.directories.models import Directory
from tests.factories import ACTOR, PASSWORD

OWNER = "olga@acme.example"


def create(email=OWNER, slug="acme", password="another-long-password"):
    order = NewOrganization("Acme", slug, email, password)
    return create_org(order=order, actor=ACTOR)


def test_create_org_creates_owner_and_directory(db):
    org, owner = create()
    membership = org.memberships.get()
    assert (membership.user, membership.role, membership.state) == (owner, Role.OWNER, MembershipState.ACTIVE)
    assert Directory.objects.get().org == org
    assert find_organization("acme") == org


def test_create_org_audits_every_step(db):
    create()
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"organization.created", "membership.created", "membership.role_changed", "directory.created"} <= actions


def test_create_org_with_a_taken_slug_creates_nothing(db):
    create()
    with pytest.raises(SlugTaken):
        create("other@acme.example")
    assert (Organization.objects.count(), User.objects.count()) == (1, 1)


def test_create_org_with_an_invalid_address_creates_nothing(db):
    with pytest.raises(AddressInvalid):
        create("nobody")
    assert not Organization.objects.exists()


def test_create_org_keeps_the_password_of_a_verified_account(db):
    tenancy.create_account(email=OWNER, password=PASSWORD, verified=True)
    _, owner = create()
    assert owner.check_password(PASSWORD)


def test_create_org_replaces_the_password_of_an_unverified_account(db):
    tenancy.create_account(email=OWNER, password=PASSWORD)
    _, owner = create()
    assert owner.check_password("another-long-password")
    assert EmailAddress.objects.get(user=owner).verified


def test_create_org_without_a_password_drops_the_one_of_an_unverified_account(db):
    tenancy.create_account(email=OWNER, password=PASSWORD)
    _, owner = create(password=None)
    assert not owner.has_usable_password()


def test_create_org_twice_gives_one_account_two_organizations(db):
    assert create()[1] == create(slug="second")[1]


def test_new_organization_repr_has_no_password():
    assert "canary" not in repr(NewOrganization("Acme", "acme", OWNER, "canary"))


def test_add_domain_is_pending_unless_verified_is_given(acme):
    assert add_domain(org=acme, name="acme.example", verified=False, actor=ACTOR).state == "pending"
    assert add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR).state == "verified"


def test_add_domain_with_a_taken_domain_creates_nothing(acme, globex):
    add_domain(org=acme, name="shared.example", verified=True, actor=ACTOR)
    with pytest.raises(DomainTaken):
        add_domain(org=globex, name="shared.example", verified=True, actor=ACTOR)
    assert not Domain.objects.filter(org=globex).exists()


def test_find_organization_raises_organization_unknown(db):
    with pytest.raises(OrganizationUnknown):
        find_organization("nowhere")


def test_create_staff_twice_returns_the_same_account(db):
    user, is_new = tenancy.create_staff(email="sam@support.example", password=PASSWORD)
    assert (user.is_staff, is_new) == (True, True)
    assert tenancy.create_staff(email="sam@support.example") == (user, False)


def test_change_account_address_refuses_invalid_and_taken_addresses(db, stranger, uma):
    with pytest.raises(AddressInvalid):
        tenancy.change_account_address(user=stranger, email="nobody")
    with pytest.raises(AddressTaken):
        tenancy.change_account_address(user=stranger, email=uma.email)
