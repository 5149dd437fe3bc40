"""An address is verified by a code, typed in the browser that asked for it; until then it is nobody's."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.test import Client
from django.urls import reverse

from orgs.base import portions
from orgs.base.clock import now
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy import tasks
from orgs.tenancy.errors import AccountUnknown, AddressTaken, AddressUnverified
from orgs.tenancy.models import AddressVerification, SessionGrant, User
from orgs.tenancy.queries import account_for_address, verified_at, verified_keys_of
from orgs.tenancy.services import accounts
from orgs.tenancy.services.addresses import delete_if_empty
from orgs.tenancy.types import MembershipOrigin, MembershipState
from portal.setup import add_domain
from portal.site.verification.forms import AddressTokens
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OrganizationFactory
from tests.portal.test_accounts import NEW_PASSWORD, confirm_identity, enter, link_in, sign_up, without_marks

NEWHIRE = "newhire@acme.test"
SECOND = "second@nowhere.example"
CODE = re.compile(r"^([B-Z]{4}-[B-Z]{4})$", re.MULTILINE)


def code_in(message: Any) -> str:
    found = CODE.search(message.body)
    assert found is not None
    return found[1]


def type_code(client: Client, code: str, **more: str) -> Any:
    return client.post(reverse("account_email_verification_sent"), {"code": code, **more})


def last_mail() -> Any:
    return mail.outbox[-1]


def signed_up(address: str = NEWHIRE) -> Client:
    """A browser that has signed up, typed its code, and is in."""
    client, _ = sign_up(address)
    type_code(client, code_in(last_mail()))
    return client


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def acme_test(acme):
    return add_domain(org=acme, name="acme.test", verified=True, actor=ACTOR)


@pytest.fixture
def stranger_in(stranger: User) -> Client:
    client, _ = enter(stranger.email)
    confirm_identity(client)
    return client


def provision(acme, address=NEWHIRE):
    return people.create_membership(org=acme, profile=Profile(address), origin=MembershipOrigin.SCIM, actor=ACTOR)


# signing up


def test_sign_up_code_verifies_the_address_and_signs_in(db):
    client, page = sign_up(NEWHIRE)
    assert page.status_code == 200
    assert not is_in(client)
    assert type_code(client, code_in(last_mail())).headers["Location"] == reverse("home")
    assert is_in(client)
    assert account_for_address(NEWHIRE) == User.objects.get()


def test_sign_in_of_an_unverified_account_redirects_to_the_code_page(db):
    sign_up(NEWHIRE)
    client, response = enter(NEWHIRE, NEW_PASSWORD)
    assert not is_in(client)
    assert response.headers["Location"] == reverse("account_email_verification_sent")


def test_sign_in_of_an_unverified_account_sends_a_new_code(db):
    sign_up(NEWHIRE)
    client, _ = enter(NEWHIRE, NEW_PASSWORD)
    type_code(client, code_in(last_mail()))
    assert is_in(client)


def test_sign_up_code_is_accepted_only_in_the_browser_that_requested_it(db):
    """The page that typed the code is the one that gets the account: a stranger's sign-up can't be confirmed for them."""
    squatter, _ = sign_up(NEWHIRE)
    code = code_in(last_mail())
    elsewhere, _ = enter("nobody@nowhere.example")
    type_code(elsewhere, code)
    assert not is_in(squatter)
    assert not is_in(elsewhere)
    assert account_for_address(NEWHIRE) is None


def test_sign_up_code_of_another_sign_up_is_refused(db):
    squatter, _ = sign_up(NEWHIRE)
    first = code_in(last_mail())
    newhire, _ = sign_up(NEWHIRE)
    assert "This code is wrong" in type_code(newhire, first).content.decode()
    type_code(newhire, code_in(last_mail()))
    assert is_in(newhire)
    assert not is_in(squatter)


def test_third_wrong_sign_up_code_ends_the_attempt(db):
    client, _ = sign_up(NEWHIRE)
    code = code_in(last_mail())
    answers = [type_code(client, "WRNG-WRNG") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 302]
    assert "Too many wrong codes" in client.get(reverse("account_login")).content.decode()
    type_code(client, code)
    assert not is_in(client)


def test_expired_sign_up_code_is_refused(db):
    client, _ = sign_up(NEWHIRE)
    session = client.session
    session["account_email_verification_code"]["at"] -= 15 * 60 + 1
    session.save()
    response = type_code(client, code_in(last_mail()))
    assert response.headers["Location"] == reverse("account_login")
    assert account_for_address(NEWHIRE) is None


def test_new_sign_up_code_replaces_the_former_one(db):
    client, _ = sign_up(NEWHIRE)
    first = code_in(last_mail())
    type_code(client, "", action="resend")
    assert "This code is wrong" in type_code(client, first).content.decode()
    type_code(client, code_in(last_mail()))
    assert is_in(client)


def test_sign_up_code_is_resent_twice_only(db):
    client, _ = sign_up(NEWHIRE)
    for _ in range(4):
        type_code(client, "", action="resend")
    assert len(mail.outbox) == 3


def test_sign_up_codes_for_one_address_are_limited(db, settings):
    settings.ACCOUNT_RATE_LIMITS = {"confirm_email": "2/h/key"}
    sign_up(NEWHIRE)
    client, _ = sign_up(NEWHIRE)
    _, refused = sign_up(NEWHIRE)
    assert (refused.status_code, len(mail.outbox)) == (429, 2)
    assert type_code(client, "", action="resend").status_code == 429
    assert len(mail.outbox) == 2


def test_sign_up_codes_requested_from_one_ip_address_are_limited(db):
    limit = int(settings.ACCOUNT_RATE_LIMITS["confirm_email"].partition("/")[0])
    statuses = [sign_up(f"p{number}@people.example")[1].status_code for number in range(limit + 1)]
    assert statuses == [200] * limit + [429]


def test_sign_up_code_is_never_logged(db, caplog):
    caplog.set_level("DEBUG")
    client, _ = sign_up(NEWHIRE)
    code = code_in(last_mail())
    type_code(client, "WRNG-WRNG")
    type_code(client, code)
    assert code not in caplog.text


def test_sign_up_mail_names_ip_address_and_browser_and_has_no_link(db):
    client = Client(headers={"user-agent": "Browser\r\nBcc: x"}, REMOTE_ADDR="192.0.2.7")
    client.post(reverse("account_signup"), {"email": NEWHIRE, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    body = last_mail().body
    assert NEWHIRE in body
    assert "From: 192.0.2.7\nBrowser: Browser Bcc: x\n" in body
    assert "If it wasn't you, give the code to nobody" in body
    assert "http://testserver/accounts" not in body


def test_sign_up_code_redirects_to_the_invitation_in_next(acme, db):
    membership = provision(acme, "nora@people.example")
    _, secret = invitations.prepare_invitation(org=acme, membership_public_id=str(membership.public_id))
    invitation = reverse("people:invitation", args=[secret])
    client = Client()
    form = {"email": membership.email, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "next": invitation}
    client.post(reverse("account_signup"), form)
    assert type_code(client, code_in(last_mail())).headers["Location"] == invitation
    client.post(reverse("people:accept", args=[secret]))
    membership.refresh_from_db()
    assert membership.state == MembershipState.ACTIVE


def test_canceled_sign_up_allows_another_address(db):
    client, _ = sign_up("typo@acme.test")
    client.post(reverse("account_logout"), {"next": reverse("account_signup")})
    assert client.get(reverse("account_signup")).status_code == 200
    assert client.get(reverse("account_email_verification_sent")).headers["Location"] == reverse("account_login")


# nobody learns from a sign-up who has an account


def pages_after(address: str) -> list[Any]:
    """Every page that a stranger can get after a sign-up with this address."""
    client, signed = sign_up(address)
    wrong = type_code(client, "WRNG-WRNG")
    page = reverse("account_email_verification_sent")
    again = client.post(page, {"action": "resend"}, follow=True)
    last = [client.post(page, {"code": "WRNG-WRNG"}, follow=True) for _ in range(2)]
    return [signed, wrong, again, *last, client.get(page, follow=True), enter(address, "some-wrong-password")[1]]


def test_a_sign_up_answers_the_same_whether_the_address_is_free_claimed_or_verified(stranger):
    sign_up("claimed@nowhere.example")
    answers = {}
    for address in ("free@nowhere.example", "claimed@nowhere.example", stranger.email):
        pages = pages_after(address)
        answers[address] = [(page.status_code, page.redirect_chain if hasattr(page, "redirect_chain") else None,
                             without_marks(page, address)) for page in pages]  # fmt: skip
    assert answers["free@nowhere.example"] == answers["claimed@nowhere.example"] == answers[stranger.email]


def test_canceled_sign_up_answers_the_same_for_a_free_and_a_verified_address(stranger):
    for address in (stranger.email, "free@nowhere.example"):
        client, _ = sign_up(address)
        client.post(reverse("account_logout"))
        assert client.get(reverse("account_email_verification_sent")).headers["Location"] == reverse("account_login")


def test_sign_up_hashes_the_password_for_a_verified_address_too(stranger, monkeypatch):
    from portal.site.verification import forms

    hashed = []
    monkeypatch.setattr(forms, "make_password", hashed.append)
    sign_up(stranger.email)
    assert hashed == [NEW_PASSWORD]


def test_sign_up_mails_the_holder_of_a_verified_address(stranger):
    sign_up(stranger.email)
    assert "There is one already" in last_mail().body
    assert "From: 127.0.0.1" in last_mail().body
    assert not CODE.search(last_mail().body)
    assert User.objects.get() == stranger


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


# adding an address to an account


def add(client: Client, address: str = SECOND) -> Any:
    return client.post(reverse("account_email"), {"email": address, "action_add": ""})


def test_an_added_address_is_verified_by_its_code(stranger_in, stranger):
    assert add(stranger_in).headers["Location"] == reverse("account_email_verification_sent")
    assert verified_keys_of(stranger) == {stranger.email}
    page = stranger_in.get(reverse("account_email_verification_sent")).content.decode()
    assert f'href="{reverse("account_email")}"' in page
    type_code(stranger_in, code_in(last_mail()))
    assert verified_keys_of(stranger) == {stranger.email, SECOND}
    stranger.refresh_from_db()
    assert stranger.email == "stranger@nowhere.example"


def test_mail_for_an_added_address_names_the_account_that_asked(stranger_in, stranger):
    add(stranger_in)
    message = last_mail()
    assert message.to == [SECOND]
    assert f"The Gatehouse account {stranger.email} asked to add {SECOND}" in message.body
    assert "If it wasn't you" in message.body


def test_added_address_is_refused_after_its_code_when_another_account_verified_it(stranger_in, uma):
    add(stranger_in, uma.email)
    page = type_code(stranger_in, code_in(last_mail())).content.decode()
    assert "Another account has verified this address already" in page
    assert account_for_address(uma.email) == uma.user


def test_three_wrong_codes_for_an_added_address_redirect_to_the_address_list(stranger_in):
    add(stranger_in)
    answers = [type_code(stranger_in, "WRNG-WRNG") for _ in range(3)]
    assert answers[-1].headers["Location"] == reverse("account_email")
    assert is_in(stranger_in)


def test_added_address_replaces_an_unverified_account_and_can_be_made_primary(stranger_in, stranger):
    claim = tenancy.sign_up(email=SECOND, password="a-squatters-password")
    add(stranger_in)
    type_code(stranger_in, code_in(last_mail()))
    stranger_in.post(reverse("account_email"), {"email": SECOND, "action_primary": ""})
    stored = User.objects.get(pk=stranger.pk)
    assert (stored.email, stored.email_key) == (SECOND, SECOND)
    assert not User.objects.filter(pk=claim.pk).exists()
    assert last_mail().to == ["stranger@nowhere.example"]


def test_address_list_refuses_to_make_an_unverified_address_primary(stranger_in, stranger):
    EmailAddress.objects.create(user=stranger, email=SECOND, verified=False)
    stranger_in.post(reverse("account_email"), {"email": SECOND, "action_primary": ""})
    assert "hasn&#x27;t verified" in stranger_in.get(reverse("account_email")).content.decode()
    assert User.objects.get(pk=stranger.pk).email == "stranger@nowhere.example"


def test_address_list_sets_a_first_primary_address_without_a_mail(stranger_in, stranger):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    EmailAddress.objects.update(primary=False)
    User.objects.filter(pk=stranger.pk).update(email="", email_key=None)
    mail.outbox.clear()
    stranger_in.post(reverse("account_email"), {"email": SECOND, "action_primary": ""})
    assert User.objects.get(pk=stranger.pk).email == SECOND
    assert mail.outbox == []


def test_address_list_sends_a_code_to_an_unverified_address(stranger_in, stranger):
    EmailAddress.objects.create(user=stranger, email=SECOND, verified=False)
    response = stranger_in.post(reverse("account_email"), {"email": SECOND, "action_send": ""})
    assert response.headers["Location"] == reverse("account_email_verification_sent")
    type_code(stranger_in, code_in(last_mail()))
    assert SECOND in verified_keys_of(stranger)


def test_address_list_removes_an_address_with_its_verification(stranger_in, stranger):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    stranger_in.post(reverse("account_email"), {"email": SECOND, "action_remove": ""})
    assert not AddressVerification.objects.filter(address_key=SECOND).exists()
    assert verified_keys_of(stranger) == {stranger.email}
    assert "was removed" in last_mail().body


def test_address_list_refuses_to_remove_the_primary_address(stranger_in, stranger):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    stranger_in.post(reverse("account_email"), {"email": stranger.email, "action_remove": ""})
    assert "is your primary address" in stranger_in.get(reverse("account_email")).content.decode()
    assert stranger.email in verified_keys_of(stranger)


@pytest.mark.parametrize("action", ["action_primary", "action_remove", "action_send"])
def test_address_list_does_not_change_another_accounts_address(stranger_in, uma, action):
    response = stranger_in.post(reverse("account_email"), {"email": uma.email, action: ""})
    assert response.headers["Location"] == reverse("account_email")
    assert account_for_address(uma.email) == uma.user


@pytest.mark.parametrize("action", ["action_primary", "action_remove"])
def test_address_list_redirects_to_reauthentication_before_a_change(stranger, action):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    client, _ = enter(stranger.email)
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    response = client.post(reverse("account_email"), {"email": SECOND, action: ""})
    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert verified_keys_of(stranger) == {stranger.email, SECOND}
    assert User.objects.get(pk=stranger.pk).email == stranger.email


def test_sign_up_refuses_an_address_with_a_too_long_domain_label(db):
    _, page = sign_up(f"a@{'x' * 64}.example")
    assert page.context["form"].errors["email"]
    assert not User.objects.exists()


def test_sign_up_refuses_an_address_with_an_invalid_international_domain(db):
    _, page = sign_up("a@xn--a.example")
    assert page.context["form"].errors["email"] == ["That isn't an e-mail address."]


def test_set_password_does_not_restore_an_address_removed_meanwhile(stranger):
    stale = User.objects.get(pk=stranger.pk)
    tenancy.remove_account_address(user=stranger, address=stranger.email)
    get_adapter().set_password(stale, NEW_PASSWORD)
    stored = User.objects.get(pk=stranger.pk)
    assert (stored.email, stored.email_key, stored.check_password(NEW_PASSWORD)) == ("", None, True)


# links


def test_confirmation_link_returns_410_and_keeps_the_session(stranger_in):
    response = stranger_in.get("/accounts/confirm-email/MQ:1x-y_z/")
    assert response.status_code == 410
    assert "Opening this link changed nothing" in response.content.decode()
    assert is_in(stranger_in)
    assert stranger_in.post("/accounts/confirm-email/MQ:1x-y_z/").status_code == 405


def reset_link(address: str) -> str:
    Client().post(reverse("account_reset_password"), {"email": address})
    return link_in(last_mail())


def set_password(client: Client, link: str, password: str = NEW_PASSWORD) -> Any:
    form = client.get(link, follow=True)
    return client.post(form.request["PATH_INFO"], {"password1": password, "password2": password}, follow=True)


def test_reset_link_of_another_account_keeps_the_session_when_opened(stranger_in, uma):
    link = reset_link(uma.email)
    page = stranger_in.get(link, follow=True).content.decode()
    assert is_in(stranger_in)
    assert "Saving the password signs you out here" in page
    assert uma.email in page


def test_reset_of_another_accounts_password_ends_the_session(stranger_in, uma):
    set_password(stranger_in, reset_link(uma.email))
    uma.user.refresh_from_db()
    assert uma.user.check_password(NEW_PASSWORD)
    assert not is_in(stranger_in)


def test_reset_of_a_verified_account_keeps_factors_and_verifications(stranger):
    RecoveryCodes.activate(stranger)
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    before = verified_at(stranger, SECOND)
    set_password(Client(), reset_link(SECOND))
    stranger.refresh_from_db()
    assert stranger.check_password(NEW_PASSWORD)
    assert stranger.authenticator_set.exists()
    assert verified_at(stranger, SECOND) == before


def test_reset_of_an_unverified_account_removes_factors_addresses_and_sessions_and_verifies_it(uma):
    """An account of a member whose address nobody has verified: its domain was given up, say."""
    user, other = uma.user, "strangers@nowhere.example"
    squatter, _ = enter(uma.email)
    totp.TOTP.activate(user, totp.generate_totp_secret())
    RecoveryCodes.activate(user)
    Authenticator.objects.create(user=user, type="webauthn", data={})
    EmailAddress.objects.create(user=user, email=other, verified=False)
    EmailAddress.objects.update(verified=False)
    assert SessionGrant.objects.filter(membership=uma).exists()
    set_password(Client(), reset_link(uma.email))
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)
    assert not Authenticator.objects.filter(user=user).exists()
    assert not UserSession.objects.filter(user=user).exists()
    assert not SessionGrant.objects.filter(membership=uma).exists()
    assert verified_keys_of(user) == {uma.email}
    assert not EmailAddress.objects.filter(email=other).exists()
    assert squatter.get(reverse("account_email")).headers["Location"].startswith(reverse("account_login"))
    assert now() - verified_at(user, uma.email) < timedelta(minutes=1)


def test_reset_of_an_unverified_account_replaces_its_password(db):
    sign_up(NEWHIRE)
    set_password(Client(), reset_link(NEWHIRE), "the-real-persons-password")
    assert is_in(enter(NEWHIRE, "the-real-persons-password")[0])
    assert not is_in(enter(NEWHIRE, NEW_PASSWORD)[0])


def test_reset_mail_and_page_say_that_nobody_has_verified_the_account(db):
    sign_up(NEWHIRE)
    link = reset_link(NEWHIRE)
    assert "a stranger may have created the account" in last_mail().body
    assert "From: 127.0.0.1" in last_mail().body
    page = Client().get(link, follow=True).content.decode()
    assert "nobody has verified the address" in page
    assert NEWHIRE in page


def test_reset_sends_one_mail_for_several_unverified_accounts_of_an_address(db):
    for _ in range(3):
        tenancy.sign_up(email=NEWHIRE, password=PASSWORD)
    reset_link(NEWHIRE)
    assert len(mail.outbox) == 1


def test_reset_sends_no_link_for_an_inactive_account(stranger):
    User.objects.update(is_active=False)
    Client().post(reverse("account_reset_password"), {"email": stranger.email})
    assert "There is none with this address" in last_mail().body


def test_reset_link_ends_when_the_account_loses_the_address_it_was_mailed_to(stranger):
    tenancy.mark_address_verified(user=stranger, address=SECOND)
    link = reset_link(SECOND)
    tenancy.remove_account_address(user=stranger, address=SECOND)
    assert "This link doesn’t work any more" in Client().get(link, follow=True).content.decode()


def test_reset_by_an_unverified_address_sends_no_link_for_an_account_with_a_verified_one(stranger):
    EmailAddress.objects.create(user=stranger, email=SECOND, verified=False)
    Client().post(reverse("account_reset_password"), {"email": SECOND})
    assert "There is none with this address" in last_mail().body


def test_reset_page_refuses_the_link_when_another_account_verified_the_address_meanwhile(db):
    sign_up(NEWHIRE)
    link = reset_link(NEWHIRE)
    client = Client()
    form = client.get(link, follow=True)
    tenancy.create_account(email=NEWHIRE, verified=True)
    page = client.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}, follow=True)
    assert "This link doesn’t work any more" in page.content.decode()


@pytest.mark.parametrize("moment", ["clean", "save"])
def test_reset_page_shows_a_message_when_saving_fails(stranger, monkeypatch, moment):
    from portal.site.verification import forms

    client = Client()
    form = client.get(reset_link(stranger.email), follow=True)
    if moment == "clean":
        monkeypatch.setattr(forms, "address_of", lambda user, token: None)
    else:

        def fail(**fields: Any) -> None:
            raise AddressTaken

        monkeypatch.setattr(tenancy, "reset_password", fail)
    page = client.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert page.status_code == 200
    assert page.context["form"].non_field_errors()
    stranger.refresh_from_db()
    assert stranger.check_password(PASSWORD)


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


# the service behind the reset, where the page can't lead


def test_reset_password_raises_address_taken_for_an_address_that_the_account_does_not_have(stranger):
    with pytest.raises(AddressTaken):
        tenancy.reset_password(user=stranger, address=SECOND, password=NEW_PASSWORD, mailed_at=now())


@pytest.mark.parametrize("trait", ["verified elsewhere", "staff"])
def test_reset_password_raises_address_unverified_for_staff_and_accounts_with_a_verified_address(stranger, trait):
    address = SECOND
    EmailAddress.objects.create(user=stranger, email=SECOND, verified=False)
    if trait == "staff":
        User.objects.update(is_staff=True)
        EmailAddress.objects.update(verified=False)
        address = stranger.email
    with pytest.raises(AddressUnverified):
        tenancy.reset_password(user=stranger, address=address, password=NEW_PASSWORD, mailed_at=now())


def test_reset_password_raises_account_unknown_for_a_deleted_account(stranger):
    User.objects.all().delete()
    with pytest.raises(AccountUnknown):
        tenancy.reset_password(user=stranger, address=stranger.email, password=NEW_PASSWORD, mailed_at=now())


def test_address_token_is_valid_for_its_address_only(stranger):
    token = AddressTokens(stranger.email).make_token(stranger)
    assert AddressTokens(stranger.email).check_token(stranger, token)
    assert not AddressTokens(SECOND).check_token(stranger, token)
