"""Mail about an account: sealed until it is sent, and canceled when its code expires."""

from datetime import timedelta
from smtplib import SMTPAuthenticationError, SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused

import pytest
from django.db import IntegrityError, transaction

from orgs.base.clock import now
from orgs.events import queries, services
from orgs.events.models import OutboxEvent
from orgs.events.types import TextMail
from tests.orgs.events.outbox import KIND, stored

pytestmark = pytest.mark.queued_mail


MAIL = TextMail(to="ivy@elsewhere.example", subject="Your code", body="CANARY-7731")


def test_account_mail_is_sealed_until_sent_and_deleted_afterwards(db, mailoutbox):
    event = services.add_account_mail(mail=MAIL, key="account/email/code")
    assert "CANARY" not in str(OutboxEvent.objects.values().get())
    assert services.deliver_due() == 1
    assert [(mail.to, mail.subject, mail.body) for mail in mailoutbox] == [([MAIL.to], MAIL.subject, MAIL.body)]
    assert (stored(event).payload, stored(event).org) == ({}, None)


@pytest.mark.parametrize(("minutes", "sent"), [(1, 1), (-1, 0)])
def test_account_mail_is_sent_until_its_code_expires_and_canceled_afterwards(db, mailoutbox, minutes, sent):
    event = services.add_account_mail(mail=MAIL, ends_at=now() + timedelta(minutes=minutes))
    assert (services.deliver_due(), len(mailoutbox)) == (sent, sent)
    found = stored(event)
    assert (found.canceled_at is None, found.payload, found.failed_at) == (bool(sent), {}, None)
    assert found.last_error == ("" if sent else "The code or link in this mail ended before it could be sent.")


def test_retry_of_given_up_mail_whose_code_has_ended_cancels_it(db, mailoutbox):
    event = services.add_account_mail(mail=MAIL, ends_at=now() - timedelta(hours=1))
    OutboxEvent.objects.update(failed_at=now(), attempts=services.MAX_ATTEMPTS)
    services.retry(events=queries.given_up())
    services.deliver_due()
    assert (mailoutbox, stored(event).canceled_at is None, queries.pending().count()) == ([], False, 0)


def test_outbox_event_without_organization_is_refused_unless_it_is_account_mail(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxEvent.objects.create(kind=KIND, due_at=now())


def test_account_mail_raises_lookup_error_when_asked_for_its_organization(db):
    with pytest.raises(LookupError):
        _ = services.add_account_mail(mail=MAIL).organization


@pytest.fixture
def mail_server(monkeypatch):
    """What the mail server answers to every message, as an exception."""
    answers = []

    def send(self, fail_silently=False):
        raise answers[0]

    monkeypatch.setattr("django.core.mail.EmailMessage.send", send)
    return answers


@pytest.mark.parametrize(
    ("answer", "last_error", "gave_up"),
    [
        (SMTPRecipientsRefused({"a": (550, b"unknown")}), "DeliveryRefused 550", True),
        (SMTPRecipientsRefused({"a": (450, b"busy")}), "SMTPRecipientsRefused", False),
        (SMTPDataError(554, b"spam"), "DeliveryRefused 554", True),
        (SMTPDataError(451, b"later"), "SMTPDataError", False),
        (SMTPSenderRefused(550, b"who?", "us"), "SMTPSenderRefused", False),
        (SMTPAuthenticationError(535, b"no"), "SMTPAuthenticationError", False),
        (TimeoutError(), "TimeoutError", False),
    ],
)
def test_account_mail_is_given_up_at_once_only_for_a_permanent_refusal_of_this_mail(
    db, mail_server, answer, last_error, gave_up
):
    mail_server.append(answer)
    event = services.add_account_mail(mail=MAIL)
    services.deliver_due()
    found = stored(event)
    assert (found.last_error, found.failed_at is not None, found.attempts) == (last_error, gave_up, 1)


def test_account_mail_refused_by_the_recipients_server_is_not_counted_in_the_backlog(db, mail_server):
    mail_server.append(SMTPRecipientsRefused({"a": (550, b"unknown")}))
    services.add_account_mail(mail=MAIL)
    services.deliver_due()
    assert (queries.given_up().count(), queries.failed_for_us().count(), queries.backlog().given_up) == (1, 0, 0)


def test_canceled_account_mail_is_neither_retried_nor_kept_in_its_payload(db):
    event = services.add_account_mail(mail=MAIL)
    assert services.cancel_events(events=queries.pending()) == 1
    assert (stored(event).payload, services.deliver_due(), queries.pending().count()) == ({}, 0, 0)
