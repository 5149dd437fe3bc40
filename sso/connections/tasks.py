from django.conf import settings
from django.urls import reverse

from orgs.events import services as events
from orgs.events.models import OutboxEvent
from orgs.events.types import Mail, delivers
from orgs.people import queries as people
from sso.connections.types import CONNECTION_CHANGED


@delivers(CONNECTION_CHANGED)
def send_notice(event: OutboxEvent) -> None:
    """Every owner and admin of the organisation knows that a way in was turned on, turned off or deleted, and by whom."""
    link = settings.PUBLIC_BASE_URL + reverse("authentication", args=[event.org.slug])
    context: dict[str, object] = {"org": event.org, "link": link, **event.payload}
    for address in people.settings_addresses(event.org):
        events.send_mail(Mail(template="connection_changed", to=address, context=context))
