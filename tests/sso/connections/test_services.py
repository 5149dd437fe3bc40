"""Connections: their versions, states and rules, and what each act leaves in the audit log and the mail."""

from uuid import uuid4

import pytest
from django.core import mail

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.events import services as outbox
from orgs.providers.idp_settings import NameIdFormat
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import IdpSession, Role, SignInMethod
from sso.attempts import services as attempts
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome, AttemptRecord, ClientInfo
from sso.connections import queries, services
from sso.connections.errors import (
    ChangedMeanwhile,
    ConnectionUnknown,
    NameNotTyped,
    NothingInPreparation,
    NotTested,
    NotTurnedOn,
    SeenNoLonger,
    SetupIncomplete,
)
from sso.connections.models import Configuration, Connection, IdpCertificate, SpKey
from sso.connections.types import AttributeChoice, ConnectionState, Seen, SignInRules, Stage
from sso.metadata import services as metadata
from sso.signin.saml import expectation_of
from sso.versions import services as versions
from tests.factories import ACTOR
from tests.sso.conftest import connect
from tests.sso.connections.acts import actions, create


def passed(connection):
    """The version in preparation has passed a test of its present revision."""
    draft = queries.to_be_tested(connection)
    return versions.note_test_passed(
        configuration=draft, revision=draft.revision, tester="olga@acme.example", actor=ACTOR
    )


def apply_again(connection, idp):
    """Bring the IdP's metadata to the version in preparation."""
    snapshot = metadata.take_document(connection=connection, document=idp.metadata())
    revision = queries.in_preparation(connection).revision
    metadata.use_snapshot(connection=connection, snapshot=snapshot, revision=revision, actor=ACTOR)


def grant(connection, membership):
    """Open a session through the connection."""
    idp, method = IdpSession(connection.public_id), SignInMethod.SAML
    tenancy.grant_session(membership=membership, session=uuid4(), method=method, expires_at=now(), idp=idp)


class TestTwoAdmins:
    CHOICE = AttributeChoice({"email": "mail"})

    def test_choose_attributes_raises_changed_meanwhile_for_a_stale_revision(self, untested):
        revision = queries.in_preparation(untested).revision
        versions.choose_attributes(connection=untested, choice=self.CHOICE, revision=revision, actor=ACTOR)
        with pytest.raises(ChangedMeanwhile):
            versions.choose_attributes(connection=untested, choice=AttributeChoice(), revision=revision, actor=ACTOR)
        assert queries.in_preparation(untested).attribute_map == {"email": "mail"}

    def test_use_snapshot_and_choose_provider_raise_changed_meanwhile_for_a_stale_revision(self, untested, idp):
        snapshot, email = metadata.take_document(connection=untested, document=idp.metadata()), NameIdFormat.EMAIL
        with pytest.raises(ChangedMeanwhile):
            metadata.use_snapshot(connection=untested, snapshot=snapshot, revision=1, actor=ACTOR)
        with pytest.raises(ChangedMeanwhile):
            versions.choose_provider(
                connection=untested, provider="okta", name_id_format=email, revision=1, actor=ACTOR
            )


class TestAnotherProvider:
    """Of a connection that is on: what is being prepared is seen by nobody who signs in."""

    @pytest.fixture
    def begun(self, connection):
        draft, email = versions.begin_reconfiguration(connection=connection, actor=ACTOR), NameIdFormat.EMAIL
        versions.choose_provider(
            connection=connection, provider="entra", name_id_format=email, revision=draft.revision, actor=ACTOR
        )
        return Connection.objects.get()

    def test_provider_of_a_new_version_applies_once_it_is_turned_on(self, begun):
        assert (begun.provider, queries.in_preparation(begun).provider) == ("jumpcloud", "entra")
        services.turn_on(connection=begun, actor=ACTOR, without_test=True)
        assert (Connection.objects.get().provider, queries.in_force(begun).provider) == ("entra", "entra")

    def test_provider_of_a_discarded_version_is_dropped(self, begun):
        versions.discard_preparation(connection=begun, number=2, actor=ACTOR)
        assert (Connection.objects.get().provider, queries.in_force(begun).provider) == ("jumpcloud", "jumpcloud")


