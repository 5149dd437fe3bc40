"""What admins are told of their tokens: that one ends soon, that one is used which no longer opens anything."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from orgs.base.clock import now
from orgs.events import services as outbox
from orgs.people import queries as people
from scim.directories import queries
from scim.directories.models import Directory, ScimToken
from scim.directories.types import (
    DAY,
    DIRECTORY_REFUSED,
    NOTICE_DAYS,
    REFUSED_AGAIN_AFTER,
    REFUSED_STREAK,
    STREAK_WITHIN,
    TOKEN_EXPIRING,
    TOKEN_REFUSED,
    Admission,
    notice_due,
)
from scim.requests import queries as requests

USE_NOTED_EVERY = timedelta(seconds=60)


def note_refused_use(*, token: Admission, ip: str) -> None:
    """Store that somebody shows a token that doesn't open its directory, exact to a minute."""
    moment = now()
    stale = Q(refused_at=None) | Q(refused_at__lt=moment - USE_NOTED_EVERY)
    ScimToken.objects.filter(stale, org_id=token.org_id, pk=token.token_id).update(
        refused_at=moment, refused_ip=ip or None
    )


def plan_notices() -> int:
    """Plan the mails that are due, each once for each owner and admin. Returns how many tokens and directories they name."""
    ending = sum(_tell_of_end(token) for token in queries.expiring_tokens(max(NOTICE_DAYS) * DAY))
    used = sum(_tell_of_use(token) for token in queries.refused_tokens())
    return ending + used + sum(_tell_of_streak(directory) for directory in _refused_directories())


@transaction.atomic
def _tell_of_end(token: ScimToken) -> bool:
    assert token.expires_at is not None  # noqa: S101 - only tokens that expire are asked for
    due = notice_due(token.expires_at - now())
    early = Q(noticed_days=None) | Q(noticed_days__gt=due)
    if not ScimToken.objects.filter(early, org_id=token.org_id, pk=token.pk).update(noticed_days=due):
        return False
    _add(token.directory, TOKEN_EXPIRING, str(token.public_id))
    return True


@transaction.atomic
def _tell_of_use(token: ScimToken) -> bool:
    same = ScimToken.objects.filter(org_id=token.org_id, pk=token.pk, alerted_at=token.alerted_at)
    if not same.update(alerted_at=now()):
        return False
    _add(token.directory, TOKEN_REFUSED, str(token.public_id))
    return True


def _refused_directories() -> list[Directory]:
    """Return directories whose calls are all refused, and whose admins weren't told since the last one that wasn't."""
    counts = requests.directories_refused(since=now() - STREAK_WITHIN, at_least=REFUSED_STREAK)
    return [directory for directory in queries.list_directories(counts) if _is_stopped(directory)]


def _is_stopped(directory: Directory) -> bool:
    latest = requests.latest_request(directory.pk)
    if latest is None or latest.at > now() - STREAK_WITHIN:
        # it works, or it never has: then somebody is setting it up, and looks at the page
        return False
    told = directory.alerted_at
    return told is None or (told < latest.at and told < now() - REFUSED_AGAIN_AFTER)


@transaction.atomic
def _tell_of_streak(directory: Directory) -> bool:
    same = Directory.objects.filter(org_id=directory.org_id, pk=directory.pk, alerted_at=directory.alerted_at)
    if not same.update(alerted_at=now()):
        return False
    _add(directory, DIRECTORY_REFUSED, str(directory.public_id))
    return True


def _add(directory: Directory, kind: str, key: str) -> None:
    recipients = people.settings_addresses(directory.org)
    outbox.add_for_each(org=directory.org, kind=kind, key=key, recipients=recipients)
