"""Pages never wait for the mail server, and say when mail and other work waits for a worker."""

import socket
from datetime import datetime, timedelta

import pytest
from django.test import Client

from orgs.base.clock import now
from orgs.events import services as outbox
from orgs.events.models import OutboxEvent
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import User
from orgs.tenancy.types import MembershipOrigin
from tests.factories import ACTOR, UserFactory

pytestmark = pytest.mark.queued_mail
LINE = "Background work is delayed"
SETTINGS = "/orgs/acme/settings"


@pytest.fixture
def silent_mail_server(settings):
    """A mail server that takes connections and never says a word; whoever waits for it waits for ten seconds."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = listener.getsockname()
        listener.settimeout(0)
        yield listener


def nobody_called(listener):
    with pytest.raises(BlockingIOError):
        listener.accept()
    return True


def test_sign_up_leaves_its_mail_to_a_worker(client, db, silent_mail_server):
    form = {"email": "ivy@elsewhere.example", "password1": "long-enough-7731", "password2": "long-enough-7731"}
    assert client.post("/accounts/signup/", form).status_code == 302
    assert User.objects.filter(email="ivy@elsewhere.example").exists()
    assert OutboxEvent.objects.get().kind == "account.mail"
    assert nobody_called(silent_mail_server)


def test_password_reset_leaves_its_mail_to_a_worker(client, db, silent_mail_server):
    UserFactory(email="ivy@elsewhere.example")
    assert client.post("/accounts/password/reset/", {"email": "ivy@elsewhere.example"}).status_code == 302
    assert OutboxEvent.objects.get().key == "account/email/password_reset_key"
    assert nobody_called(silent_mail_server)


def test_worker_sends_the_password_reset_link(client, db, mailoutbox):
    UserFactory(email="ivy@elsewhere.example")
    client.post("/accounts/password/reset/", {"email": "ivy@elsewhere.example"})
    outbox.deliver_due()
    assert "/accounts/password/reset/key/" in mailoutbox[0].body


def test_page_after_a_password_reset_says_that_mail_is_waiting_without_a_worker(client, db):
    UserFactory(email="ivy@elsewhere.example")
    assert LINE in client.post("/accounts/password/reset/", {"email": "ivy@elsewhere.example"}, follow=True).text


def test_page_after_a_password_reset_has_no_notice_while_a_worker_runs(client, db):
    outbox.record_heartbeat()
    UserFactory(email="ivy@elsewhere.example")
    assert LINE not in client.post("/accounts/password/reset/", {"email": "ivy@elsewhere.example"}, follow=True).text


@pytest.mark.parametrize("page", ["members", "authentication", "domains"])
def test_settings_page_says_that_work_is_waiting_until_a_worker_reports(olga, sign_in, page):
    people.create_membership(
        org=olga.org, profile=Profile("ivy@elsewhere.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    outbox.add(org=olga.org, kind="test.waits", key="1")
    browser = sign_in(olga)
    assert LINE in browser.get(f"{SETTINGS}/{page}/").text
    outbox.record_heartbeat()
    assert LINE not in browser.get(f"{SETTINGS}/{page}/").text


def test_settings_page_has_no_notice_about_another_organizations_work(olga, globex, sign_in):
    outbox.add(org=globex, kind="test.waits", key="1")
    assert LINE not in sign_in(olga).get(f"{SETTINGS}/authentication/").text


def ends_of_mails():
    """Return in how many minutes from now each queued mail ends, by what it is."""
    return {
        event.key.rpartition("/")[2]: event.payload["ends_at"]
        and round((datetime.fromisoformat(event.payload["ends_at"]) - now()) / timedelta(minutes=1))
        for event in OutboxEvent.objects.all()
    }


def test_mail_event_expires_with_the_code_or_link_in_it(client, stranger, settings):
    settings.PASSWORD_RESET_TIMEOUT = 90 * 60
    form = {"email": "ivy@elsewhere.example", "password1": "long-enough-7731", "password2": "long-enough-7731"}
    client.post("/accounts/signup/", form)
    client.post("/accounts/password/reset/", {"email": stranger.email})
    Client().post("/accounts/signup/", form | {"email": stranger.email})
    assert ends_of_mails() == {
        "email_confirmation_signup": 15,
        "password_reset_key": 90,
        "account_already_exists": None,
    }
