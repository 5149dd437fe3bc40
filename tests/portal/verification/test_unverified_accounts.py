"""An account that nobody has verified: replaced, pruned after three days, and tried at sign-in only while the address is free."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.urls import reverse

from orgs.base import portions
from orgs.base.clock import now
from orgs.tenancy import services as tenancy
from orgs.tenancy import tasks
from orgs.tenancy.errors import AccountUnknown, AddressTaken
from orgs.tenancy.models import User
from orgs.tenancy.queries import account_for_address
from orgs.tenancy.services import accounts
from orgs.tenancy.services.addresses import delete_if_empty
from orgs.tenancy.types import MembershipState
from portal.setup import add_domain
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OrganizationFactory
from tests.portal.test_accounts import NEW_PASSWORD, enter, sign_up
from tests.portal.verification.codes import NEWHIRE, code_in, is_in, last_mail, provision, type_code


@pytest.fixture
def acme_test(acme):
    return add_domain(org=acme, name="acme.test", verified=True, actor=ACTOR)


# an account without a verified address holds nothing


def test_provisioning_replaces_an_unverified_account_with_the_address(acme, acme_test):
    squatter, _ = sign_up(NEWHIRE)
    claim = User.objects.get(email=NEWHIRE)
    membership = provision(acme)
    assert (membership.state, membership.user.has_usable_password()) == (MembershipState.ACTIVE, False)
    assert not User.objects.filter(pk=claim.pk).exists()
    assert not is_in(enter(NEWHIRE, NEW_PASSWORD)[0])
    type_code(squatter, code_in(last_mail()))
    assert not is_in(squatter)


def test_sign_up_code_after_provisioning_says_that_the_address_is_taken(acme, acme_test):
    squatter, _ = sign_up(NEWHIRE)
    code = code_in(last_mail())
    provision(acme)
    assert "Another account has verified this address already" in type_code(squatter, code).content.decode()


def test_first_code_wins_when_two_people_sign_up_with_one_address(db):
    first, _ = sign_up(NEWHIRE)
    first_code = code_in(last_mail())
    second, _ = sign_up(NEWHIRE)
    assert User.objects.filter(email=NEWHIRE).count() == 2
    type_code(second, code_in(last_mail()))
    type_code(first, first_code)
    assert (is_in(first), is_in(second)) == (False, True)
    assert User.objects.filter(email=NEWHIRE).count() == 1


def test_sign_up_code_for_a_deleted_account_is_refused(db):
    client, _ = sign_up(NEWHIRE)
    User.objects.all().delete()
    assert "This code is wrong" in type_code(client, code_in(last_mail())).content.decode()


@pytest.mark.parametrize("error", [AccountUnknown, AddressTaken])
def test_sign_up_code_shows_a_message_when_the_verification_fails(db, monkeypatch, error):
    client, _ = sign_up(NEWHIRE)

    def fail(**fields: Any) -> None:
        raise error

    monkeypatch.setattr(tenancy, "mark_address_verified", fail)
    response = type_code(client, code_in(last_mail()))
    assert response.headers["Location"] == reverse("account_login")
    assert "can’t be verified" in client.get(reverse("account_login")).content.decode()
    assert not is_in(client)


def test_create_staff_replaces_an_unverified_account_with_the_address(db):
    sign_up(NEWHIRE)
    user, is_new = tenancy.create_staff(email=NEWHIRE)
    assert (is_new, user.has_usable_password(), User.objects.count()) == (True, False, 1)


def test_prune_deletes_unverified_accounts_after_three_days(db, stranger, uma):
    claims = [tenancy.sign_up(email=f"{name}@acme.test", password=PASSWORD) for name in ("old", "new", "staff")]
    User.objects.exclude(pk=claims[1].pk).update(date_joined=now() - timedelta(days=3, minutes=1))
    User.objects.filter(pk=claims[2].pk).update(is_staff=True)
    EmailAddress.objects.filter(user=uma.user).update(verified=False)
    before = set(User.objects.values_list("pk", flat=True))
    assert tasks.prune() == 1
    assert before - set(User.objects.values_list("pk", flat=True)) == {claims[0].pk}


def lose_last_address(user: User) -> None:
    assert user.email
    tenancy.remove_account_address(user=user, address=user.email)


def revoke_domain(user: User) -> None:
    """The domain's word was all that the account had for its address."""
    User.objects.filter(pk=user.pk).update(password=make_password(None))
    tenancy.revoke_domain_trust(org=OrganizationFactory(slug="nowhere"), name_key=user.email.partition("@")[2])


def rename_in_a_library(user: User) -> None:
    """A library saves another address alone."""
    EmailAddress.objects.filter(user=user).update(verified=False)
    user.email = "other@nowhere.example"
    user.save(update_fields=["email"])


