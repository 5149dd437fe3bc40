"""`manage.py outbox`: what waits and what was given up is listed, retried and canceled, and nothing that it holds is shown."""

import json
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from orgs.base.clock import now
from orgs.events import queries, services
from orgs.events.models import OutboxEvent
from orgs.events.types import TextMail

pytestmark = [pytest.mark.django_db, pytest.mark.queued_mail]


def run(*arguments):
    output = StringIO()
    call_command("outbox", *arguments, "--json", stdout=output)
    return json.loads(output.getvalue())


@pytest.fixture
def waiting(acme):
    return services.add(org=acme, kind="test.waits", key="w")


@pytest.fixture
def given_up():
    event = services.add_account_mail(mail=TextMail("ivy@elsewhere.example", "Code", "CANARY"), key="account/email/x")
    OutboxEvent.objects.filter(pk=event.pk).update(failed_at=now(), attempts=12, last_error="TimeoutError")
    return event


def test_outbox_list_shows_waiting_and_given_up_events_without_their_payload(waiting, given_up):
    report = run("list")
    assert report["total"] == 2
    found = {row["id"]: (row["state"], row["org"], row["last_error"]) for row in report["events"]}
    assert found[str(waiting.public_id)] == ("waiting", "acme", "")
    assert found[str(given_up.public_id)] == ("given up", None, "TimeoutError")
    assert "CANARY" not in str(report)
    assert "ivy@" not in str(report)


def test_outbox_list_filters_by_organization_and_given_up(waiting, given_up):
    assert [row["kind"] for row in run("list", "--org", "acme")["events"]] == ["test.waits"]
    assert [row["kind"] for row in run("list", "--given-up")["events"]] == ["account.mail"]


def test_outbox_list_without_json_prints_one_line_for_each_event(waiting, capsys):
    call_command("outbox", "list")
    assert f"{waiting.public_id}  waiting  test.waits" in capsys.readouterr().out


def test_outbox_retry_given_up_plans_the_events_again(given_up, capsys):
    call_command("outbox", "retry", "--given-up")
    assert "retried  1" in capsys.readouterr().out
    assert [event.attempts for event in queries.waiting()] == [0]


def test_outbox_retry_by_id_retries_that_event_only(waiting, given_up):
    assert run("retry", str(given_up.public_id)) == {"retried": 1}
    assert not queries.given_up().exists()


def test_outbox_cancel_by_id_cancels_that_event_only(waiting, given_up):
    assert run("cancel", str(waiting.public_id)) == {"canceled": 1}
    assert list(queries.pending()) == [given_up]


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_outbox_retry_and_cancel_refuse_an_event_leased_by_a_worker(waiting, action):
    OutboxEvent.objects.update(leased_until=now() + timedelta(minutes=1))
    with pytest.raises(CommandError, match=f"A worker is delivering {waiting.public_id} now. Try again"):
        run(action, str(waiting.public_id))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retry"], "Name what to retry: either ids, or --given-up."),
        (["cancel", str(uuid4()), "--given-up"], "Name what to cancel: either ids, or --given-up."),
        (["retry", "no-id"], "invalid UUID value: 'no-id'"),
        (["list", "--org", "nobody"], "There is no organization with the slug 'nobody'."),
        (["retry", "00000000-0000-0000-0000-000000000000"], "has the id 00000000-0000-0000-0000-000000000000"),
    ],
)
def test_outbox_command_with_bad_input_prints_one_line(acme, arguments, message):
    with pytest.raises(CommandError, match=message.replace(".", r"\.")) as found:
        run(*arguments)
    assert "\n" not in str(found.value)
