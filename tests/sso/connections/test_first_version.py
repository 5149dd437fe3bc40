"""The first version of a connection: created, completed step by step, tested, and turned on."""

import pytest

from orgs.audit.models import AuditEvent
from orgs.base import sealed
from sso.connections import queries, services
from sso.connections import types as connection_types
from sso.connections.errors import (
    ConnectionNameTaken,
    SetupIncomplete,
    TooManyConnections,
)
from sso.connections.models import Connection, IdpCertificate, SpKey
from sso.connections.types import ConnectionState, WizardStep
from sso.saml.certificates import private_key, public_key
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.connections.acts import actions, create


class TestTheFirstVersion:
    def test_create_connection_makes_a_draft_with_one_version_in_preparation(self, acme):
        made = create(acme)
        assert (made.state, made.setup_step) == (ConnectionState.DRAFT, WizardStep.PROVIDER)
        assert queries.in_preparation(made).number == 1
        assert queries.in_force(made) is None

    def test_create_connection_makes_a_key_of_its_own_and_stores_it_sealed(self, acme):
        first, second = create(acme), create(acme, "Entra")
        keys = [queries.signing_key(one) for one in (first, second)]
        assert keys[0].private_pem != keys[1].private_pem
        assert private_key(keys[0]).public_key() == public_key(keys[0].certificate_pem)
        stored = SpKey.objects.get(connection=first)
        assert "PRIVATE" not in stored.private_sealed
        assert sealed.unseal(stored.private_sealed) == keys[0].private_pem

    def test_create_connection_refuses_a_name_taken_in_the_same_organization(self, acme, globex):
        create(acme)
        create(globex)
        with pytest.raises(ConnectionNameTaken):
            create(acme)

    def test_create_connection_refuses_more_than_the_most_connections(self, acme, monkeypatch):
        monkeypatch.setattr(services, "MAX_CONNECTIONS", 2)
        assert connection_types.MAX_CONNECTIONS == 25
        for name in ("a", "b"):
            create(acme, name)
        with pytest.raises(TooManyConnections):
            create(acme, "c")

    def test_finish_setup_raises_setup_incomplete_without_metadata(self, acme):
        with pytest.raises(SetupIncomplete):
            versions.finish_setup(connection=create(acme), actor=ACTOR)

    def test_finish_setup_twice_is_audited_once(self, untested):
        versions.finish_setup(connection=untested, actor=ACTOR)
        assert actions(untested.org).count("connection.set_up") == 1

    def test_reach_step_keeps_the_furthest_step(self, acme):
        made = create(acme)
        for step in (WizardStep.METADATA, WizardStep.VALUES):
            versions.reach_step(connection=made, step=step)
        made.refresh_from_db()
        assert made.setup_step == WizardStep.METADATA

    def test_reach_step_changes_nothing_when_setup_is_finished(self, untested):
        versions.reach_step(connection=untested, step=WizardStep.VALUES)
        untested.refresh_from_db()
        assert not untested.is_being_set_up

    def test_rename_connection_is_audited_once_per_change(self, untested):
        services.rename_connection(connection=untested, name="Renamed", actor=ACTOR)
        services.rename_connection(connection=untested, name="Renamed", actor=ACTOR)
        assert actions(untested.org).count("connection.renamed") == 1
        assert str(Connection.objects.get()) == "Renamed"

    def test_rename_connection_with_a_stale_object_does_not_change_the_state(self, connection):
        old = queries.find_connection(connection.org, connection.public_id)
        services.turn_off(connection=connection, actor=ACTOR)
        services.rename_connection(connection=old, name="Renamed", actor=ACTOR)
        assert Connection.objects.get().state == ConnectionState.DISABLED

    def test_rename_connection_refuses_a_taken_name(self, acme, untested):
        create(acme, "Other")
        with pytest.raises(ConnectionNameTaken):
            services.rename_connection(connection=untested, name="Other", actor=ACTOR)

    def test_each_setup_step_is_audited(self, untested):
        assert actions(untested.org) == [
            "connection.created",
            "connection.provider_chosen",
            "connection.idp_changed",
            "connection.set_up",
        ]

    def test_audit_event_of_changed_metadata_has_fingerprints_and_no_certificates(self, untested):
        event = AuditEvent.objects.get(action="connection.idp_changed")
        assert event.after["certificates"] == [IdpCertificate.objects.get().fingerprint]
        assert "BEGIN" not in str(event.after)
