"""Whose an address is: the account's that verified it last, and nobody's until then."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress

from orgs.base.clock import now
from orgs.domains import services as domains
from orgs.tenancy import queries, services
from orgs.tenancy.errors import AccountUnknown, AddressInvalid, AddressTaken, AddressUnverified
from orgs.tenancy.models import AddressVerification, Membership, User
from orgs.tenancy.queries import account_for_address, verified_at, verified_keys_of
from tests.factories import ACTOR, PASSWORD

NORA = "nora@acme.example"
OTHER = "nora@home.example"


def claim(address=NORA):
    """An account that signed up with the address and never verified it."""
    return services.sign_up(email=address, password=PASSWORD)


def verify(user, address=NORA):
    services.mark_address_verified(user=user, address=address)


def exists(user):
    return User.objects.filter(pk=user.pk).exists()


def primaries(user):
    return list(EmailAddress.objects.filter(user=user, primary=True).values_list("email", flat=True))


@pytest.fixture
def nora(db):
    return services.create_account(email=NORA, password=PASSWORD, verified=True)


def test_an_unverified_account_owns_no_address(db):
    account = claim()
    assert (account.email, account.email_key, account_for_address(NORA)) == (NORA, None, None)
    assert verified_keys_of(account) == frozenset()
    assert verified_at(account, NORA) is None


def test_two_unverified_accounts_may_claim_the_same_address(db):
    assert claim() != claim()


def test_sign_up_deletes_the_oldest_claims_of_an_address_beyond_the_most(db, monkeypatch):
    monkeypatch.setattr("orgs.tenancy.services.accounts.MOST_CLAIMS", 2)
    accounts = [claim() for _ in range(4)]
    assert [exists(account) for account in accounts] == [False, False, True, True]


def test_sign_up_beyond_the_most_claims_keeps_an_account_with_a_membership(uma, monkeypatch):
    monkeypatch.setattr("orgs.tenancy.services.accounts.MOST_CLAIMS", 1)
    EmailAddress.objects.filter(user=uma.user).update(verified=False)
    for _ in range(3):
        claim(uma.email)
    assert exists(uma.user)


def test_a_verified_account_owns_its_address(nora):
    assert (nora.email_key, account_for_address("NORA@acme.example")) == (NORA, nora)
    assert verified_keys_of(nora) == {NORA}
    assert now() - verified_at(nora, NORA) < timedelta(minutes=1)


def test_address_counts_as_verified_only_when_both_tables_say_so(nora):
    EmailAddress.objects.update(verified=False)
    assert (account_for_address(NORA), verified_at(nora, NORA), verified_keys_of(nora)) == (None, None, frozenset())
    EmailAddress.objects.update(verified=True)
    AddressVerification.objects.all().delete()
    assert (account_for_address(NORA), verified_at(nora, NORA), verified_keys_of(nora)) == (None, None, frozenset())


def test_create_account_stores_the_provisioning_organization(acme):
    account = services.create_account(email=NORA, verified=True, made_by=acme)
    account.refresh_from_db()
    assert account.made_by_org == acme


# verifying


def test_mark_address_verified_gives_the_address_to_the_account(db):
    account = claim()
    verify(account)
    stored = User.objects.get(pk=account.pk)
    assert (stored.email_key, account.email_key, account_for_address(NORA)) == (NORA, NORA, account)
    assert EmailAddress.objects.get().verified


def test_mark_address_verified_again_updates_the_time(nora):
    AddressVerification.objects.update(verified_at=now() - timedelta(days=400))
    verify(nora)
    assert now() - verified_at(nora, NORA) < timedelta(minutes=1)


def test_mark_address_verified_by_an_older_mail_stores_the_time_of_the_mail(db):
    account, mailed_at = claim(), now() - timedelta(days=2)
    services.mark_address_verified(user=account, address=NORA, mailed_at=mailed_at)
    assert verified_at(account, NORA) == mailed_at


def test_mark_address_verified_by_an_older_mail_keeps_a_later_verification_time(nora):
    before = verified_at(nora, NORA)
    services.mark_address_verified(user=nora, address=NORA, mailed_at=before - timedelta(days=2))
    assert verified_at(nora, NORA) == before


def test_mark_address_verified_deletes_accounts_that_only_claimed_the_address(db, nora):
    strangers = [claim(OTHER), claim(OTHER)]
    verify(nora, OTHER)
    assert [exists(account) for account in strangers] == [False, False]
    assert verified_keys_of(nora) == {NORA, OTHER}


def test_mark_address_verified_removes_the_address_from_a_claiming_member_and_keeps_the_account(uma, nora):
    EmailAddress.objects.filter(user=uma.user).update(verified=False)
    verify(nora, uma.email)
    uma.refresh_from_db()
    assert (uma.user.email, uma.user.email_key, uma.is_active) == ("", None, True)
    assert not EmailAddress.objects.filter(user=uma.user).exists()


def test_mark_address_verified_removes_the_address_from_an_account_that_has_another(nora, stranger):
    EmailAddress.objects.create(user=stranger, email=OTHER, verified=False)
    verify(nora, OTHER)
    assert exists(stranger)
    assert primaries(stranger) == [stranger.email]


def test_mark_address_verified_keeps_a_claiming_staff_account(nora, stranger):
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    EmailAddress.objects.filter(user=stranger).update(verified=False)
    verify(nora, stranger.email)
    assert exists(stranger)


def test_mark_address_verified_raises_address_taken_when_another_account_verified_it(nora, stranger):
    with pytest.raises(AddressTaken):
        verify(stranger)
    assert account_for_address(NORA) == nora


def test_mark_address_verified_raises_account_unknown_when_the_account_is_gone(db):
    account = claim()
    User.objects.filter(pk=account.pk).delete()
    with pytest.raises(AccountUnknown):
        verify(account)


def test_mark_address_verified_raises_address_invalid_for_other_text(nora):
    with pytest.raises(AddressInvalid):
        verify(nora, "nora")


def test_mark_address_verified_keeps_a_verified_primary_address(nora):
    verify(nora, OTHER)
    assert (primaries(nora), nora.email) == ([NORA], NORA)


def test_mark_address_verified_makes_it_primary_when_the_primary_one_is_unverified(db):
    account = claim()
    verify(account, OTHER)
    account.refresh_from_db()
    assert (primaries(account), account.email, account.email_key) == ([OTHER], OTHER, OTHER)


def test_address_is_refused_when_an_account_has_its_key_without_the_address(db, nora):
    """What no service writes: a key without its address. The unique key refuses a second holder all the same."""
    EmailAddress.objects.all().delete()
    account = claim()
    with pytest.raises(AddressTaken):
        verify(account)
    with pytest.raises(AddressTaken):
        services.change_account_address(user=account, email=NORA)
    with pytest.raises(AddressTaken):
        services.create_account(email=NORA, verified=True)


# losing


def test_remove_account_address_deletes_the_address_and_its_verification(nora):
    verify(nora, OTHER)
    services.remove_account_address(user=nora, address="NORA@home.example")
    assert verified_keys_of(nora) == {NORA}
    assert not EmailAddress.objects.filter(email=OTHER).exists()
    assert primaries(nora) == [NORA]


def test_remove_account_address_makes_the_next_verified_address_primary(nora):
    verify(nora, OTHER)
    services.remove_account_address(user=nora, address=NORA)
    stored = User.objects.get(pk=nora.pk)
    assert (stored.email, stored.email_key, primaries(nora)) == (OTHER, OTHER, [OTHER])
    assert (nora.email, nora.email_key) == (OTHER, OTHER)


def test_remove_account_address_of_the_last_verified_one_leaves_the_account_without_address(nora):
    EmailAddress.objects.create(user=nora, email=OTHER, verified=False)
    services.remove_account_address(user=nora, address=NORA)
    nora.refresh_from_db()
    assert (nora.email, nora.email_key, primaries(nora)) == ("", None, [])
    assert str(nora) == f"Account {nora.public_id}"
    assert nora.initials == "?"


def test_remove_account_address_of_an_unknown_address_changes_nothing(nora):
    services.remove_account_address(user=nora, address="nobody@acme.example")
    assert verified_keys_of(nora) == {NORA}


def test_removed_address_can_be_verified_by_another_account(nora, stranger):
    services.remove_account_address(user=nora, address=NORA)
    verify(stranger)
    assert account_for_address(NORA) == stranger


def test_account_saved_with_another_email_loses_its_email_key(nora):
    """Libraries write the address alone: it counts once a service has verified it."""
    nora.email = OTHER
    nora.save(update_fields=["email"])
    nora.refresh_from_db()
    assert (nora.email, nora.email_key) == (OTHER, None)


def test_remove_domain_unverifies_the_addresses_of_provisioned_accounts(acme):
    domain = domains.add_domain(org=acme, name="acme.example", actor=ACTOR)
    domains.mark_verified(domain=domain, actor=ACTOR)
    account = services.create_account(email=NORA, verified=True, made_by=acme)
    domains.remove_domain(domain=domain, actor=ACTOR)
    account.refresh_from_db()
    assert (account.email_key, verified_at(account, NORA), account_for_address(NORA)) == (None, None, None)


# choosing the primary one


def test_set_primary_address_makes_a_verified_address_primary(nora):
    verify(nora, OTHER)
    services.set_primary_address(user=nora, address=OTHER)
    stored = User.objects.get(pk=nora.pk)
    assert (primaries(nora), stored.email, stored.email_key, nora.email) == ([OTHER], OTHER, OTHER, OTHER)


def test_set_primary_address_raises_address_unverified_for_an_unverified_address(nora):
    EmailAddress.objects.create(user=nora, email=OTHER, verified=False)
    with pytest.raises(AddressUnverified):
        services.set_primary_address(user=nora, address=OTHER)


def test_change_account_address_leaves_only_the_new_verified_address(nora):
    verify(nora, OTHER)
    services.change_account_address(user=nora, email="new@acme.example")
    assert verified_keys_of(nora) == {"new@acme.example"}
    assert nora.email_key == "new@acme.example"


def test_accounts_claiming_lists_members_first_and_then_the_newest(uma):
    EmailAddress.objects.filter(user=uma.user).update(verified=False)
    first, second = claim(uma.email), claim(uma.email)
    assert list(queries.accounts_claiming(uma.email)) == [uma.user, second, first]


def test_accounts_claiming_leaves_out_an_account_that_verified_another_address(nora):
    EmailAddress.objects.create(user=nora, email=OTHER, verified=False)
    assert not queries.accounts_claiming(OTHER).exists()


def test_deletable_accounts_leaves_out_accounts_with_a_membership(uma):
    EmailAddress.objects.update(verified=False)
    assert Membership.objects.filter(pk=uma.pk).exists()
    assert not queries.deletable_accounts().filter(pk=uma.user_id).exists()
