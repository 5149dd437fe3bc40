"""What the database itself refuses, whatever code writes to it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import IntegrityError, connections, transaction

from orgs.domains import services as domains
from orgs.domains.errors import DomainTaken
from orgs.domains.models import Domain
from orgs.domains.types import DomainState
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
def test_only_a_person_grants_ownership(uma, source):
    refused(lambda: people.grant_role(membership=uma, role=Role.OWNER, source=source, actor=ACTOR))


@pytest.mark.parametrize("field", ["role", "state"])
def test_an_unknown_role_or_state_is_refused(uma, field):
    refused(lambda: Membership.objects.filter(pk=uma.pk).update(**{field: "emperor"}))


def test_an_active_membership_has_an_account(uma):
    refused(lambda: Membership.objects.filter(pk=uma.pk).update(user=None))


def test_an_address_has_one_membership_in_an_organization(uma, adam):
    refused(lambda: Membership.objects.filter(pk=adam.pk).update(email_key=uma.email_key))


def test_an_account_has_one_membership_in_an_organization(uma, adam):
    refused(lambda: Membership.objects.filter(pk=adam.pk).update(user=uma.user))


def test_a_current_address_belongs_to_one_membership(acme, uma, adam):
    refused(lambda: MembershipAddress.objects.create(org=acme, membership=adam, address_key="uma@acme.example"))


def test_a_source_holds_a_membership_once(acme, uma):
    people.suspend_membership(membership=uma, source=SuspensionSource.SCIM, actor=ACTOR)
    refused(lambda: Suspension.objects.create(org=acme, membership=uma, source=SuspensionSource.SCIM))


def test_a_source_grants_one_role_for_one_reason(acme, uma):
    refused(lambda: RoleGrant.objects.create(org=acme, membership=uma, role=Role.ADMIN, source=GrantSource.PERSON))


def test_an_account_with_a_membership_cannot_be_deleted(uma):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=uma.user_id).delete()


def test_two_spellings_of_one_address_are_one_account(stranger):
    with pytest.raises(AddressTaken):
        tenancy.create_account(email="STRANGER@nowhere.example", verified=True)


def verified(org):
    domain = domains.add_domain(org=org, name="shared.example", actor=ACTOR)
    domains.mark_verified(domain=domain, actor=ACTOR)
    return domain


def test_a_domain_is_verified_by_one_organization(acme, globex):
    verified(acme)
    with pytest.raises(DomainTaken):
        verified(globex)
    assert Domain.objects.get(org=globex).state == DomainState.PENDING


def test_the_refused_domain_object_says_that_it_is_pending(acme, globex):
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
def test_two_organizations_that_prove_one_domain_at_once_leave_it_to_one():
    orgs = [OrganizationFactory(slug=f"race-{number}") for number in range(4)]
    outcomes = at_once([lambda org=org: verified(org) for org in orgs])
    assert [type(outcome) for outcome in outcomes].count(DomainTaken) == 3
    assert Domain.objects.filter(state=DomainState.VERIFIED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_address_invited_at_once_has_one_membership():
    org = OrganizationFactory(slug="race")
    profile = Profile("nora@race.example")
    act = lambda: people.create_membership(org=org, profile=profile, origin=MembershipOrigin.SCIM, actor=ACTOR)  # noqa: E731
    outcomes = at_once([act] * 6)
    assert [type(outcome) for outcome in outcomes].count(MembershipExists) == 5
    assert org.memberships.filter(state=MembershipState.INVITED).count() == 1
