"""Decision 1: who takes a membership at once, and who is asked first."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.audit.models import AuditEvent
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.domains import services as domains
from orgs.domains.errors import DomainUnknown
from orgs.domains.models import Domain
from orgs.domains.types import DomainState
from orgs.events import queries as events_queries
from orgs.events import services as outbox
from orgs.events.models import OutboxEvent
from orgs.invitations.services import prepare_invitation
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people import tasks
from orgs.people.models import Invitation
from orgs.people.types import ADMISSION, INVITATION_DELAY, INVITATION_MAIL, Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressTaken
from orgs.tenancy.models import Membership, User
from orgs.tenancy.types import MembershipOrigin, MembershipState, SuspensionSource
from portal.setup import add_domain
from tests import held
from tests.factories import ACTOR, OrganizationFactory

NORA = "nora@acme.example"


def membership_for(org, address=NORA, origin=MembershipOrigin.SCIM):
    return people.create_membership(org=org, profile=Profile(address, "Nora", "Nilsen"), origin=origin, actor=ACTOR)


def waiting_mails(membership):
    return OutboxEvent.objects.filter(kind=INVITATION_MAIL, key=str(membership.public_id), canceled_at=None)


@pytest.fixture
def verified(acme):
    return add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)


def test_membership_is_invited_when_the_domain_is_unverified(acme):
    membership = membership_for(acme)
    assert (membership.state, membership.user) == (MembershipState.INVITED, None)


def test_membership_creates_no_account_when_the_domain_is_unverified(acme):
    membership_for(acme)
    assert not User.objects.filter(email_key=NORA).exists()


def test_membership_is_invited_the_same_whether_an_account_exists_or_not(acme):
    tenancy.create_account(email=NORA, verified=True)
    known, unknown = membership_for(acme), membership_for(acme, "nobody@acme.example")
    assert (known.state, known.user, known.origins) == (unknown.state, unknown.user, unknown.origins)
    assert waiting_mails(known).count() == waiting_mails(unknown).count() == 1


def test_membership_is_invited_when_the_domain_is_pending(acme):
    domains.add_domain(org=acme, name="acme.example", actor=ACTOR)
    assert membership_for(acme).state == MembershipState.INVITED


def test_membership_is_invited_when_only_another_organization_verified_the_domain(acme, globex):
    add_domain(org=globex, name="acme.example", verified=True, actor=ACTOR)
    assert membership_for(acme).state == MembershipState.INVITED


def test_membership_is_invited_for_a_subdomain_of_a_verified_domain(acme, verified):
    assert membership_for(acme, "nora@mail.acme.example").state == MembershipState.INVITED


def test_membership_is_active_with_a_new_account_when_the_domain_is_verified(acme, verified):
    membership = membership_for(acme)
    assert membership.state == MembershipState.ACTIVE
    assert not membership.user.has_usable_password()
    assert not waiting_mails(membership).exists()


def test_membership_links_an_existing_verified_account_when_the_domain_is_verified(acme, verified):
    account = tenancy.create_account(email=NORA, verified=True)
    assert membership_for(acme).user == account


def test_membership_links_the_account_that_verified_the_address_as_a_second_one(acme, verified, stranger):
    tenancy.mark_address_verified(user=stranger, address=NORA)
    assert membership_for(acme).user == stranger


def make_staff(account):
    User.objects.filter(pk=account.pk).update(is_staff=True)


def make_owner_elsewhere(account):
    OrganizationFactory(slug="other", owner_email=account.email)


def make_inactive(account):
    User.objects.filter(pk=account.pk).update(is_active=False)


MUST_CONSENT = [make_staff, make_owner_elsewhere, make_inactive]


@pytest.mark.parametrize("trait", MUST_CONSENT)
def test_membership_is_invited_for_accounts_that_must_consent_even_when_the_domain_is_verified(acme, verified, trait):
    trait(tenancy.create_account(email=NORA, verified=True))
    membership = membership_for(acme)
    assert (membership.state, membership.user) == (MembershipState.INVITED, None)
    assert waiting_mails(membership).count() == 1


def test_membership_replaces_an_unverified_account_when_the_domain_is_verified(acme, verified):
    claim = tenancy.sign_up(email=NORA, password="a-strangers-password")
    membership = membership_for(acme)
    assert (membership.state, membership.user.has_usable_password()) == (MembershipState.ACTIVE, False)
    assert not User.objects.filter(pk=claim.pk).exists()


def test_domain_verification_does_not_link_an_unverified_account(acme, claimed):
    membership = membership_for(acme)
    claim = tenancy.sign_up(email=NORA, password="a-strangers-password")
    prove(claimed)
    membership.refresh_from_db()
    assert membership.state == MembershipState.ACTIVE
    assert membership.user_id != claim.pk


def test_membership_links_an_account_that_verifies_the_address_concurrently(acme, verified, stranger, monkeypatch):
    lock = tenancy_queries.lock_address

    def verify_first(address):
        monkeypatch.setattr(tenancy_queries, "lock_address", lock)
        tenancy.mark_address_verified(user=stranger, address=address)

    monkeypatch.setattr(tenancy_queries, "lock_address", verify_first)
    assert membership_for(acme).user == stranger


def test_waiting_membership_links_an_account_that_verifies_the_address_concurrently(
    acme, claimed, stranger, monkeypatch
):
    membership, create = membership_for(acme), tenancy.create_account
    Domain.objects.update(state=DomainState.VERIFIED, verified_at=now())

    def verify_first(**fields):
        tenancy.mark_address_verified(user=stranger, address=NORA)
        return create(**fields)

    monkeypatch.setattr(tenancy, "create_account", verify_first)
    people.activate_or_keep_invitation(membership=membership, actor=ACTOR)
    assert membership.user == stranger


def test_membership_is_invited_when_the_account_has_another_membership_in_the_organization(acme, verified, uma):
    tenancy.mark_address_verified(user=uma.user, address=NORA)
    assert membership_for(acme).state == MembershipState.INVITED


# proving the domain later


@pytest.fixture
def claimed(acme):
    return domains.add_domain(org=acme, name="acme.example", actor=ACTOR)


def prove(domain, actor=ACTOR):
    """The domain is verified, and a worker has done what follows."""
    domains.mark_verified(domain=domain, actor=actor)
    return outbox.deliver_due()


def memberships_for(org, count):
    return [membership_for(org, f"p{number}@acme.example") for number in range(count)]


def states():
    return Counter(Membership.objects.filter(email__startswith="p").values_list("state", flat=True))


def test_domain_verification_activates_invited_memberships_of_that_domain_only(acme, claimed):
    waiting, other = membership_for(acme), membership_for(acme, "nora@elsewhere.example")
    prove(claimed)
    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.state, other.state) == (MembershipState.ACTIVE, MembershipState.INVITED)


def test_domain_verification_cancels_the_invitations(acme, claimed):
    membership = membership_for(acme)
    prove(claimed)
    assert not waiting_mails(membership).exists()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("trait", MUST_CONSENT)
def test_domain_verification_keeps_memberships_invited_for_accounts_that_must_consent(acme, claimed, trait):
    membership = membership_for(acme)
    trait(tenancy.create_account(email=NORA, verified=True))
    prove(claimed)
    membership.refresh_from_db()
    assert membership.state == MembershipState.INVITED
    assert waiting_mails(membership).count() == 1


def test_domain_verification_sends_a_new_invitation_when_the_old_one_expired(acme, claimed):
    membership = membership_for(acme)
    make_staff(tenancy.create_account(email=NORA, verified=True))
    Invitation.objects.update(sent_at=now(), expires_at=now() - timedelta(minutes=1))
    OutboxEvent.objects.filter(kind=INVITATION_MAIL).delete()
    prove(claimed)
    assert waiting_mails(membership).count() == 1


def test_proving_the_domain_asks_again_where_the_link_was_mailed_before(acme, claimed):
    membership = membership_for(acme)
    make_staff(tenancy.create_account(email=NORA, verified=True))
    prepare_invitation(org=acme, membership_public_id=str(membership.public_id))
    OutboxEvent.objects.filter(kind=INVITATION_MAIL).delete()
    prove(claimed)
    assert waiting_mails(membership).count() == 1


def test_an_invitation_whose_link_was_mailed_since_the_domain_was_verified_is_not_sent_again(acme, claimed):
    membership = membership_for(acme)
    make_staff(tenancy.create_account(email=NORA, verified=True))
    prove(claimed)
    prepare_invitation(org=acme, membership_public_id=str(membership.public_id))
    OutboxEvent.objects.filter(kind=INVITATION_MAIL).delete()
    people.activate_or_keep_invitation(membership=membership, actor=ACTOR)
    assert not waiting_mails(membership).exists()


def test_domain_verification_keeps_a_suspended_membership_suspended(acme, claimed):
    membership = membership_for(acme)
    people.suspend_membership(membership=membership, source=SuspensionSource.SCIM, actor=ACTOR)
    prove(claimed)
    membership.refresh_from_db()
    assert membership.state == MembershipState.SUSPENDED


def test_activation_by_domain_verification_is_audited_with_the_verifying_actor(acme, claimed):
    membership_for(acme)
    prove(claimed, Actor(ActorKind.PERSON, "olga", "olga@acme.example", "192.0.2.1"))
    event = AuditEvent.objects.get(action="membership.joined", target_label=NORA)
    assert (event.actor_kind, event.actor_label, event.ip) == ("person", "olga@acme.example", "192.0.2.1")


def test_mark_verified_takes_the_same_number_of_queries_for_any_number_of_invited_memberships(
    acme, globex, claimed, django_assert_num_queries
):
    other = domains.add_domain(org=globex, name="globex.example", actor=ACTOR)
    with CaptureQueriesContext(connection) as captured:
        domains.mark_verified(domain=other, actor=ACTOR)
    memberships_for(acme, 5)
    with django_assert_num_queries(len(captured)):
        domains.mark_verified(domain=claimed, actor=ACTOR)
    assert states() == {"invited": 5}


def test_activate_waiting_memberships_works_in_portions(acme, claimed, monkeypatch):
    monkeypatch.setattr(people_queries, "PORTION", 2)
    memberships = memberships_for(acme, 5)
    domains.mark_verified(domain=claimed, actor=ACTOR)
    after = [people.activate_waiting_memberships(domain=claimed, actor=ACTOR)]
    assert states() == {"active": 2, "invited": 3}
    while after[-1] is not None:
        after.append(people.activate_waiting_memberships(domain=claimed, actor=ACTOR, after=after[-1]))
    assert after == [memberships[1].pk, memberships[3].pk, memberships[4].pk, None]
    assert states() == {"active": 5}


def test_worker_activates_portions_until_no_invited_membership_is_left(acme, claimed, monkeypatch):
    monkeypatch.setattr(people_queries, "PORTION", 2)
    memberships_for(acme, 5)
    assert prove(claimed) == 4
    assert states() == {"active": 5}
    assert not events_queries.waiting().filter(kind=ADMISSION).exists()


def test_activation_continues_when_one_account_cannot_be_created(acme, claimed, monkeypatch):
    monkeypatch.setattr(people_queries, "PORTION", 2)
    create = tenancy.create_account

    def fail_once(*, email, **fields):
        if email.startswith("p1@"):
            raise AddressTaken
        return create(email=email, **fields)

    monkeypatch.setattr(tenancy, "create_account", fail_once)
    memberships_for(acme, 5)
    assert prove(claimed) == 4
    assert states() == {"active": 4, "invited": 1}


def test_failed_portion_activates_nobody_and_is_retried(acme, claimed, monkeypatch):
    memberships_for(acme, 3)
    create = tenancy.create_account

    def fail(*, email, **fields):
        if email.startswith("p2@"):
            raise ConnectionError
        return create(email=email, **fields)

    monkeypatch.setattr(tenancy, "create_account", fail)
    assert prove(claimed) == 0
    assert states() == {"invited": 3}
    monkeypatch.setattr(tenancy, "create_account", create)
    OutboxEvent.objects.filter(kind=ADMISSION).update(due_at=now())
    outbox.deliver_due()
    assert states() == {"active": 3}


def test_portion_delivered_twice_activates_once_and_plans_the_next_once(acme, claimed, monkeypatch):
    monkeypatch.setattr(people_queries, "PORTION", 2)
    memberships_for(acme, 3)
    domains.mark_verified(domain=claimed, actor=ACTOR)
    first = OutboxEvent.objects.get(kind=ADMISSION)
    tasks.activate_portion(first)
    outbox.deliver_due()
    assert states() == {"active": 3}
    assert AuditEvent.objects.filter(action="membership.joined", target_label__startswith="p").count() == 3
    delivered = OutboxEvent.objects.filter(kind=ADMISSION).exclude(delivered_at=None)
    assert delivered.count() == delivered.values("key").distinct().count()


@pytest.mark.parametrize("end", ["removed", "lapsed"])
def test_planned_activation_does_nothing_when_the_domain_is_removed_or_lapsed(acme, claimed, end):
    memberships_for(acme, 2)
    domains.mark_verified(domain=claimed, actor=ACTOR)
    if end == "removed":
        domains.remove_domain(domain=claimed, actor=ACTOR)
    else:
        Domain.objects.update(state=DomainState.LAPSED)
    assert outbox.deliver_due() == 1
    assert states() == {"invited": 2}


def test_activate_waiting_memberships_raises_domain_unknown_when_the_domain_is_removed(acme, claimed):
    memberships_for(acme, 2)
    domains.remove_domain(domain=Domain.objects.get(), actor=ACTOR)
    with pytest.raises(DomainUnknown):
        people.activate_waiting_memberships(domain=claimed, actor=ACTOR)
    assert states() == {"invited": 2}


def test_invitation_mail_is_scheduled_two_minutes_later(acme):
    event = waiting_mails(membership_for(acme)).get()
    assert abs(event.due_at - event.created_at - INVITATION_DELAY).total_seconds() < 2


def test_activate_or_keep_invitation_twice_plans_one_invitation_mail(acme):
    membership = membership_for(acme)
    people.activate_or_keep_invitation(membership=membership, actor=ACTOR)
    assert waiting_mails(membership).count() == 1


def test_activate_or_keep_invitation_changes_nothing_for_a_joined_membership(acme, uma):
    joined = uma.joined_at
    people.activate_or_keep_invitation(membership=uma, actor=ACTOR)
    uma.refresh_from_db()
    assert uma.joined_at == joined


def test_membership_of_a_reassigned_address_is_invited_until_the_account_verifies_it_again(acme):
    former = membership_for(acme)
    people.update_profile(membership=former, profile=Profile("nora.n@acme.example"), actor=ACTOR)
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    account = tenancy.create_account(email=NORA, verified=True)
    membership = membership_for(acme)
    assert (membership.state, membership.user) == (MembershipState.INVITED, None)
    tenancy.mark_address_verified(user=account, address=NORA)
    people.activate_or_keep_invitation(membership=membership, actor=ACTOR)
    assert membership.user == account


def test_domain_verification_does_not_activate_a_deprovisioned_membership(acme):
    membership = membership_for(acme)
    held.deprovision(membership)
    domain = add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    people.activate_waiting_memberships(domain=domain, actor=ACTOR)
    membership.refresh_from_db()
    assert (membership.user, Invitation.objects.filter(membership=membership, accepted_at=None).count()) == (None, 0)
    assert not User.objects.filter(email=NORA).exists()