class TestTheSwitch:
    def test_turn_on_raises_not_tested_before_a_test_has_passed(self, untested):
        with pytest.raises(NotTested):
            services.turn_on(connection=untested, actor=ACTOR)

    def test_turn_on_activates_the_connection_after_a_passed_test(self, untested):
        assert passed(untested)
        services.turn_on(connection=untested, actor=ACTOR)
        assert Connection.objects.get().state == ConnectionState.ACTIVE
        assert queries.in_force(untested).tested_by == "olga@acme.example"

    def test_turn_on_raises_not_tested_after_an_edit_that_follows_the_test(self, untested, idp):
        passed(untested)
        apply_again(untested, idp.change(idp_entity_id="urn:new"))
        assert Connection.objects.get().state == ConnectionState.DRAFT
        with pytest.raises(NotTested):
            services.turn_on(connection=untested, actor=ACTOR)

    def test_saving_unchanged_attributes_keeps_the_passed_test(self, untested, idp):
        passed(untested)
        draft = queries.in_preparation(untested)
        choice = queries.attribute_choice(draft)
        versions.choose_attributes(connection=untested, choice=choice, revision=draft.revision, actor=ACTOR)
        versions.choose_provider(
            connection=untested,
            provider=draft.provider,
            name_id_format=NameIdFormat.PERSISTENT,
            revision=draft.revision,
            actor=ACTOR,
        )
        apply_again(untested, idp)
        kept = queries.in_preparation(untested)
        assert (kept.revision, kept.name_id_format) == (draft.revision, draft.name_id_format)
        assert kept.tested_at is not None
        assert "connection.attributes_chosen" not in actions(untested.org)

    def test_turn_on_raises_seen_no_longer_when_the_version_was_edited_since(self, untested, idp):
        passed(untested)
        draft = queries.in_preparation(untested)
        apply_again(untested, idp.change(idp_entity_id="urn:new"))
        passed(untested)
        with pytest.raises(SeenNoLonger):
            services.turn_on(connection=untested, seen=Seen(draft.number, draft.revision), actor=ACTOR)
        assert queries.in_force(untested) is None

    def test_turn_on_reactivates_the_former_version_beside_one_in_preparation(self, connection):
        live = queries.in_force(connection)
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        services.turn_off(connection=connection, actor=ACTOR)
        seen = Seen(live.number, live.revision)
        services.turn_on(connection=connection, seen=seen, actor=ACTOR, without_test=True)
        assert queries.in_force(connection) == live
        assert queries.in_preparation(connection).number == 2

    def test_note_test_passed_is_ignored_for_an_earlier_revision(self, untested):
        draft = queries.in_preparation(untested)
        assert not versions.note_test_passed(configuration=draft, revision=1, tester="olga", actor=ACTOR)
        assert Connection.objects.get().state == ConnectionState.DRAFT

    def test_turn_on_raises_setup_incomplete_without_metadata(self, acme):
        with pytest.raises(SetupIncomplete):
            services.turn_on(connection=create(acme), actor=ACTOR, without_test=True)

    def test_turn_on_without_a_test_is_audited_as_untested(self, connection):
        event = AuditEvent.objects.get(action="connection.turned_on")
        assert event.after == {"state": "active", "version": 1, "tested": False, "sessions_ended": 0}

    def test_turn_on_reactivates_a_connection_that_was_turned_off(self, untested):
        passed(untested)
        services.turn_on(connection=untested, actor=ACTOR)
        services.turn_off(connection=untested, actor=ACTOR)
        assert Connection.objects.get().state == ConnectionState.DISABLED
        services.turn_on(connection=untested, actor=ACTOR)
        assert Connection.objects.get().state == ConnectionState.ACTIVE

    def test_turn_on_twice_is_audited_once(self, untested):
        passed(untested)
        for _ in range(2):
            services.turn_on(connection=untested, actor=ACTOR)
        assert actions(untested.org).count("connection.turned_on") == 1

    def test_turn_off_twice_is_audited_once(self, connection):
        for _ in range(2):
            services.turn_off(connection=connection, actor=ACTOR)
        assert actions(connection.org).count("connection.turned_off") == 1

    def test_turn_off_raises_not_turned_on_when_the_connection_was_never_on(self, untested):
        with pytest.raises(NotTurnedOn):
            services.turn_off(connection=untested, actor=ACTOR)

    @pytest.mark.parametrize("what", ["turned on", "turned off", "moved to version 2", "deleted"])
    def test_owners_and_admins_are_mailed_when_the_connection_state_changes(self, adam, uma, connection, what):
        if what == "turned off":
            services.turn_off(connection=connection, actor=ACTOR)
        if what == "moved to version 2":
            versions.begin_reconfiguration(connection=connection, actor=ACTOR)
            services.turn_on(connection=connection, actor=ACTOR, without_test=True)
        if what == "deleted":
            services.delete_connection(connection=connection, typed_name="JumpCloud", actor=ACTOR)
        outbox.deliver_due()
        subjects = {(message.to[0], message.subject) for message in mail.outbox if what in message.subject}
        said = f"Single sign-on of Acme: “JumpCloud” was {what}"
        assert subjects == {("olga@acme.example", said), ("adam@acme.example", said)}


