"""What the database itself refuses, whatever code writes to it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import IntegrityError, connections, transaction

from orgs.domains import services as domains
from orgs.domains.errors import DomainTaken
from orgs.domains.models import Domain
from orgs.domains.types import DomainState
from orgs.groups.models import Group
from orgs.groups.types import GroupSource
from orgs.people import services as people
from orgs.people.errors import MembershipExists
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressTaken
from orgs.tenancy.models import Membership, MembershipAddress, RoleGrant, Suspension, User
from orgs.tenancy.types import GrantSource, MembershipOrigin, MembershipState, Role, SuspensionSource
from tests.factories import ACTOR, OrganizationFactory


def refused(write):
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


@pytest.mark.parametrize("source", [GrantSource.GROUP, GrantSource.DEFAULT])
def test_owner_role_is_refused_from_group_and_default_grants(uma, source):
    refused(lambda: people.grant_role(membership=uma, role=Role.OWNER, source=source, actor=ACTOR))


@pytest.mark.parametrize("field", ["role", "state"])
def test_membership_with_an_unknown_role_or_state_is_refused(uma, field):
    refused(lambda: Membership.objects.filter(pk=uma.pk).update(**{field: "emperor"}))


def test_active_membership_without_an_account_is_refused(uma):
    refused(lambda: Membership.objects.filter(pk=uma.pk).update(user=None))


def test_second_membership_of_an_address_in_an_organization_is_refused(uma, adam):
    refused(lambda: Membership.objects.filter(pk=adam.pk).update(email_key=uma.email_key))


def test_second_membership_of_an_account_in_an_organization_is_refused(uma, adam):
    refused(lambda: Membership.objects.filter(pk=adam.pk).update(user=uma.user))


def test_current_address_of_two_memberships_is_refused(acme, uma, adam):
    refused(lambda: MembershipAddress.objects.create(org=acme, membership=adam, address_key="uma@acme.example"))


def test_second_suspension_of_a_membership_by_the_same_source_is_refused(acme, uma):
    people.suspend_membership(membership=uma, source=SuspensionSource.SCIM, actor=ACTOR)
    refused(lambda: Suspension.objects.create(org=acme, membership=uma, source=SuspensionSource.SCIM))


def test_second_suspension_of_a_membership_by_the_same_directory_is_refused(acme, uma):
    suspension = {"org": acme, "membership": uma, "source": SuspensionSource.SCIM, "directory": uuid4()}
    Suspension.objects.create(**suspension)
    Suspension.objects.create(**suspension | {"directory": uuid4()})
    refused(lambda: Suspension.objects.create(**suspension))


def test_suspension_by_an_admin_that_names_a_directory_is_refused(acme, uma):
    refused(
        lambda: Suspension.objects.create(org=acme, membership=uma, source=SuspensionSource.ADMIN, directory=uuid4())
    )


def test_second_group_of_a_name_in_the_same_directory_is_refused(acme):
    group = {"org": acme, "name": "Admins", "name_key": "admins", "source": GroupSource.SCIM, "directory": uuid4()}
    Group.objects.create(**group)
    Group.objects.create(**group | {"directory": uuid4()})
    refused(lambda: Group.objects.create(**group))


def test_local_group_that_names_a_directory_is_refused(acme):
    refused(lambda: Group.objects.create(org=acme, name="A", name_key="a", source=GroupSource.LOCAL, directory=uuid4()))


def test_second_role_grant_from_the_same_source_is_refused(acme, uma):
    refused(lambda: RoleGrant.objects.create(org=acme, membership=uma, role=Role.ADMIN, source=GrantSource.PERSON))


def test_an_account_with_a_membership_cannot_be_deleted(uma):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=uma.user_id).delete()


def test_create_account_raises_address_taken_for_another_spelling_of_an_address(stranger):
    with pytest.raises(AddressTaken):
        tenancy.create_account(email="STRANGER@nowhere.example", verified=True)


def verified(org):
    domain = domains.add_domain(org=org, name="shared.example", actor=ACTOR)
    domains.mark_verified(domain=domain, actor=ACTOR)
    return domain


def test_domain_verified_by_another_organization_raises_domain_taken_and_stays_pending(acme, globex):
    verified(acme)
    with pytest.raises(DomainTaken):
        verified(globex)
    assert Domain.objects.get(org=globex).state == DomainState.PENDING


def test_mark_verified_leaves_the_given_object_pending_when_the_domain_is_taken(acme, globex):
    verified(acme)
    domain = domains.add_domain(org=globex, name="shared.example", actor=ACTOR)
    with pytest.raises(DomainTaken):
        domains.mark_verified(domain=domain, actor=ACTOR)
    assert domain.state == DomainState.PENDING


def at_once(acts):
    barrier = Barrier(len(acts))

    def run(act):
        barrier.wait()
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - the test looks at what was raised
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
def test_concurrent_verifications_of_a_domain_succeed_for_one_organization():
    orgs = [OrganizationFactory(slug=f"race-{number}") for number in range(4)]
    outcomes = at_once([lambda org=org: verified(org) for org in orgs])
    assert [type(outcome) for outcome in outcomes].count(DomainTaken) == 3
    assert Domain.objects.filter(state=DomainState.VERIFIED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_invitations_of_an_address_create_one_membership():
    org = OrganizationFactory(slug="race")
    profile = Profile("nora@race.example")
    act = lambda: people.create_membership(org=org, profile=profile, origin=MembershipOrigin.SCIM, actor=ACTOR)  # noqa: E731
    outcomes = at_once([act] * 6)
    assert [type(outcome) for outcome in outcomes].count(MembershipExists) == 5
    assert org.memberships.filter(state=MembershipState.INVITED).count() == 1
