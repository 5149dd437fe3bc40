"""An address is verified by a code, typed in the browser that asked for it; until then it is nobody's."""

from typing import Any

from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from orgs.invitations import services as invitations
from orgs.tenancy.models import User
from orgs.tenancy.queries import account_for_address
from orgs.tenancy.types import MembershipState
from tests.portal.test_accounts import NEW_PASSWORD, enter, sign_up, without_marks
from tests.portal.verification.codes import CODE, NEWHIRE, code_in, is_in, last_mail, provision, type_code

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


def test_sign_up_refuses_an_address_with_a_too_long_domain_label(db):
    _, page = sign_up(f"a@{'x' * 64}.example")
    assert page.context["form"].errors["email"]
    assert not User.objects.exists()


def test_sign_up_refuses_an_address_with_an_invalid_international_domain(db):
    _, page = sign_up("a@xn--a.example")
    assert page.context["form"].errors["email"] == ["That isn't an e-mail address."]
