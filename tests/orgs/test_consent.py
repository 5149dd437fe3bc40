"""Decision 1: who takes a seat at once, and who is asked first."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.audit.models import AuditEvent
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.deprovisioning import services as deprovisioning
from orgs.domains import services as domains
from orgs.domains.errors import DomainUnknown
from orgs.domains.models import Domain
from orgs.domains.types import DomainState
from orgs.events import queries as events_queries
from orgs.events import services as outbox
from orgs.events.models import OutboxEvent
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people import tasks
from orgs.people.models import Invitation
from orgs.people.types import ADMISSION, INVITATION_DELAY, INVITATION_MAIL, Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AddressTaken
from orgs.tenancy.models import Membership, User
from orgs.tenancy.types import HoldSource, MembershipState, Origin
from portal.setup import add_domain
from tests.factories import ACTOR, OrganizationFactory

NORA = "nora@acme.example"


def seat_for(org, address=NORA, origin=Origin.SCIM):
    return people.create_seat(org=org, profile=Profile(address, "Nora", "Nilsen"), origin=origin, actor=ACTOR)


def waiting_mails(seat):
    return OutboxEvent.objects.filter(kind=INVITATION_MAIL, key=str(seat.public_id), cancelled_at=None)


@pytest.fixture
def proved(acme):
    return add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)


def test_a_seat_of_an_unproved_domain_waits(acme):
    seat = seat_for(acme)
    assert (seat.state, seat.user) == (MembershipState.INVITED, None)


def test_no_account_is_made_for_a_strangers_address(acme):
    seat_for(acme)
    assert not User.objects.filter(email_key=NORA).exists()


def test_an_account_elsewhere_changes_nothing_about_a_waiting_seat(acme):
    tenancy.create_account(email=NORA, verified=True)
    known, unknown = seat_for(acme), seat_for(acme, "nobody@acme.example")
    assert (known.state, known.user, known.origins) == (unknown.state, unknown.user, unknown.origins)
    assert waiting_mails(known).count() == waiting_mails(unknown).count() == 1


def test_a_pending_domain_proves_nothing(acme):
    domains.add_domain(org=acme, name="acme.example", actor=ACTOR)
    assert seat_for(acme).state == MembershipState.INVITED


def test_a_domain_that_another_organisation_proved_proves_nothing(acme, globex):
    add_domain(org=globex, name="acme.example", verified=True, actor=ACTOR)
    assert seat_for(acme).state == MembershipState.INVITED


def test_a_proved_domain_does_not_prove_its_children(acme, proved):
    assert seat_for(acme, "nora@mail.acme.example").state == MembershipState.INVITED


def test_a_proved_domain_makes_the_account_and_the_seat_active(acme, proved):
    seat = seat_for(acme)
    assert seat.state == MembershipState.ACTIVE
    assert not seat.user.has_usable_password()
    assert not waiting_mails(seat).exists()


def test_a_proved_account_of_a_proved_domain_joins_at_once(acme, proved):
    account = tenancy.create_account(email=NORA, verified=True)
    assert seat_for(acme).user == account


def test_a_secondary_proved_address_finds_its_account(acme, proved, stranger):
    tenancy.mark_address_verified(user=stranger, address=NORA)
    assert seat_for(acme).user == stranger


def make_staff(account):
    User.objects.filter(pk=account.pk).update(is_staff=True)


def make_owner_elsewhere(account):
    OrganizationFactory(slug="other", owner_email=account.email)


def make_inactive(account):
    User.objects.filter(pk=account.pk).update(is_active=False)


MUST_CONSENT = [make_staff, make_owner_elsewhere, make_inactive]


@pytest.mark.parametrize("trait", MUST_CONSENT)
def test_some_accounts_are_asked_even_in_a_proved_domain(acme, proved, trait):
    trait(tenancy.create_account(email=NORA, verified=True))
    seat = seat_for(acme)
    assert (seat.state, seat.user) == (MembershipState.INVITED, None)
    assert waiting_mails(seat).count() == 1


def test_an_account_that_only_claims_the_address_is_replaced_by_one_of_the_organization(acme, proved):
    claim = tenancy.sign_up(email=NORA, password="a-strangers-password")
    seat = seat_for(acme)
    assert (seat.state, seat.user.has_usable_password()) == (MembershipState.ACTIVE, False)
    assert not User.objects.filter(pk=claim.pk).exists()


def test_verifying_the_domain_later_passes_over_an_account_that_only_claims_the_address(acme, claimed):
    seat = seat_for(acme)
    claim = tenancy.sign_up(email=NORA, password="a-strangers-password")
    prove(claimed)
    seat.refresh_from_db()
    assert seat.state == MembershipState.ACTIVE
    assert seat.user_id != claim.pk


def test_an_account_that_verifies_the_address_meanwhile_joins(acme, proved, stranger, monkeypatch):
    create = tenancy.create_account

    def verify_first(**fields):
        tenancy.mark_address_verified(user=stranger, address=NORA)
        return create(**fields)

    monkeypatch.setattr(tenancy, "create_account", verify_first)
    assert seat_for(acme).user == stranger


def test_an_account_that_has_a_seat_here_gets_no_second_one(acme, proved, uma):
    tenancy.mark_address_verified(user=uma.user, address=NORA)
    assert seat_for(acme).state == MembershipState.INVITED


# proving the domain later


@pytest.fixture
def claimed(acme):
    return domains.add_domain(org=acme, name="acme.example", actor=ACTOR)


def prove(domain, actor=ACTOR):
    """The domain is proved, and a worker has done what follows."""
    domains.mark_verified(domain=domain, actor=actor)
    return outbox.drain()


def seats_for(org, count):
    return [seat_for(org, f"p{number}@acme.example") for number in range(count)]


def states():
    return Counter(Membership.objects.filter(email__startswith="p").values_list("state", flat=True))


def test_proving_the_domain_later_activates_its_waiting_seats(acme, claimed):
    waiting, other = seat_for(acme), seat_for(acme, "nora@elsewhere.example")
    prove(claimed)
    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.state, other.state) == (MembershipState.ACTIVE, MembershipState.INVITED)


def test_proving_the_domain_withdraws_the_invitations(acme, claimed):
    seat = seat_for(acme)
    prove(claimed)
    assert not waiting_mails(seat).exists()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("trait", MUST_CONSENT)
def test_proving_the_domain_later_asks_the_same_accounts(acme, claimed, trait):
    seat = seat_for(acme)
    trait(tenancy.create_account(email=NORA, verified=True))
    prove(claimed)
    seat.refresh_from_db()
    assert seat.state == MembershipState.INVITED
    assert waiting_mails(seat).count() == 1


def test_proving_the_domain_asks_again_where_the_invitation_has_run_out(acme, claimed):
    seat = seat_for(acme)
    make_staff(tenancy.create_account(email=NORA, verified=True))
    Invitation.objects.update(sent_at=now(), expires_at=now() - timedelta(minutes=1))
    OutboxEvent.objects.filter(kind=INVITATION_MAIL).delete()
    prove(claimed)
    assert waiting_mails(seat).count() == 1


def test_proving_the_domain_mails_nobody_whose_invitation_is_open(acme, claimed):
    seat = seat_for(acme)
    make_staff(tenancy.create_account(email=NORA, verified=True))
    Invitation.objects.update(sent_at=now(), expires_at=now() + timedelta(days=1))
    OutboxEvent.objects.filter(kind=INVITATION_MAIL).delete()
    prove(claimed)
    assert not waiting_mails(seat).exists()


def test_proving_the_domain_leaves_a_held_seat_suspended(acme, claimed):
    seat = seat_for(acme)
    people.hold_seat(membership=seat, source=HoldSource.SCIM, actor=ACTOR)
    prove(claimed)
    seat.refresh_from_db()
    assert seat.state == MembershipState.SUSPENDED


def test_who_was_let_in_by_the_proof_is_logged_with_who_proved_it(acme, claimed):
    seat_for(acme)
    prove(claimed, Actor(ActorKind.PERSON, "olga", "olga@acme.example", "192.0.2.1"))
    event = AuditEvent.objects.get(action="membership.joined", target_label=NORA)
    assert (event.actor_kind, event.actor_label, event.ip) == ("person", "olga@acme.example", "192.0.2.1")


def test_the_proof_itself_costs_the_same_however_many_wait(acme, globex, claimed, django_assert_num_queries):
    other = domains.add_domain(org=globex, name="globex.example", actor=ACTOR)
    with CaptureQueriesContext(connection) as captured:
        domains.mark_verified(domain=other, actor=ACTOR)
    seats_for(acme, 5)
    with django_assert_num_queries(len(captured)):
        domains.mark_verified(domain=claimed, actor=ACTOR)
    assert states() == {"invited": 5}


def test_who_waits_is_let_in_by_portions(acme, claimed, monkeypatch):
    monkeypatch.setattr(people_queries, "PORTION", 2)
    seats = seats_for(acme, 5)
    domains.mark_verified(domain=claimed, actor=ACTOR)
    after = [people.admit_waiting(domain=claimed, actor=ACTOR)]
    assert states() == {"active": 2, "invited": 3}
    while after[-1] is not None:
        after.append(people.admit_waiting(domain=claimed, actor=ACTOR, after=after[-1]))
    assert after == [seats[1].pk, seats[3].pk, seats[4].pk, None]
    assert states() == {"active": 5}


def test_a_worker_goes_on_until_nobody_is_left(acme, claimed, monkeypatch):
    monkeypatch.setattr(people_queries, "PORTION", 2)
    seats_for(acme, 5)
    assert prove(claimed) == 4
    assert states() == {"active": 5}
    assert not events_queries.waiting().filter(kind=ADMISSION).exists()


def test_a_seat_that_cannot_be_given_keeps_nobody_else_out(acme, claimed, monkeypatch):
    monkeypatch.setattr(people_queries, "PORTION", 2)
    create = tenancy.create_account

    def fail_once(*, email, **fields):
        if email.startswith("p1@"):
            raise AddressTaken
        return create(email=email, **fields)

    monkeypatch.setattr(tenancy, "create_account", fail_once)
    seats_for(acme, 5)
    assert prove(claimed) == 4
    assert states() == {"active": 4, "invited": 1}


def test_a_portion_that_fails_leaves_nothing_and_is_done_later(acme, claimed, monkeypatch):
    seats_for(acme, 3)
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
    outbox.drain()
    assert states() == {"active": 3}


def test_a_portion_that_is_delivered_twice_changes_nothing_and_plans_the_next_once(acme, claimed, monkeypatch):
    monkeypatch.setattr(people_queries, "PORTION", 2)
    seats_for(acme, 3)
    domains.mark_verified(domain=claimed, actor=ACTOR)
    first = OutboxEvent.objects.get(kind=ADMISSION)
    tasks.admit_portion(first)
    outbox.drain()
    assert states() == {"active": 3}
    assert AuditEvent.objects.filter(action="membership.joined", target_label__startswith="p").count() == 3
    delivered = OutboxEvent.objects.filter(kind=ADMISSION).exclude(delivered_at=None)
    assert delivered.count() == delivered.values("key").distinct().count()


@pytest.mark.parametrize("end", ["removed", "lapsed"])
def test_nobody_is_let_in_once_the_proof_is_gone(acme, claimed, end):
    seats_for(acme, 2)
    domains.mark_verified(domain=claimed, actor=ACTOR)
    if end == "removed":
        domains.remove_domain(domain=claimed, actor=ACTOR)
    else:
        Domain.objects.update(state=DomainState.LAPSED)
    assert outbox.drain() == 1
    assert states() == {"invited": 2}


def test_a_domain_that_is_removed_beside_a_portion_lets_nobody_in(acme, claimed):
    seats_for(acme, 2)
    domains.remove_domain(domain=Domain.objects.get(), actor=ACTOR)
    with pytest.raises(DomainUnknown):
        people.admit_waiting(domain=claimed, actor=ACTOR)
    assert states() == {"invited": 2}


def test_the_invitation_leaves_two_minutes_later(acme):
    event = waiting_mails(seat_for(acme)).get()
    assert abs(event.due_at - event.created_at - INVITATION_DELAY).total_seconds() < 2


def test_a_second_look_keeps_one_invitation_mail(acme):
    seat = seat_for(acme)
    people.admit_or_invite(membership=seat, actor=ACTOR)
    assert waiting_mails(seat).count() == 1


def test_a_joined_seat_is_left_as_it_is(acme, uma):
    joined = uma.joined_at
    people.admit_or_invite(membership=uma, actor=ACTOR)
    uma.refresh_from_db()
    assert uma.joined_at == joined


def test_an_account_that_verified_before_the_address_changed_hands_is_asked(acme):
    former = seat_for(acme)
    people.update_profile(membership=former, profile=Profile("nora.n@acme.example"), actor=ACTOR)
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    account = tenancy.create_account(email=NORA, verified=True)
    seat = seat_for(acme)
    assert (seat.state, seat.user) == (MembershipState.INVITED, None)
    tenancy.mark_address_verified(user=account, address=NORA)
    people.admit_or_ask(membership=seat, actor=ACTOR)
    assert seat.user == account


def test_verifying_a_domain_gives_nobody_the_membership_of_somebody_whom_the_directory_deleted(acme):
    seat = seat_for(acme)
    deprovisioning.deprovision_membership(membership=seat, actor=ACTOR)
    domain = add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    people.admit_waiting(domain=domain, actor=ACTOR)
    seat.refresh_from_db()
    assert (seat.user, Invitation.objects.filter(membership=seat, accepted_at=None).count()) == (None, 0)
    assert not User.objects.filter(email=NORA).exists()