class TestANewVersion:
    def test_begin_reconfiguration_copies_the_version_in_force(self, connection):
        draft = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        live = queries.in_force(connection)
        assert (draft.number, live.number) == (2, 1)
        assert draft.idp_entity_id == live.idp_entity_id
        fingerprints = [[one.fingerprint for one in version.certificates.all()] for version in (draft, live)]
        assert fingerprints[0] == fingerprints[1]

    def test_begin_reconfiguration_twice_returns_the_same_version(self, connection):
        first = versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        assert versions.begin_reconfiguration(connection=connection, actor=ACTOR) == first

    def test_begin_reconfiguration_raises_not_turned_on_without_a_version_in_force(self, untested):
        Configuration.objects.filter(connection=untested).update(stage=Stage.FORMER)
        with pytest.raises(NotTurnedOn):
            versions.begin_reconfiguration(connection=untested, actor=ACTOR)

    def test_edit_of_the_version_in_preparation_keeps_the_version_in_force(self, connection, idp):
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        apply_again(connection, idp.change(idp_entity_id="urn:new"))
        assert queries.in_force(connection).idp_entity_id == idp.app.idp_entity_id
        assert Connection.objects.get().state == ConnectionState.ACTIVE

    def test_turn_on_makes_the_version_in_force_a_former_one(self, connection):
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        passed(connection)
        services.turn_on(connection=connection, actor=ACTOR)
        stages = dict(Configuration.objects.values_list("number", "stage"))
        assert stages == {1: Stage.FORMER, 2: Stage.LIVE}

    def test_discard_preparation_deletes_the_version_in_preparation(self, connection):
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        versions.discard_preparation(connection=connection, number=2, actor=ACTOR)
        assert [version.number for version in Configuration.objects.all()] == [1]

    def test_discard_preparation_raises_seen_no_longer_for_another_version_number(self, connection):
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        with pytest.raises(SeenNoLonger):
            versions.discard_preparation(connection=connection, number=1, actor=ACTOR)

    def test_turn_on_audits_the_replaced_version_and_the_number_of_ended_sessions(self, connection, uma, idp):
        grant(connection, uma)
        versions.begin_reconfiguration(connection=connection, actor=ACTOR)
        apply_again(connection, idp.change(idp_entity_id="urn:new"))
        services.turn_on(connection=connection, actor=ACTOR, without_test=True)
        event = AuditEvent.objects.filter(action="connection.turned_on").latest("id")
        assert (event.before["version"], event.after["version"], event.after["sessions_ended"]) == (1, 2, 1)

    def test_version_numbers_are_never_reused(self, connection):
        for _ in range(2):
            versions.begin_reconfiguration(connection=connection, actor=ACTOR)
            services.turn_on(connection=connection, actor=ACTOR, without_test=True)
        assert queries.in_force(connection).number == 3

    def test_discard_preparation_refuses_the_only_version(self, untested):
        with pytest.raises(NotTurnedOn):
            versions.discard_preparation(connection=untested, number=1, actor=ACTOR)

    def test_discard_preparation_raises_nothing_in_preparation_without_one(self, connection):
        with pytest.raises(NothingInPreparation):
            versions.discard_preparation(connection=connection, number=2, actor=ACTOR)


