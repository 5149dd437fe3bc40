from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.urls import reverse

from orgs.events import services as events
from orgs.events.models import OutboxEvent
from orgs.events.types import DeliveryTooLate, Mail, delivers
from orgs.people import queries as people
from orgs.tenancy.models import Organization
from scim.directories import queries, services
from scim.directories.models import ScimToken
from scim.directories.types import DIRECTORY_REFUSED, TOKEN_CREATED, TOKEN_EXPIRING, TOKEN_REFUSED, TokenState


@shared_task(name="scim.directories.plan_notices")
def plan_notices() -> int:
    """Plan the mails on tokens that end soon, and on calls that are refused."""
    return services.plan_notices()


@delivers(TOKEN_CREATED)
def send_token_notice(event: OutboxEvent) -> None:
    """Tell one owner or admin of the organization that a token was generated, and where to revoke it."""
    token = queries.find_token(event.organization, UUID(event.key))
    _send(event, "token_created", {**_facts(token), "creator": token.created_by_label})


@delivers(TOKEN_EXPIRING)
def send_expiry_notice(event: OutboxEvent) -> None:
    """Tell one owner or admin when a token ends, and how to change to the next one. Raises DeliveryTooLate."""
    token = queries.find_token(event.organization, UUID(event.key))
    if queries.token_state(token) is not TokenState.LIVE:
        raise DeliveryTooLate("The token has ended meanwhile.")
    rotate = reverse("directories:rotate_token", args=[event.organization.slug, token.public_id])
    _send(event, "token_expiring", {**_facts(token), "token": token, "rotate": settings.PUBLIC_BASE_URL + rotate})


@delivers(TOKEN_REFUSED)
def send_refused_use_notice(event: OutboxEvent) -> None:
    """Tell one owner or admin that somebody shows a token that has ended, or from where it may not be used."""
    token = queries.find_token(event.organization, UUID(event.key))
    _send(event, "token_refused", {**_facts(token), "token": token, "state": queries.token_state(token)})


@delivers(DIRECTORY_REFUSED)
def send_streak_notice(event: OutboxEvent) -> None:
    """Tell one owner or admin that all calls of the identity provider are refused."""
    log = settings.PUBLIC_BASE_URL + reverse("requests:log", args=[event.organization.slug])
    _send(event, "calls_refused", {"log": log})


def _facts(token: ScimToken) -> dict[str, object]:
    return {"label": token.label, "last4": token.last4}


def _send(event: OutboxEvent, template: str, context: dict[str, object]) -> None:
    """Send the mail unless its recipient is no owner or admin any more: then it isn't theirs to know."""
    org: Organization = event.organization
    recipient = event.payload["recipient"]
    if recipient not in people.settings_addresses(org):
        return
    link = settings.PUBLIC_BASE_URL + reverse("authentication", args=[org.slug])
    events.send_mail(Mail(template=template, to=recipient, context={"org": org, "link": link, **context}))
