"""The audit: who, what, from which value to which, in the request that did it, and never a secret."""

import pytest
import structlog

from orgs.audit import services as audit
from orgs.audit.models import AuditEvent
from orgs.base.actor import Actor, ActorKind
from orgs.events.models import OutboxEvent
from orgs.people import services as people
from orgs.tenancy.types import SuspensionSource
from tests.factories import PASSWORD
from tests.scim.bodies import user_body

PERSON = Actor(ActorKind.PERSON, reference="someone", label="olga@acme.example", ip="192.0.2.7")


def record(org, actor=PERSON, **target):
    given = {"kind": "thing", "id": "1", "label": "Thing"} | target
    return audit.record(org=org, actor=actor, action="thing.done", target=audit.AuditTarget(**given))


def test_audit_record_names_the_actor_and_address(acme):
    event = record(acme)
    assert (event.actor_kind, event.actor_reference, event.actor_label, event.ip) == (
        "person",
        "someone",
        "olga@acme.example",
        "192.0.2.7",
    )
    assert str(event) == "thing.done Thing"


def test_audit_record_without_a_request_has_no_ip_and_no_request_id(acme):
    structlog.contextvars.clear_contextvars()
    event = record(acme, Actor.command("create_org"))
    assert (event.actor_kind, event.actor_label, event.ip, event.request_id) == (
        "command",
        "manage.py create_org",
        None,
        "",
    )


def test_audit_record_truncates_long_texts_to_the_columns(acme):
    event = record(acme, Actor(ActorKind.SCIM, "r" * 500, "l" * 500), label="t" * 500)
    event.refresh_from_db()
    assert (len(event.actor_reference), len(event.actor_label), len(event.target_label)) == (100, 254, 400)


def test_audit_record_has_the_request_id(acme):
    with structlog.contextvars.bound_contextvars(request_id="req-12345678"):
        assert record(acme).request_id == "req-12345678"


def test_suspension_is_audited_with_source_and_state(uma):
    people.suspend_membership(membership=uma, source=SuspensionSource.ADMIN, actor=PERSON)
    event = AuditEvent.objects.get(action="membership.suspended")
    assert (event.after, event.actor_label) == ({"source": "admin", "state": "suspended"}, "olga@acme.example")
    assert (event.target_kind, event.target_id) == ("membership", str(uma.public_id))


def test_scim_change_is_audited_with_scim_actor_and_own_request_id(scim):
    response = scim.post("/Users", user_body(), X_Request_ID="from-the-idp-1")
    event = AuditEvent.objects.get(action="membership.created", target_label="nora@acme.example")
    assert (event.actor_kind, event.request_id) == ("scim", response["X-Request-ID"])
    assert event.request_id != "from-the-idp-1"


@pytest.mark.parametrize("model", [AuditEvent, OutboxEvent])
def test_audit_and_outbox_events_have_no_secret(scim, olga, model):
    scim.post("/Users", user_body(password="canary-password"))
    rows = str(list(model.objects.values()))
    assert rows != "[]"
    for secret in (scim.token, scim.token[4:], PASSWORD, "canary-password", "+47-555-0100"):
        assert secret not in rows