class TestRules:
    def test_change_rules_applies_at_once_and_is_audited(self, connection):
        rules = SignInRules(jit=True, default_role=Role.GUEST, allow_idp_initiated=True)
        services.change_rules(connection=connection, rules=rules, actor=ACTOR)
        assert queries.rules(Connection.objects.get()) == rules
        assert AuditEvent.objects.get(action="connection.rules_changed").after["default_role"] == "guest"

    def test_change_rules_with_the_same_rules_is_not_audited(self, connection):
        services.change_rules(connection=connection, rules=queries.rules(connection), actor=ACTOR)
        assert not AuditEvent.objects.filter(action="connection.rules_changed").exists()


class TestDeletion:
    def test_delete_connection_raises_name_not_typed_when_the_case_differs(self, connection):
        with pytest.raises(NameNotTyped):
            services.delete_connection(connection=connection, typed_name="jumpcloud", actor=ACTOR)
        assert Connection.objects.exists()

    def test_delete_connection_ends_sessions_and_keeps_the_sign_in_log(self, connection, uma):
        grant(connection, uma)
        attempts.record_attempt(connection=connection, entry=AttemptRecord(AttemptOutcome.SIGNED_IN, ClientInfo()))
        services.delete_connection(connection=connection, typed_name=" JumpCloud ", actor=ACTOR)
        assert not SessionGrant.objects.exists()
        assert not SpKey.objects.exists()
        attempt = LoginAttempt.objects.get()
        assert (attempt.connection, attempt.connection_name) == (None, "JumpCloud")


class TestLooking:
    def test_find_connection_raises_connection_unknown_in_another_organization(self, connection, globex):
        with pytest.raises(ConnectionUnknown):
            queries.find_connection(globex, connection.public_id)

    def test_default_connection_is_the_first_active_one(self, acme, idp_keys, connection):
        second, _ = connect(acme, idp_keys, name="Second")
        services.turn_on(connection=second, actor=ACTOR, without_test=True)
        assert queries.default_connection(acme) == connection
        services.turn_off(connection=connection, actor=ACTOR)
        assert queries.default_connection(acme) == second

    def test_sp_addresses_follow_public_base_url(self, connection, settings):
        settings.PUBLIC_BASE_URL = "https://gatehouse.example"
        ours = queries.addresses(connection)
        base = f"https://gatehouse.example/saml/{connection.public_id}"
        assert (ours.sp_entity_id, ours.acs_url, ours.login_url) == (
            f"{base}/metadata",
            f"{base}/acs",
            f"{base}/login",
        )

    def test_an_expired_certificate_verifies_until_it_is_removed(self, connection):
        IdpCertificate.objects.update(not_after="2020-01-01T00:00:00Z")
        pinned = IdpCertificate.objects.get().pem
        assert expectation_of(connection, queries.in_force(connection)).certificates == (pinned,)
