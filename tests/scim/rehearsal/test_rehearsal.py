"""A rehearsal makes a provider's calls against the directory itself, says how each went, and leaves nothing."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.events.models import OutboxEvent
from orgs.groups.models import Group
from orgs.people.types import INVITATION_MAIL
from orgs.tenancy.models import Membership, User
from portal.site import proxies
from scim.directories import queries as directories
from scim.directories import services as tokens
from scim.directories.models import ScimToken
from scim.groups.models import DirectoryGroup
from scim.rehearsal import queries, services, tasks
from scim.rehearsal.models import Rehearsal
from scim.rehearsal.types import REHEARSAL_ASKED, RehearsalState, RehearsalUnderWay
from scim.requests.models import RequestLog
from scim.users.models import DirectoryUser, FormerDirectoryUser
from tests.factories import ACTOR
from tests.scim.test_jumpcloud_replay import connections_kept

LEFT = (DirectoryUser, DirectoryGroup, FormerDirectoryUser, ScimToken, RequestLog, Group)


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    with connections_kept():
        yield


def ask(directory, provider="jumpcloud", *, with_groups=True):
    return services.ask_rehearsal(directory=directory, provider=provider, with_groups=with_groups, actor=ACTOR)


def run(rehearsal):
    tasks.run_rehearsal(OutboxEvent.objects.get(kind=REHEARSAL_ASKED, key=str(rehearsal.public_id)))
    rehearsal.refresh_from_db()
    return rehearsal


def failures(rehearsal):
    return [(step["label"], step["reason"]) for step in rehearsal.steps if step["outcome"] == "failed"]


@pytest.mark.parametrize("provider", [code for code, _ in queries.rehearsable()])
@pytest.mark.parametrize("with_groups", [True, False])
def test_rehearsal_of_every_provider_passes_and_leaves_nothing(acme_directory, olga, provider, with_groups):
    before = (set(Membership.objects.values_list("pk")), set(User.objects.values_list("pk")))
    done = run(ask(acme_directory, provider, with_groups=with_groups))
    assert (failures(done), done.state) == ([], RehearsalState.PASSED)
    assert [model.objects.count() for model in LEFT] == [0] * len(LEFT)
    assert (set(Membership.objects.values_list("pk")), set(User.objects.values_list("pk"))) == before
    assert not OutboxEvent.objects.filter(kind=INVITATION_MAIL, canceled_at=None).exists()


@pytest.mark.parametrize("count", [0, 2])
def test_rehearsal_is_taken_for_no_wrong_number_of_proxies(acme_directory, settings, monkeypatch, count):
    settings.TRUSTED_PROXY_COUNT = count
    monkeypatch.setattr(proxies.HopCounter, "_write", lambda counter: pytest.fail("a note for doctor"))
    assert run(ask(acme_directory, "okta")).state == RehearsalState.PASSED


def test_rehearsal_shows_each_request_with_its_status_and_no_body(acme_directory):
    done = run(ask(acme_directory))
    sent = [step for step in done.steps if step["method"]]
    assert len(sent) > 40
    assert {"section", "label", "outcome", "method", "target", "status", "reason", "notes", "milliseconds"} == set(
        sent[0]
    )
    assert not [step for step in sent if "{" in step["label"]]


def test_rehearsal_is_in_the_audit_log_with_who_asked_for_it(acme_directory):
    ask(acme_directory, "okta")
    event = AuditEvent.objects.get(action="rehearsal.asked")
    assert event.after == {"provider": "okta", "with_groups": True}


def test_second_rehearsal_of_a_directory_is_refused_while_the_first_is_under_way(acme_directory):
    ask(acme_directory)
    with pytest.raises(RehearsalUnderWay):
        ask(acme_directory)


@pytest.mark.parametrize("state", [RehearsalState.WAITING, RehearsalState.RUNNING])
def test_overdue_rehearsal_that_nobody_began_or_ended_gives_way(acme_directory, state):
    first = ask(acme_directory)
    Rehearsal.objects.update(asked_at=now() - timedelta(minutes=6), state=state)
    ask(acme_directory)
    first.refresh_from_db()
    assert first.state == RehearsalState.INTERRUPTED


def test_interrupted_rehearsal_is_cleaned_up_when_the_worker_comes_back(acme_directory, monkeypatch):
    rehearsal = ask(acme_directory)
    monkeypatch.setattr(services, "_remove", lambda made, send: None)
    monkeypatch.setattr(services, "_line", _lost_after(30))
    with pytest.raises(SystemExit):
        services.run_rehearsal(rehearsal=rehearsal)
    monkeypatch.undo()
    assert DirectoryUser.objects.exists()
    Rehearsal.objects.update(state=RehearsalState.RUNNING)
    done = run(Rehearsal.objects.get())
    assert (done.state, done.made) == (RehearsalState.INTERRUPTED, [])
    assert [model.objects.count() for model in LEFT] == [0] * len(LEFT)


def _lost_after(count):
    """Return what describes so many steps, and then ends the process."""
    left, describe = iter(range(count)), services._line

    def line(section, result):
        if next(left, None) is None:
            raise SystemExit
        return describe(section, result)

    return line


def test_finished_rehearsal_is_not_run_again(acme_directory):
    done = run(ask(acme_directory, "okta", with_groups=False))
    services.run_rehearsal(rehearsal=done)
    done.refresh_from_db()
    assert done.state == RehearsalState.PASSED


def test_rehearsal_that_gets_no_answer_fails_at_its_first_step_and_says_why(acme_directory, monkeypatch):
    def refuse(self, request):
        raise httpx.ConnectError("nobody is there")

    monkeypatch.setattr(httpx.WSGITransport, "handle_request", refuse)
    done = run(ask(acme_directory))
    assert done.state == RehearsalState.FAILED
    assert failures(done)[0][1] == "No answer: nobody is there."


def test_token_of_a_rehearsal_is_on_no_page_and_counts_as_no_live_token(acme_directory):
    tokens.generate_rehearsal_token(directory=acme_directory, life=timedelta(minutes=1))
    assert not directories.list_tokens(acme_directory).exists()


PAGE = "/orgs/acme/settings/authentication/rehearsals/"


def test_rehearse_view_plans_a_rehearsal_and_leads_to_its_page(sign_in, olga, acme_directory):
    response = sign_in(olga).post(PAGE, {"provider": "okta", "with_groups": "on"})
    rehearsal = Rehearsal.objects.get()
    assert response["Location"] == f"{PAGE}{rehearsal.public_id}/"
    assert (rehearsal.provider, rehearsal.with_groups, rehearsal.asked_by_label) == ("okta", True, olga.email)


def test_rehearse_view_shows_the_refusal_of_a_second_rehearsal_in_the_form(sign_in, olga, acme_directory):
    ask(acme_directory)
    response = sign_in(olga).post(PAGE, {"provider": "okta"})
    assert response.status_code == 400
    assert "under way" in response.content.decode()


def test_rehearsal_page_polls_only_until_the_rehearsal_has_ended(sign_in, olga, acme_directory):
    rehearsal, client = ask(acme_directory), sign_in(olga)
    address = f"{PAGE}{rehearsal.public_id}/"
    assert "hx-trigger" in client.get(address).content.decode()
    # the test client has connected the signals again
    with connections_kept():
        run(rehearsal)
    page = client.get(address).content.decode()
    assert "hx-trigger" not in page
    assert "Every request was answered as JumpCloud expects it." in page
