"""Decision 1: who takes a seat at once, and who is asked first."""

import pytest

from orgs.domains import services as domains
from orgs.events.models import OutboxEvent
from orgs.people import services as people
from orgs.people.models import Invitation
from orgs.people.types import INVITATION_DELAY, INVITATION_MAIL, Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import User
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
    stranger.emailaddress_set.create(email=NORA, verified=True, primary=False)
    assert seat_for(acme).user == stranger


def make_staff(account):
    User.objects.filter(pk=account.pk).update(is_staff=True)


def make_owner_elsewhere(account):
    OrganizationFactory(slug="other", owner_email=account.email)


def make_unproved(account):
    account.emailaddress_set.update(verified=False)


def make_inactive(account):
    User.objects.filter(pk=account.pk).update(is_active=False)


MUST_CONSENT = [make_staff, make_owner_elsewhere, make_unproved, make_inactive]


@pytest.mark.parametrize("trait", MUST_CONSENT)
def test_some_accounts_are_asked_even_in_a_proved_domain(acme, proved, trait):
    trait(tenancy.create_account(email=NORA, verified=True))
    seat = seat_for(acme)
    assert (seat.state, seat.user) == (MembershipState.INVITED, None)
    assert waiting_mails(seat).count() == 1


def test_an_account_that_has_a_seat_here_gets_no_second_one(acme, proved, uma):
    uma.user.emailaddress_set.create(email=NORA, verified=True, primary=False)
    assert seat_for(acme).state == MembershipState.INVITED


def test_proving_the_domain_later_activates_its_waiting_seats(acme):
    waiting, other = seat_for(acme), seat_for(acme, "nora@elsewhere.example")
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.state, other.state) == (MembershipState.ACTIVE, MembershipState.INVITED)


def test_proving_the_domain_withdraws_the_invitations(acme):
    seat = seat_for(acme)
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    assert not waiting_mails(seat).exists()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("trait", MUST_CONSENT)
def test_proving_the_domain_later_asks_the_same_accounts(acme, trait):
    seat = seat_for(acme)
    trait(tenancy.create_account(email=NORA, verified=True))
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    seat.refresh_from_db()
    assert seat.state == MembershipState.INVITED


def test_proving_the_domain_leaves_a_held_seat_suspended(acme):
    seat = seat_for(acme)
    people.hold_seat(membership=seat, source=HoldSource.SCIM, actor=ACTOR)
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    seat.refresh_from_db()
    assert seat.state == MembershipState.SUSPENDED


def test_proving_the_domain_says_how_many_seats_it_looked_at(acme):
    for number in range(3):
        seat_for(acme, f"p{number}@acme.example")
    domain = add_domain(org=acme, name="acme.example", verified=False, actor=ACTOR)
    assert people.admit_waiting(domain=domain, actor=ACTOR) == 3


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
