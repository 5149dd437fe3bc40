"""A code or a link of a mail shows who read the mailbox when it was asked for, not when it is used."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse

from orgs.base.clock import now
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Organization
from orgs.tenancy.queries import account_for_address, verified_at
from orgs.tenancy.types import MembershipOrigin
from portal.setup import add_domain
from tests.conftest import SignIn
from tests.factories import ACTOR
from tests.portal.test_accounts import NEW_PASSWORD, enter, link_in, sign_up
from tests.portal.verification.codes import code_in, last_mail, type_code

CEO = "ceo@newco.test"
MINUTE = timedelta(minutes=1)
Use = Callable[[], None]


def ask_code() -> Use:
    """Sign up, and return what types the code of the mail."""
    client, _ = sign_up(CEO)
    code = code_in(last_mail())
    return lambda: type_code(client, code)


def ask_reset() -> Use:
    """Sign up, ask for a reset of the password, and return what uses the link of the mail."""
    sign_up(CEO)
    mail.outbox.clear()
    Client().post(reverse("account_reset_password"), {"email": CEO})
    link = link_in(last_mail())

    def use() -> None:
        client = Client()
        form = client.get(link, follow=True)
        client.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    return use


def organizations() -> list[str]:
    client, _ = enter(CEO, NEW_PASSWORD)
    return [org["slug"] for org in client.get("/api/v1/me").json()["organizations"]]


@pytest.fixture
def asked_at() -> datetime:
    return now().replace(microsecond=0) - 10 * MINUTE


@pytest.mark.parametrize("ask", [ask_code, ask_reset])
def test_address_is_verified_as_of_the_time_when_its_mail_was_requested(
    db: None, ask: Callable[[], Use], asked_at: datetime
) -> None:
    with time_machine.travel(asked_at):
        use = ask()
    use()
    account = account_for_address(CEO)
    assert account is not None
    counted = verified_at(account, CEO)
    assert counted is not None
    assert abs(counted - asked_at) < MINUTE


@pytest.mark.parametrize(("domain_is_older", "reached"), [(False, []), (True, ["acme"])])
@pytest.mark.parametrize("ask", [ask_code, ask_reset])
def test_mail_requested_before_the_domain_was_verified_activates_no_membership(
    acme: Organization, ask: Callable[[], Use], asked_at: datetime, domain_is_older: bool, reached: list[str]
) -> None:
    with time_machine.travel(asked_at - MINUTE if domain_is_older else asked_at + MINUTE):
        add_domain(org=acme, name="newco.test", verified=True, actor=ACTOR)
    with time_machine.travel(asked_at):
        use = ask()
    use()
    people.create_membership(org=acme, profile=Profile(CEO), origin=MembershipOrigin.SCIM, actor=ACTOR)
    assert organizations() == reached


@pytest.mark.parametrize(
    ("is_verified_again", "link_is_older", "answer"), [(False, True, 403), (False, False, 302), (True, True, 302)]
)
def test_invitation_link_of_before_the_domain_was_verified_needs_a_fresh_account(
    acme: Organization, sign_in: SignIn, asked_at: datetime, is_verified_again: bool, link_is_older: bool, answer: int
) -> None:
    """Whoever had the mailbox before the domain came to the organization may have both, the link and an account."""
    with time_machine.travel(asked_at - MINUTE):
        account = tenancy.create_account(email=CEO, password=NEW_PASSWORD, verified=True)
    with time_machine.travel(asked_at if link_is_older else now()):
        membership = people.create_membership(org=acme, profile=Profile(CEO), origin=MembershipOrigin.SCIM, actor=ACTOR)
        prepared = invitations.prepare_invitation(org=acme, membership_public_id=str(membership.public_id))
    assert prepared is not None
    with time_machine.travel(asked_at + MINUTE):
        add_domain(org=acme, name="newco.test", verified=True, actor=ACTOR)
    if is_verified_again:
        tenancy.mark_address_verified(user=account, address=CEO)
    assert sign_in(account).post(f"/invitations/{prepared[1]}/accept/").status_code == answer
