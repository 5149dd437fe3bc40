"""Admins hear of a token's end 14, 3 and 1 days before, of the use of one that has ended, and that all calls are refused."""

from datetime import timedelta

import pytest

from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.events import services as events
from orgs.people import services as people
from orgs.tenancy.types import SuspensionSource
from scim.directories import queries, services
from scim.directories.models import Directory, ScimToken
from scim.directories.services import notices
from scim.directories.types import DirectoryState, notice_due
from scim.requests.models import RefusedCalls, RequestLog
from tests.factories import ACTOR, TokenFactory

OLGA = Actor(ActorKind.PERSON, label="olga@acme.example")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("left", "notice"),
    [(15 * DAY, None), (14 * DAY, 14), (3 * DAY + timedelta(hours=1), 14), (3 * DAY, 3), (DAY, 1), (DAY / 24, 1)],
)
def test_notice_due_is_the_nearest_of_14_3_and_1_days(left, notice):
    assert notice_due(left) == notice


def subjects(mailoutbox):
    events.deliver_due()
    return [mail.subject for mail in mailoutbox if "New SCIM token" not in mail.subject]


def note(token, ip):
    """Somebody shows the token, in vain."""
    found = queries.ADMISSION.first(digest=token.digest, directory=token.directory.public_id)
    services.note_refused_use(token=found, ip=ip)


def ending(directory, left):
    return TokenFactory(directory=directory, label="JumpCloud", expires_in=left).token


def test_token_that_ends_soon_is_told_once_for_each_notice(acme_directory, olga, mailoutbox):
    token = ending(acme_directory, 13 * DAY)
    assert [services.plan_notices(), services.plan_notices()] == [1, 0]
    ScimToken.objects.update(expires_at=now() + 2 * DAY)
    assert [services.plan_notices(), services.plan_notices()] == [1, 0]
    told = subjects(mailoutbox)
    assert len(told) == 2
    assert all(subject.startswith("The SCIM token “JumpCloud” of Acme expires on") for subject in told)
    assert token.last4 in mailoutbox[-1].body


def test_token_that_ends_later_or_has_ended_is_not_told_of(acme_directory, olga):
    ending(acme_directory, 15 * DAY)
    services.revoke_token(token=ending(acme_directory, DAY), actor=OLGA)
    TokenFactory(directory=acme_directory)
    assert services.plan_notices() == 0


def test_token_of_a_disabled_directory_is_not_told_of(acme_directory, olga):
    ending(acme_directory, DAY)
    Directory.objects.update(state=DirectoryState.DISABLED)
    assert services.plan_notices() == 0


def test_planned_end_of_a_week_is_told_three_days_before_and_not_at_once(acme_directory, olga):
    token = TokenFactory(directory=acme_directory).token
    services.retire_token(token=token, after=7 * DAY, actor=OLGA)
    assert services.plan_notices() == 0
    ScimToken.objects.update(expires_at=now() + 3 * DAY)
    assert services.plan_notices() == 1


def test_expiry_notice_is_not_sent_once_the_token_is_revoked(acme_directory, olga, mailoutbox):
    token = ending(acme_directory, DAY)
    services.plan_notices()
    services.revoke_token(token=token, actor=OLGA)
    assert subjects(mailoutbox) == []


def test_notice_is_not_sent_to_an_admin_who_is_suspended_meanwhile(acme_directory, olga, adam, mailoutbox):
    ending(acme_directory, DAY)
    services.plan_notices()
    people.suspend_membership(membership=adam, source=SuspensionSource.ADMIN, actor=ACTOR)
    subjects(mailoutbox)
    assert {tuple(mail.to) for mail in mailoutbox if "expires on" in mail.subject} == {(olga.email,)}


def test_refused_use_of_an_ended_token_is_told_once_a_week(acme_directory, olga, mailoutbox):
    token = TokenFactory(directory=acme_directory, label="Old").token
    services.revoke_token(token=token, actor=OLGA)
    note(token, "198.51.100.4")
    assert [services.plan_notices(), services.plan_notices()] == [1, 0]
    ScimToken.objects.update(refused_at=now() + timedelta(days=8))
    assert services.plan_notices() == 1
    assert subjects(mailoutbox)[0].startswith("Refused: the SCIM token “Old”")
    assert "198.51.100.4" in mailoutbox[-2].body + mailoutbox[-1].body


def test_refused_use_that_two_workers_found_is_told_once(acme_directory, olga, monkeypatch):
    token = TokenFactory(directory=acme_directory).token
    services.revoke_token(token=token, actor=OLGA)
    note(token, "198.51.100.4")
    found = list(queries.refused_tokens())
    monkeypatch.setattr(queries, "refused_tokens", lambda: found)
    assert [services.plan_notices(), services.plan_notices()] == [1, 0]


def test_refused_use_is_stored_exact_to_a_minute(acme_directory):
    token = TokenFactory(directory=acme_directory).token
    note(token, "198.51.100.4")
    note(token, "198.51.100.5")
    token.refresh_from_db()
    assert token.refused_ip == "198.51.100.4"


def refuse(scim, count, ago=timedelta()):
    """So many calls came with a wrong token, in one minute."""
    moment = now() - ago
    RefusedCalls.objects.create(
        org=scim.directory.org,
        directory=scim.directory,
        minute=moment,
        at=moment,
        status=401,
        cause="Unknown",
        count=count,
    )


def worked(scim, ago):
    """The newest call with a live token was answered so long ago."""
    scim.get("/Users")
    RequestLog.objects.update(at=now() - ago)


HOURS = timedelta(hours=1)


def test_streak_of_refused_calls_is_told_once_when_none_was_accepted_for_an_hour(scim, olga, mailoutbox):
    worked(scim, 2 * HOURS)
    refuse(scim, 20)
    assert [services.plan_notices(), services.plan_notices()] == [1, 0]
    assert subjects(mailoutbox) == ["Provisioning of Acme has stopped: every request is refused"]


def test_streak_that_two_workers_found_is_told_once(scim, olga, monkeypatch):
    worked(scim, 2 * HOURS)
    refuse(scim, 20)
    found = list(Directory.objects.all())
    monkeypatch.setattr(notices, "_refused_directories", lambda: found)
    assert [services.plan_notices(), services.plan_notices()] == [1, 0]


@pytest.mark.parametrize(("accepted", "count", "refused"), [(0.5, 20, 0), (2, 19, 0), (2, 20, 2)])
def test_refused_calls_are_no_streak_when_few_or_old_or_beside_accepted_ones(scim, olga, accepted, count, refused):
    worked(scim, accepted * HOURS)
    refuse(scim, count, refused * HOURS)
    assert services.plan_notices() == 0


def test_refused_calls_of_a_directory_that_never_worked_are_told_to_nobody(scim, olga):
    refuse(scim, 20)
    assert services.plan_notices() == 0


def test_streak_is_told_again_after_calls_were_accepted_in_between(scim, olga):
    worked(scim, 2 * HOURS)
    refuse(scim, 20)
    Directory.objects.update(alerted_at=now() - timedelta(days=2))
    assert services.plan_notices() == 1
