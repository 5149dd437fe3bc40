from datetime import timedelta
from urllib.parse import quote

from celery import shared_task
from django.conf import settings
from django.urls import reverse

from orgs.base.clock import now
from orgs.events import services as events
from orgs.events.models import OutboxEvent
from orgs.events.types import Mail, Postponed, delivers
from orgs.invitations import services
from orgs.invitations.types import Delay
from orgs.people.types import INVITATION_LIFE, INVITATION_MAIL

RETENTION = timedelta(days=30)


@shared_task(name="orgs.invitations.prune", ignore_result=True)
def prune() -> int:
    """Delete invitations that nobody accepted, 30 days after their link has ended."""
    return services.delete_ended_invitations(before=now() - RETENTION)


@delivers(INVITATION_MAIL)
def send_invitation(event: OutboxEvent) -> None:
    """Mail a link by which to join to the person of an invited membership; send nothing when nobody waits any more."""
    counted = services.take_invitation_mail(org=event.organization, membership_public_id=event.key)
    if isinstance(counted, Delay):
        raise Postponed(counted.until, counted.reason)
    try:
        is_sent = _send(event)
    except Exception:
        services.give_back_invitation_mail(counted=counted)
        raise
    if not is_sent:
        services.give_back_invitation_mail(counted=counted)


def _send(event: OutboxEvent) -> bool:
    prepared = services.prepare_invitation(org=event.organization, membership_public_id=event.key)
    if prepared is None:
        return False
    membership, secret = prepared
    link = settings.PUBLIC_BASE_URL + reverse("people:invitation", args=[quote(secret)])
    context: dict[str, object] = {"org": membership.org, "link": link, "days": INVITATION_LIFE.days}
    events.send_mail(Mail(template="invitation", to=membership.email, context=context))
    return True
