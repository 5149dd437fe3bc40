from uuid import UUID

from orgs.base.actor import Actor
from orgs.domains import queries as domains
from orgs.domains.errors import DomainUnknown
from orgs.domains.models import Domain
from orgs.domains.types import follows_proof
from orgs.events import services as events
from orgs.events.models import OutboxEvent
from orgs.events.types import delivers
from orgs.people import services
from orgs.people.types import ADMISSION


@follows_proof
def plan_activation(domain: Domain, actor: Actor) -> None:
    """Plan to activate the memberships that wait under the domain, a portion at a time, after the commit."""
    _plan_portion(domain, actor, after=0)


@delivers(ADMISSION)
def activate_portion(event: OutboxEvent) -> None:
    """Activate the next portion of waiting memberships and plan the one after it; nobody once the domain is removed.

    A worker that is lost meanwhile costs nothing: whoever is in already is not looked at again.
    """
    actor, after = Actor.from_json(event.payload["actor"]), int(event.payload["after"])
    try:
        domain = domains.find_domain(event.organization, UUID(event.payload["domain"]))
        last = services.activate_waiting_memberships(domain=domain, actor=actor, after=after)
    except DomainUnknown:
        return
    if last is not None:
        _plan_portion(domain, actor, after=last)


def _plan_portion(domain: Domain, actor: Actor, *, after: int) -> None:
    """Plan the portion once, also when the one before it was delivered twice."""
    key = f"{domain.public_id}:{after}"
    payload: dict[str, object] = {"domain": str(domain.public_id), "after": after, "actor": actor.as_json()}
    events.cancel(org=domain.org, kind=ADMISSION, key=key)
    events.add(org=domain.org, kind=ADMISSION, key=key, payload=payload)
