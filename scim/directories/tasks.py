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
    """Tell one owner or admin of the organization that a token was generated, and where to revoke it."""
    org, recipient = event.organization, event.payload["recipient"]
    if recipient not in people.settings_addresses(org):
        # neither any more: it isn't theirs to know
        return
    token = queries.find_token(org, UUID(event.key))
    link = settings.PUBLIC_BASE_URL + reverse("authentication", args=[org.slug])
    context: dict[str, object] = {
        "org": org,
        "label": token.label,
        "last4": token.last4,
        "creator": token.created_by_label,
        "link": link,
    }
    events.send_mail(Mail(template="token_created", to=recipient, context=context))
