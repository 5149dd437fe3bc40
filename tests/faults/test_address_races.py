"""Many who verify one address at once: it has one holder, and nobody waits for anybody in a circle."""

from functools import partial
from typing import Any

import pytest
from django.db import transaction

from orgs.base.clock import now
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import AccountUnknown, AddressTaken
from orgs.tenancy.models import AddressVerification, Membership, User
from orgs.tenancy.queries import account_for_address, verified_keys_of
from orgs.tenancy.types import MembershipOrigin, MembershipState
from portal.setup import add_domain
from tests.factories import ACTOR, PASSWORD
from tests.faults.test_races import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4


def claims(address: str, count: int) -> list[User]:
    return [tenancy.sign_up(email=address, password=PASSWORD) for _ in range(count)]


def verify(user: User, address: str) -> None:
    tenancy.mark_address_verified(user=user, address=address)


def faults(outcomes: list[Any]) -> list[Any]:
    """Return what nobody may meet; that another was first is an answer."""
    return [
        one for one in outcomes if isinstance(one, Exception) and not isinstance(one, AddressTaken | AccountUnknown)
    ]


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_concurrent_verifications_of_one_address_succeed_for_one_account(db: None, turn: int) -> None:
    address = f"newhire{turn}@acme.test"
    accounts = claims(address, 6)
    outcomes = all_at_once([partial(verify, account, address) for account in accounts])
    assert faults(outcomes) == []
    assert outcomes.count(None) == 1
    holder = account_for_address(address)
    assert holder == accounts[outcomes.index(None)]
    assert list(User.objects.filter(email=address)) == [holder]
    assert AddressVerification.objects.filter(address_key=address).count() == 1


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_verification_concurrent_with_provisioning_leaves_one_holder(acme: Any, turn: int) -> None:
    add_domain(org=acme, name="acme.test", verified=True, actor=ACTOR)
    address = f"newhire{turn}@acme.test"
    (claim,) = claims(address, 1)

    def provision() -> Membership:
        return people.create_membership(org=acme, profile=Profile(address), origin=MembershipOrigin.SCIM, actor=ACTOR)

    verified, membership = all_at_once([partial(verify, claim, address), provision])
    assert faults([verified, membership]) == []
    assert isinstance(membership, Membership)
    holder = account_for_address(address)
    assert holder is not None
    assert AddressVerification.objects.filter(address_key=address).count() == 1
    assert (holder == claim) is (verified is None)
    membership.refresh_from_db()
    assert membership.state == MembershipState.INVITED or membership.user == holder


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_concurrent_verifications_of_swapped_claims_do_not_deadlock(db: None, turn: int) -> None:
    first, second = f"first{turn}@acme.test", f"second{turn}@acme.test"
    one, other = claims(first, 1)[0], claims(second, 1)[0]
    one.emailaddress_set.create(email=second, verified=False)  # type: ignore[attr-defined]  # allauth adds it
    other.emailaddress_set.create(email=first, verified=False)  # type: ignore[attr-defined]
    outcomes = all_at_once([partial(verify, one, first), partial(verify, other, second)])
    assert faults(outcomes) == []
    assert {outcomes[0], outcomes[1]} <= {None} or len([one for one in outcomes if one is None]) == 1
    for account, outcome, address in ((one, outcomes[0], first), (other, outcomes[1], second)):
        assert (outcome is None) is (address in verified_keys_of(account))


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_verification_concurrent_with_pruning_leaves_the_account_whole_or_deleted(db: None, turn: int) -> None:
    address = f"newhire{turn}@acme.test"
    (claim,) = claims(address, 1)
    verified, deleted = all_at_once(
        [partial(verify, claim, address), partial(tenancy.delete_unverified_accounts, before=now())]
    )
    assert faults([verified, deleted]) == []
    assert (deleted, account_for_address(address)) == ((0, claim) if verified is None else (1, None))


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_password_reset_concurrent_with_a_verification_leaves_one_holder(db: None, turn: int) -> None:
    address = f"newhire{turn}@acme.test"
    one, other = claims(address, 2)
    reset = partial(
        tenancy.reset_password, user=other, address=address, password="another-long-password", mailed_at=now()
    )
    outcomes = all_at_once([partial(verify, one, address), reset])
    assert faults(outcomes) == []
    assert outcomes.count(None) == 1
    assert account_for_address(address) == (one, other)[outcomes.index(None)]


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_reassignment_of_an_address_concurrent_with_a_verification_leaves_one_holder(db: None, turn: int) -> None:
    """One transaction takes the address from an account and gives it to a new one, as provisioning does."""
    address = f"newhire{turn}@acme.test"
    (claim,) = claims(address, 1)
    former = tenancy.create_account(email="former@acme.test", verified=True)
    former.emailaddress_set.create(email=address, verified=False)  # type: ignore[attr-defined]  # allauth adds it

    @transaction.atomic
    def hand_over() -> None:
        tenancy.remove_account_address(user=former, address=address)
        tenancy.create_account(email=address, verified=True)

    outcomes = all_at_once([partial(verify, claim, address), hand_over])
    assert faults(outcomes) == []
    assert outcomes.count(None) == 1
    assert (account_for_address(address) == claim) is (outcomes[0] is None)


def test_concurrent_sign_ups_with_one_address_all_succeed(db: None) -> None:
    made = all_at_once([partial(tenancy.sign_up, email="newhire@acme.test", password=PASSWORD)] * 8)
    assert all(isinstance(one, User) for one in made)
    assert User.objects.filter(email="newhire@acme.test").count() == 8
