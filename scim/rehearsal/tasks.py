from uuid import UUID

from orgs.events.models import OutboxEvent
from orgs.events.types import delivers
from scim.rehearsal import queries, services
from scim.rehearsal.types import REHEARSAL_ASKED


@delivers(REHEARSAL_ASKED)
def run_rehearsal(event: OutboxEvent) -> None:
    """Walk the calls that an admin has asked for; what comes of it is on the rehearsal's page."""
    services.run_rehearsal(rehearsal=queries.find_rehearsal(event.organization, UUID(event.key)))
