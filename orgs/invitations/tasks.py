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
from orgs.people.types import INVITATION_LIFE, INVITATION_MAIL

RETENTION = timedelta(days=30)


@shared_task(name="orgs.invitations.prune", ignore_result=True)
def prune() -> int:
    """Delete invitations that nobody accepted, 30 days after their link has ended."""
    return services.delete_ended_invitations(before=now() - RETENTION)


@delivers(INVITATION_MAIL)
def send_invitation(event: OutboxEvent) -> None:
    """The person of a waiting seat has a link by which to join; nothing is sent when nobody waits any more."""
    if delay := services.take_invitation_mail(org=event.organization, membership_public_id=event.key):
        raise Postponed(delay.until, delay.reason)
    prepared = services.prepare_invitation(org=event.organization, membership_public_id=event.key)
    if prepared is None:
        return
    seat, secret = prepared
    link = settings.PUBLIC_BASE_URL + reverse("people:invitation", args=[quote(secret)])
    context: dict[str, object] = {"org": seat.org, "link": link, "days": INVITATION_LIFE.days}
    try:
        events.send_mail(Mail(template="invitation", to=seat.email, context=context))
    except OSError:
        # mail servers' errors are kinds of it
        services.give_back_invitation_mail(membership=seat)
        raise
