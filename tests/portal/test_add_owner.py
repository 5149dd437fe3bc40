"""`manage.py add_owner`: an organization in which no owner can sign in gets one."""

from typing import Any

import pytest
from django.core.management import CommandError

from orgs.audit.models import AuditEvent
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.errors import LastOwner
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import MembershipOrigin, Role, SuspensionSource
from portal.setup import NewOwner, add_owner
from tests import held
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OrganizationFactory
from tests.faults.test_races import all_at_once
from tests.portal.test_commands import run, typed  # noqa: F401 - a fixture among them

NINA = "nina@acme.example"


@pytest.fixture
def locked_out(acme: Organization, olga: Membership) -> Organization:
    """Acme, whose only owner's account has lost its only address."""
    assert olga.user is not None
    tenancy.remove_account_address(user=olga.user, address=olga.email)
    return acme


def membership_of(org: Organization, email: str = NINA) -> Membership:
    return org.memberships.get(email_key=email)


def test_add_owner_creates_an_account_that_owns_the_organization(locked_out: Organization) -> None:
    assert run("add_owner", "acme", NINA) == {"slug": "acme", "owner": NINA, "created": True}
    membership = membership_of(locked_out)
    assert (membership.role, membership.is_active) == (Role.OWNER, True)
    assert membership.user is not None
    assert (set(queries.verified_keys_of(membership.user)), membership.user.has_usable_password()) == ({NINA}, False)


def test_add_owner_is_audited_with_the_command_name(locked_out: Organization) -> None:
    run("add_owner", "acme", NINA)
    events = AuditEvent.objects.filter(org=locked_out, actor_label="manage.py add_owner")
    assert set(events.values_list("action", flat=True)) == {
        "membership.created",
        "membership.joined",
        "membership.role_changed",
    }


def test_add_owner_takes_an_existing_verified_account_and_keeps_its_password(
    locked_out: Organization,
    typed: Any,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = tenancy.create_account(email="nina@private.example", password=PASSWORD, verified=True)
    tenancy.mark_address_verified(user=account, address=NINA)
    typed("another-long-password\n")
    assert run("add_owner", "acme", NINA, "--password-stdin", "--existing-account")["created"] is False
    # the organization doesn't learn the account's private address
    assert membership_of(locked_out).user == account
    assert "keeps its own password" in capsys.readouterr().err


def test_add_owner_reads_the_password_from_standard_input(locked_out: Organization, typed: Any) -> None:  # noqa: F811
    typed(f"{PASSWORD}\n")
    run("add_owner", "acme", NINA, "--password-stdin")
    account = queries.account_for_address(NINA)
    assert account is not None
    assert account.check_password(PASSWORD)


def test_add_owner_makes_an_active_member_an_owner(locked_out: Organization) -> None:
    member = MembershipFactory(org=locked_out, email=NINA)
    run("add_owner", "acme", NINA, "--existing-account")
    member.refresh_from_db()
    assert (member.role, locked_out.memberships.count()) == (Role.OWNER, 2)


def test_add_owner_finds_a_member_by_another_address_of_the_account(locked_out: Organization) -> None:
    member = MembershipFactory(org=locked_out, email="nina@private.example")
    assert member.user is not None
    tenancy.mark_address_verified(user=member.user, address=NINA)
    run("add_owner", "acme", NINA, "--existing-account")
    member.refresh_from_db()
    assert member.role == Role.OWNER


def refused(message: str, *options: str) -> None:
    before = User.objects.count(), Membership.objects.count(), AuditEvent.objects.count()
    with pytest.raises(CommandError, match=message) as caught:
        run("add_owner", "acme", NINA, *options)
    assert "\n" not in str(caught.value)
    assert (User.objects.count(), Membership.objects.count(), AuditEvent.objects.count()) == before


def test_add_owner_is_refused_while_an_owner_can_sign_in(olga: Membership) -> None:
    refused("^An owner of this organization can sign in")


def test_add_owner_is_refused_for_a_closed_account(locked_out: Organization) -> None:
    tenancy.create_account(email=NINA, verified=True)
    User.objects.filter(email_key=NINA).update(is_active=False)
    refused("closed")


def test_add_owner_is_refused_for_a_suspended_member(locked_out: Organization) -> None:
    member = MembershipFactory(org=locked_out, email=NINA)
    people.suspend_membership(membership=member, source=SuspensionSource.ADMIN, actor=ACTOR)
    refused("suspended", "--existing-account")


def test_add_owner_is_refused_for_a_suspended_invitation(locked_out: Organization) -> None:
    membership = people.create_membership(
        org=locked_out, profile=Profile(NINA), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    people.suspend_membership(membership=membership, source=SuspensionSource.ADMIN, actor=ACTOR)
    refused("suspended")


def test_add_owner_is_refused_for_the_address_of_another_accounts_membership(locked_out: Organization) -> None:
    """The operator's word about an address doesn't open the account of whoever had it before."""
    member = MembershipFactory(org=locked_out, email=NINA)
    assert member.user is not None
    tenancy.remove_account_address(user=member.user, address=NINA)
    refused("already has that address")


def test_add_owner_is_refused_for_a_former_address_of_a_member(locked_out: Organization) -> None:
    """The account still has the address, whose reader may be somebody else by now."""
    member = MembershipFactory(org=locked_out, email=NINA)
    people.update_profile(membership=member, profile=Profile("n@acme.example"), actor=ACTOR)
    refused("former one", "--existing-account")


def test_add_owner_is_allowed_when_only_another_organization_has_an_owner(locked_out: Organization) -> None:
    OrganizationFactory(slug="other", owner_email="other@other.example")
    run("add_owner", "acme", NINA)
    assert queries.owners_who_can_sign_in(locked_out).get().email == NINA


def test_removal_of_the_added_owner_raises_last_owner(locked_out: Organization) -> None:
    run("add_owner", "acme", NINA)
    with pytest.raises(LastOwner):
        held.remove(membership_of(locked_out))


@pytest.mark.django_db(transaction=True)
def test_concurrent_add_owner_calls_create_one_owner(locked_out: Organization) -> None:
    def add(email: str) -> Any:
        return add_owner(org=locked_out, order=NewOwner(email), actor=ACTOR)

    results = all_at_once([lambda: add(NINA), lambda: add("nils@acme.example")])
    assert sorted(type(result).__name__ for result in results) == ["OwnerCanSignIn", "tuple"]
    assert queries.owners_who_can_sign_in(locked_out).count() == 1
