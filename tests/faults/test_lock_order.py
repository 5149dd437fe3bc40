"""An organization is locked before its memberships, also when somebody has just become an owner: nobody waits in a circle."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction

from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.errors import AddressKept
from orgs.people.types import Profile
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import MembershipOrigin, Role
from portal.setup import add_domain
from tests.factories import ACTOR, MembershipFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
CEO = "ceo@newco.test"


@contextmanager
def elsewhere(act: Callable[[], Any], begins: Event | None = None) -> Iterator[list[Any]]:
    """The act runs in a thread of its own inside, once `begins` is set; afterwards the list has what it returned or raised."""
    ended: list[Any] = []

    def run() -> None:
        try:
            if begins is not None:
                assert begins.wait(20)
            ended.append(act())
        except Exception as error:  # noqa: BLE001 - the test looks at what was raised
            ended.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    try:
        yield ended
    finally:
        thread.join(20)
        assert not thread.is_alive()


def locks_without_waiting(membership: Membership) -> bool:
    try:
        with transaction.atomic():
            Membership.objects.select_for_update(nowait=True, of=("self",)).get(pk=membership.pk)
    except OperationalError:
        return False
    return True


def test_free_address_waits_for_the_organization_before_it_holds_the_membership(
    acme: Organization, olga: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address's account is a member's, who becomes an owner while the link is used."""
    account = tenancy.create_account(email=CEO, password="an-own-password", verified=True)
    own = MembershipFactory(org=acme, email="boss@acme.example")
    Membership.objects.filter(pk=own.pk).update(user=account)
    add_domain(org=acme, name="newco.test", verified=True, actor=ACTOR)
    waiting = people.create_membership(org=acme, profile=Profile(CEO), origin=MembershipOrigin.SCIM, actor=ACTOR)
    prepared = invitations.prepare_invitation(org=acme, membership_public_id=str(waiting.public_id))
    assert prepared is not None
    lock_address, may_go = tenancy_queries.lock_address, Event()

    def promote(address: str) -> None:
        Membership.objects.filter(pk=own.pk).update(role=Role.OWNER)
        lock_address(address)

    monkeypatch.setattr(tenancy_queries, "lock_address", promote)

    def free() -> Any:
        may_go.set()
        return invitations.free_address(secret=prepared[1], visitor=None, actor=ACTOR)

    with elsewhere(free) as ended, transaction.atomic():
        tenancy_queries.lock_organization(acme.pk)
        assert may_go.wait(20)
        wait_until_blocked()
        assert locks_without_waiting(waiting)
    assert isinstance(ended[0], Membership | AddressKept)


def wait_until_blocked() -> None:
    """Return once another session of this database waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(400):
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(query)
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.05)")
    pytest.fail("nobody waits")


def test_lock_membership_of_who_has_become_an_owner_does_not_wait_for_the_organization(
    acme: Organization, uma: Membership
) -> None:
    """Whoever holds the organization may wait for that very membership."""
    Membership.objects.filter(pk=uma.pk).update(role=Role.OWNER)

    def lock() -> None:
        with transaction.atomic():
            people.lock_membership(uma)

    with transaction.atomic():
        tenancy_queries.lock_organization(acme.pk)
        with elsewhere(lock) as ended:
            pass
        assert isinstance(ended[0], OperationalError)
        assert locks_without_waiting(uma)
    lock()


def test_lock_membership_of_an_owner_waits_for_the_organization(acme: Organization, olga: Membership) -> None:
    def lock() -> str:
        with transaction.atomic():
            people.lock_membership(olga)
        return "locked"

    with elsewhere(lock, begins := Event()) as ended, transaction.atomic():
        tenancy_queries.lock_organization(acme.pk)
        begins.set()
        wait_until_blocked()
        assert locks_without_waiting(olga)
    assert ended == ["locked"]


def test_address_of_a_former_owner_is_not_taken_while_the_organization_is_held(
    acme: Organization, olga: Membership
) -> None:
    """The new holder's membership is locked by then."""
    assert olga.user is not None
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    address = olga.email
    people.update_profile(membership=olga, profile=Profile("boss@acme.example"), actor=ACTOR)
    tenancy.mark_address_verified(user=olga.user, address="olga@private.example")
    tenancy.mark_address_verified(user=olga.user, address=address)

    def create() -> Membership:
        return people.create_membership(org=acme, profile=Profile(address), origin=MembershipOrigin.SCIM, actor=ACTOR)

    with transaction.atomic():
        tenancy_queries.lock_organization(acme.pk)
        with elsewhere(create) as ended:
            pass
    assert isinstance(ended[0], OperationalError)
    assert create().user_id != olga.user_id
