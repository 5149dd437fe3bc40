from django.conf import settings
from django.urls import reverse

from orgs.events import services as events
from orgs.events.models import OutboxEvent
from orgs.events.types import Mail, delivers
from orgs.people import queries as people
from sso.connections.types import CONNECTION_CHANGED


@delivers(CONNECTION_CHANGED)
def send_notice(event: OutboxEvent) -> None:
    """Tell one owner or admin of the organization that a connection was turned on, turned off or deleted, and by whom."""
    org, recipient = event.organization, event.payload["recipient"]
    if recipient not in people.settings_addresses(org):
        # neither any more: it isn't theirs to know
        return
    link = settings.PUBLIC_BASE_URL + reverse("authentication", args=[org.slug])
    context: dict[str, object] = {"org": org, "link": link, **event.payload}
    events.send_mail(Mail(template="connection_changed", to=recipient, context=context))
