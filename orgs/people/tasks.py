from urllib.parse import quote

from django.conf import settings
from django.urls import reverse

from orgs.base.actor import Actor
from orgs.domains.models import Domain
from orgs.domains.types import follows_proof
from orgs.events import services as events
from orgs.events.models import OutboxEvent
from orgs.events.types import Mail, delivers
from orgs.people import services
from orgs.people.types import INVITATION_LIFE, INVITATION_MAIL


@follows_proof
def admit_waiting(domain: Domain, actor: Actor) -> None:
    """Who waited under the domain is in, in the transaction that proves it."""
    services.admit_waiting(domain=domain, actor=actor)


@delivers(INVITATION_MAIL)
def send_invitation(event: OutboxEvent) -> None:
    """The person of a waiting seat has a link by which to join; nothing is sent when nobody waits any more."""
    prepared = services.prepare_invitation(org=event.org, membership_public_id=event.key)
    if prepared is None:
        return
    seat, secret = prepared
    link = settings.PUBLIC_BASE_URL + reverse("people:invitation", args=[quote(secret)])
    context: dict[str, object] = {"org": seat.org, "link": link, "days": INVITATION_LIFE.days}
    events.send_mail(Mail(template="invitation", to=seat.email, context=context))
