"""The acts that cross apps: an organization with its directory, a domain with the people who waited for it."""

import pytest
from allauth.account.models import EmailAddress

from orgs.audit.models import AuditEvent
from orgs.domains.errors import DomainTaken
from orgs.domains.models import Domain
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressInvalid, OrganizationUnknown, SlugTaken
from orgs.tenancy.models import Organization, User
from orgs.tenancy.queries import find_organization
from orgs.tenancy.types import MembershipState, Role
from portal.setup import NewOrganization, add_domain, create_org
from scim.directories.models import Directory
from tests.factories import ACTOR, PASSWORD

OWNER = "olga@acme.example"


def create(email=OWNER, slug="acme", password="another-long-password", takes_account=False):
    order = NewOrganization("Acme", slug, email, password, takes_account=takes_account)
    return create_org(order=order, actor=ACTOR)


def test_an_organization_has_its_owner_and_its_directory(db):
    org, owner = create()
    membership = org.memberships.get()
    assert (membership.user, membership.role, membership.state) == (owner, Role.OWNER, MembershipState.ACTIVE)
    assert Directory.objects.get().org == org
    assert find_organization("acme") == org


def test_the_whole_set_up_is_audited(db):
    create()
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"organization.created", "membership.created", "membership.role_changed", "directory.created"} <= actions


def test_a_taken_slug_leaves_nothing(db):
    create()
    with pytest.raises(SlugTaken):
        create("other@acme.example")
    assert (Organization.objects.count(), User.objects.count()) == (1, 1)


def test_what_is_no_address_leaves_nothing(db):
    with pytest.raises(AddressInvalid):
        create("nobody")
    assert not Organization.objects.exists()


def test_a_verified_account_keeps_its_password(db):
    tenancy.create_account(email=OWNER, password=PASSWORD, verified=True)
    _, owner = create(takes_account=True)
    assert owner.check_password(PASSWORD)


def test_an_unverified_account_loses_what_opened_it(db):
    tenancy.create_account(email=OWNER, password=PASSWORD)
    _, owner = create()
    assert owner.check_password("another-long-password")
    assert EmailAddress.objects.get(user=owner).verified


def test_without_a_password_an_unverified_account_has_none(db):
    tenancy.create_account(email=OWNER, password=PASSWORD)
    _, owner = create(password=None)
    assert not owner.has_usable_password()


def test_one_person_may_own_two_organizations(db):
    assert create()[1] == create(slug="second", takes_account=True)[1]


def test_a_password_is_in_no_repr():
    assert "canary" not in repr(NewOrganization("Acme", "acme", OWNER, "canary"))


def test_a_domain_waits_unless_it_was_verified(acme):
    assert add_domain(org=acme, name="acme.example", verified=False, actor=ACTOR).state == "pending"
    assert add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR).state == "verified"


def test_a_taken_domain_leaves_nothing(acme, globex):
    add_domain(org=acme, name="shared.example", verified=True, actor=ACTOR)
    with pytest.raises(DomainTaken):
        add_domain(org=globex, name="shared.example", verified=True, actor=ACTOR)
    assert not Domain.objects.filter(org=globex).exists()


def test_an_unknown_organization_is_not_found(db):
    with pytest.raises(OrganizationUnknown):
        find_organization("nowhere")


def test_staff_are_made_once(db):
    user, is_new = tenancy.create_staff(email="sam@support.example", password=PASSWORD)
    assert (user.is_staff, is_new) == (True, True)
    assert tenancy.create_staff(email="sam@support.example", takes_account=True) == (user, False)


def test_a_changed_address_must_be_one_and_free(db, stranger, uma):
    with pytest.raises(AddressInvalid):
        tenancy.change_account_address(user=stranger, email="nobody")
    with pytest.raises(tenancy.AddressTaken):
        tenancy.change_account_address(user=stranger, email=uma.email)
