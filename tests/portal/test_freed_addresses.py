"""An account that verified an address before the organization verified its domain doesn't keep the right person out."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.domains.models import Domain
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.models import InvitationLink
from orgs.people.types import Profile
from orgs.tenancy import access
from orgs.tenancy import queries as tenancy_queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization, User
from orgs.tenancy.types import MembershipOrigin, MembershipState, Role, SignInMethod, SuspensionSource
from portal.setup import add_domain
from tests import held
from tests.conftest import SignIn
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OrganizationFactory
from tests.faults.test_races import all_at_once
from tests.portal.test_accounts import NEW_PASSWORD, enter
from tests.portal.verification.codes import code_in, is_in, last_mail, type_code

CEO = "ceo@newco.test"
PRIVATE = "mallory@private.example"
LAST_YEAR = now() - timedelta(days=365)
FREED = "membership.address_freed_by_link"
OFFER = "This isn’t my account"


def invite(org: Organization, address: str = CEO) -> tuple[Membership, str]:
    """Return a waiting membership, and the secret of the link that was mailed to its address."""
    membership = people.create_membership(org=org, profile=Profile(address), origin=MembershipOrigin.SCIM, actor=ACTOR)
    prepared = invitations.prepare_invitation(org=org, membership_public_id=str(membership.public_id))
    assert prepared is not None
    return prepared


def free(secret: str, client: Client | None = None) -> Any:
    return (client or Client()).post(f"/invitations/{secret}/new-account/")


def page(secret: str, client: Client | None = None) -> str:
    return str((client or Client()).get(f"/invitations/{secret}/").content.decode())


def holder() -> User | None:
    return tenancy_queries.account_for_address(CEO)


@pytest.fixture
def newco(db: None) -> Organization:
    org = OrganizationFactory(name="NewCo", slug="newco", owner_email="owner@elsewhere.example")
    add_domain(org=org, name="newco.test", verified=True, actor=ACTOR)
    return org


@pytest.fixture
def mallory(db: None) -> User:
    """Whoever read the mailbox last year, with a second factor."""
    with time_machine.travel(LAST_YEAR, tick=False):
        account = tenancy.create_account(email=CEO, password=PASSWORD, verified=True)
    totp.TOTP.activate(account, totp.generate_totp_secret())
    return account


@pytest.fixture
def secret(mallory: User, newco: Organization) -> str:
    return invite(newco)[1]


def test_free_address_lets_the_reader_of_the_link_join_with_a_new_account(
    mallory: User, newco: Organization, secret: str
) -> None:
    client = Client()
    assert OFFER in page(secret, client)
    answer = free(secret, client)
    assert answer.headers["Location"] == f"{reverse('account_signup')}?next=%2Finvitations%2F{secret}%2F"
    form = {"email": CEO, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "next": f"/invitations/{secret}/"}
    client.post(reverse("account_signup"), form)
    assert type_code(client, code_in(last_mail())).headers["Location"] == f"/invitations/{secret}/"
    client.post(f"/invitations/{secret}/accept/")
    membership = newco.memberships.get(email_key=CEO)
    assert (membership.state, membership.user) == (MembershipState.ACTIVE, holder())
    assert membership.user != mallory
    assert not is_in(enter(CEO, PASSWORD)[0])


def test_free_address_keeps_the_old_accounts_other_addresses_and_memberships(
    mallory: User, acme: Organization, secret: str
) -> None:
    tenancy.mark_address_verified(user=mallory, address=PRIVATE)
    membership = MembershipFactory(org=acme, email="m@acme.example")
    Membership.objects.filter(pk=membership.pk).update(user=mallory)
    free(secret)
    mallory.refresh_from_db()
    assert (mallory.email, set(tenancy_queries.verified_keys_of(mallory))) == (PRIVATE, {PRIVATE})
    membership.refresh_from_db()
    assert membership.is_active


def test_free_address_mails_the_address_and_the_accounts_other_addresses(mallory: User, secret: str) -> None:
    tenancy.mark_address_verified(user=mallory, address=PRIVATE)
    mail.outbox.clear()
    free(secret)
    assert [message.to for message in mail.outbox] == [[CEO], [PRIVATE]]
    assert "was removed from your Gatehouse account" in mail.outbox[1].subject
    assert PRIVATE not in mail.outbox[0].body
    assert all(secret not in message.body for message in mail.outbox)


def test_free_address_is_audited_in_the_organization(newco: Organization, secret: str) -> None:
    free(secret)
    event = AuditEvent.objects.get(action=FREED)
    assert (event.org, event.target_label, event.before) == (newco, CEO, {"account_address": CEO})
    assert (event.actor_label, event.ip) == ("Somebody with the invitation’s link", "127.0.0.1")


def test_free_address_twice_is_audited_and_mailed_once(secret: str) -> None:
    answers = [free(secret).headers["Location"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert AuditEvent.objects.filter(action=FREED).count() == 1
    assert len(mail.outbox) == 1


def test_free_address_returns_409_when_the_new_account_has_the_address(secret: str) -> None:
    free(secret)
    new = tenancy.create_account(email=CEO, password=NEW_PASSWORD, verified=True)
    assert free(secret).status_code == 403
    assert holder() == new


def test_free_address_takes_it_from_an_owner_elsewhere_who_has_a_passkey(mallory: User, newco: Organization) -> None:
    OrganizationFactory(slug="other", owner_email=CEO)
    Authenticator.objects.create(user=mallory, type=Authenticator.Type.WEBAUTHN, data={})
    _, secret = invite(newco)
    assert free(secret).status_code == 302
    assert holder() is None


def test_free_address_takes_it_from_an_owner_elsewhere_who_has_another_address(
    mallory: User, newco: Organization
) -> None:
    other = OrganizationFactory(slug="other", owner_email=CEO)
    tenancy.mark_address_verified(user=mallory, address=PRIVATE)
    _, secret = invite(newco)
    assert free(secret).status_code == 302
    assert tenancy_queries.owners_who_can_sign_in(other).exists()


def test_free_address_returns_409_for_the_last_owner_of_the_organization(
    mallory: User, newco: Organization, secret: str
) -> None:
    newco.memberships.filter(role=Role.OWNER).update(user=mallory)
    answer = free(secret)
    assert (answer.status_code, holder()) == (409, mallory)
    assert "last active owner" in answer.content.decode()
    assert (mail.outbox, AuditEvent.objects.filter(action=FREED).count()) == ([], 0)


def test_free_address_takes_it_from_an_owner_who_has_another_address(
    mallory: User, newco: Organization, secret: str
) -> None:
    tenancy.mark_address_verified(user=mallory, address=PRIVATE)
    newco.memberships.filter(role=Role.OWNER).update(user=mallory)
    assert free(secret).status_code == 302
    assert tenancy_queries.owners_who_can_sign_in(newco).exists()


def test_free_address_takes_it_from_an_account_that_verified_it_before_its_present_holder(newco: Organization) -> None:
    """The account verified the address after the domain, and then the directory gave the address to somebody else."""
    Domain.objects.update(verified_at=LAST_YEAR)
    with time_machine.travel(LAST_YEAR + timedelta(days=1), tick=False):
        account = tenancy.create_account(email=CEO, password=PASSWORD, verified=True)
    former = MembershipFactory(org=newco, email="former@newco.test")
    former.addresses.create(org=newco, address=CEO, address_key=CEO, kind="former")
    _, secret = invite(newco)
    assert OFFER in page(secret)
    assert free(secret).status_code == 302
    assert (holder(), tenancy_queries.verified_keys_of(account)) == (None, frozenset())


# where it is neither offered nor done ----------------------------------------------------------------------------------


def make_staff(mallory: User) -> None:
    User.objects.filter(pk=mallory.pk).update(is_staff=True)


def verify_again(mallory: User) -> None:
    tenancy.mark_address_verified(user=mallory, address=CEO)


def lose_the_domain(mallory: User) -> None:
    Domain.objects.update(state="pending", verified_at=None)


def close(mallory: User) -> None:
    User.objects.filter(pk=mallory.pk).update(is_active=False)


def own_another_organization(mallory: User) -> None:
    """By the address alone they could still sign in."""
    OrganizationFactory(slug="other", owner_email=CEO)


def mail_the_link_before_the_account_verified(mallory: User) -> None:
    InvitationLink.objects.update(created_at=LAST_YEAR - timedelta(days=1))


def mail_the_link_before_the_domain_was_verified(mallory: User) -> None:
    InvitationLink.objects.update(created_at=LAST_YEAR + timedelta(days=1))


def suspend(mallory: User) -> None:
    membership = Membership.objects.get(email_key=CEO)
    people.suspend_membership(membership=membership, source=SuspensionSource.ADMIN, actor=ACTOR)


@pytest.mark.parametrize(
    "trait",
    [
        make_staff,
        verify_again,
        lose_the_domain,
        suspend,
        close,
        own_another_organization,
        mail_the_link_before_the_account_verified,
        mail_the_link_before_the_domain_was_verified,
    ],
)
def test_free_address_is_neither_offered_nor_allowed_for_an_account_with_a_protecting_trait(
    mallory: User, secret: str, trait: Any
) -> None:
    trait(mallory)
    assert OFFER not in page(secret)
    # a suspended membership's invitation has ended
    assert free(secret).status_code == (404 if trait is suspend else 403)
    assert (holder(), mail.outbox, AuditEvent.objects.filter(action=FREED).count()) == (mallory, [], 0)


def test_free_address_is_neither_offered_nor_allowed_to_the_account_that_has_the_address(
    mallory: User, secret: str, sign_in: SignIn
) -> None:
    client = sign_in(mallory)
    assert OFFER not in page(secret, client)
    assert free(secret, client).status_code == 403
    assert holder() == mallory


def test_free_address_answers_the_same_for_any_address_of_an_unverified_domain(
    mallory: User, acme: Organization
) -> None:
    """Another organization invites the address; whoever reads the page and the answers learns of no account."""
    (_, known), (_, unknown) = invite(acme), invite(acme, "nobody@newco.test")
    texts = [
        page(secret).replace(secret, "").replace(address, "")
        for secret, address in ((known, CEO), (unknown, "nobody@newco.test"))
    ]
    assert texts[0].count(OFFER) == texts[1].count(OFFER) == 0
    assert len(texts[0]) == len(texts[1])
    answers = [free(secret) for secret in (known, unknown)]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert ["address_kept" in answer.content.decode() for answer in answers] == [True, True]
    assert holder() == mallory


def test_free_address_returns_409_for_the_link_of_another_address(mallory: User, newco: Organization) -> None:
    _, secret = invite(newco, "cfo@elsewhere.example")
    assert free(secret).status_code == 403
    assert holder() == mallory


@pytest.mark.parametrize("ending", ["accepted", "withdrawn", "renamed", "expired"])
def test_free_address_returns_409_for_an_invitation_that_has_ended(
    mallory: User, newco: Organization, secret: str, ending: str
) -> None:
    membership = newco.memberships.get(email_key=CEO)
    if ending == "accepted":
        people.accept_invitation(membership=membership, user=mallory, actor=ACTOR, mailed_at=now())
    elif ending == "withdrawn":
        held.remove(membership)
    elif ending == "renamed":
        people.update_profile(membership=membership, profile=Profile("other@elsewhere.example"), actor=ACTOR)
    with time_machine.travel(now() + timedelta(days=15 if ending == "expired" else 0)):
        assert free(secret).status_code == 404
    assert holder() == mallory


def test_free_address_redirects_a_signed_in_third_person_to_the_invitation(
    stranger: User, secret: str, sign_in: SignIn
) -> None:
    client = sign_in(stranger)
    answer = free(secret, client)
    assert answer.headers["Location"] == f"/invitations/{secret}/"
    assert (is_in(client), holder()) == (True, None)
    # nothing of it is the third person's
    assert client.post(f"/invitations/{secret}/accept/").status_code == 403
    assert str(stranger.public_id) not in AuditEvent.objects.get(action=FREED).actor_reference


def test_free_address_returns_403_for_a_saml_session(stranger: User, secret: str) -> None:
    client = Client()
    client.force_login(stranger)
    session = client.session
    access.open_session_grants(session, stranger, SignInMethod.SAML)
    session.save()
    assert free(secret, client).status_code == 403
    assert holder() is not None


def test_home_page_does_not_offer_to_free_an_address(mallory: User, secret: str, sign_in: SignIn) -> None:
    assert OFFER not in sign_in(mallory).get("/").content.decode()


def test_free_address_returns_403_without_a_csrf_token(secret: str) -> None:
    assert free(secret, Client(enforce_csrf_checks=True)).status_code == 403
    assert holder() is not None


# at the same time ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_concurrent_free_address_requests_remove_the_address_once(
    mallory: User, newco: Organization, secret: str
) -> None:
    answers = all_at_once([lambda: free(secret).status_code] * 6)
    assert answers == [302] * 6
    assert (AuditEvent.objects.filter(action=FREED).count(), len(mail.outbox)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_free_address_concurrent_with_acceptance_leaves_one_result(
    mallory: User, newco: Organization, secret: str
) -> None:
    membership = newco.memberships.get(email_key=CEO)

    def accept() -> None:
        people.accept_invitation(membership=membership, user=mallory, actor=ACTOR, mailed_at=now())

    results = all_at_once([accept, lambda: free(secret).status_code])
    assert not any(isinstance(result, DatabaseError) for result in results)
    membership.refresh_from_db()
    assert (membership.user, holder()) in [(mallory, mallory), (None, None)]
