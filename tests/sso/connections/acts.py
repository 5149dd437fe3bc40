"""What an admin does to a connection."""

from orgs.audit.models import AuditEvent
from sso.connections.types import SignInRules
from sso.metadata import services as metadata
from tests.factories import ACTOR


def create(org, name="Okta", **rules):
    return metadata.create_connection(org=org, name=name, rules=SignInRules(**rules), actor=ACTOR)


def actions(org):
    return list(
        AuditEvent.objects.filter(org=org, target_kind="connection").order_by("id").values_list("action", flat=True)
    )
