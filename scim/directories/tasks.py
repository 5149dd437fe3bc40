from uuid import UUID

from django.conf import settings
from django.urls import reverse

from orgs.events import services as events
from orgs.events.models import OutboxEvent
from orgs.events.types import Mail, delivers
from orgs.people import queries as people
from scim.directories import queries
from scim.directories.types import TOKEN_CREATED


@delivers(TOKEN_CREATED)
def send_token_notice(event: OutboxEvent) -> None:
    """Every owner and admin of the organisation knows that a token was generated, and where to revoke it."""
    token = queries.find_token(event.org, UUID(event.key))
    link = settings.PUBLIC_BASE_URL + reverse("authentication", args=[event.org.slug])
    context: dict[str, object] = {
        "org": event.org,
        "label": token.label,
        "last4": token.last4,
        "creator": token.created_by_label,
        "link": link,
    }
    for address in people.settings_addresses(event.org):
        events.send_mail(Mail(template="token_created", to=address, context=context))