@pytest.mark.parametrize("lose", [lose_last_address, revoke_domain, rename_in_a_library])
def test_prune_keeps_an_account_for_three_days_after_it_lost_its_last_address(db, stranger, lose):
    User.objects.update(date_joined=now() - timedelta(days=400))
    lose(stranger)
    kept = User.objects.filter(pk=stranger.pk)
    assert (tasks.prune(), kept.exists()) == (0, True)
    with time_machine.travel(now() + timedelta(days=2, hours=23), tick=False):
        assert (tasks.prune(), kept.exists()) == (0, True)
    with time_machine.travel(now() + timedelta(days=3, minutes=1), tick=False):
        assert (tasks.prune(), kept.exists()) == (1, False)


def test_account_without_a_verified_address_is_kept_when_another_account_verifies_its_claim(db, stranger):
    EmailAddress.objects.create(user=stranger, email=NEWHIRE, verified=False)
    lose_last_address(stranger)
    tenancy.create_account(email=NEWHIRE, verified=True)
    assert User.objects.filter(pk=stranger.pk).exists()


def test_prune_counts_three_days_from_the_last_time_an_account_lost_its_address(db, stranger):
    address = stranger.email
    with time_machine.travel(now() - timedelta(days=10), tick=False):
        lose_last_address(stranger)
    tenancy.change_account_address(user=stranger, email=address)
    lose_last_address(stranger)
    assert tasks.prune() == 0


def make_claims(amount: int) -> None:
    for number in range(amount):
        tenancy.sign_up(email=f"p{number}@people.example", password=PASSWORD)
    User.objects.update(date_joined=now() - timedelta(days=4))


def test_prune_deletes_all_unverified_accounts_in_one_run(db, monkeypatch):
    monkeypatch.setattr(portions, "PORTION", 2)
    make_claims(5)
    assert tasks.prune() == 5
    assert not User.objects.exists()


def test_prune_stops_at_its_time_limit(db, monkeypatch):
    monkeypatch.setattr(portions, "SECONDS", -1.0)
    make_claims(1)
    assert tasks.prune() == 0


def test_prune_keeps_an_account_that_is_verified_meanwhile(db, monkeypatch):
    claim = tenancy.sign_up(email=NEWHIRE, password=PASSWORD)
    User.objects.update(date_joined=now() - timedelta(days=4))
    delete = delete_if_empty

    def verify_first(pk: int) -> int:
        tenancy.mark_address_verified(user=claim, address=NEWHIRE)
        return delete(pk)

    monkeypatch.setattr(accounts, "delete_if_empty", verify_first)
    assert tasks.prune() == 0
    assert account_for_address(NEWHIRE) == claim


def test_prune_does_not_count_an_account_that_is_gone_already(db):
    assert delete_if_empty(4711) == 0


def test_beat_schedule_includes_pruning_of_accounts():
    from portal.celery import app

    app.loader.import_default_modules()
    tasks_of_beat = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert tasks.prune.name in tasks_of_beat & set(app.tasks)


# signing in


def test_sign_in_tries_only_the_account_that_verified_the_address(stranger):
    EmailAddress.objects.create(
        user=tenancy.create_account(email="x@nowhere.example", password="x-password", verified=True),
        email=stranger.email,
        verified=False,
    )
    assert not is_in(enter(stranger.email, "x-password")[0])


def test_sign_in_tries_only_the_newest_unverified_accounts_of_an_address(db, monkeypatch):
    passwords = [f"password-number-{number}" for number in range(5)]
    for password in passwords:
        tenancy.sign_up(email=NEWHIRE, password=password)
    answers = [enter(NEWHIRE, password)[1].status_code for password in passwords]
    assert answers == [200, 200, 302, 302, 302]


def test_sign_in_refuses_a_look_alike_spelling_of_the_address(stranger):
    assert not is_in(enter("stranger@ｎowhere.example")[0])
    assert is_in(enter("STRANGER@nowhere.example")[0])


def test_allauth_settings_allow_no_other_way_to_verify_an_address():
    """These paths mark an address as verified without the services; a new setting must bring its own way there."""
    from allauth.account import app_settings

    assert not app_settings.LOGIN_BY_CODE_ENABLED
    assert not app_settings.PASSWORD_RESET_BY_CODE_ENABLED
    assert not app_settings.CHANGE_EMAIL
    assert not app_settings.EMAIL_VERIFICATION_MAX_CHANGE_COUNT
    assert {"allauth.headless", "allauth.socialaccount"}.isdisjoint(settings.INSTALLED_APPS)


def test_membership_stays_active_when_the_account_loses_its_address(acme):
    membership = MembershipFactory(org=acme, email="hank@people.example")
    tenancy.remove_account_address(user=membership.user, address=membership.email)
    membership.refresh_from_db()
    assert (membership.is_active, membership.user.email) == (True, "")
