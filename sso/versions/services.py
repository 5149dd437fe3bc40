"""The version that is being prepared: every edit, its test, and how it begins and is dropped."""

from collections.abc import Sequence

from django.db import transaction

from orgs.audit.services import Change
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.providers.idp_settings import NameIdFormat
from sso.connections import queries
from sso.connections.errors import (
    CertificateUnknown,
    ChangedMeanwhile,
    LastCertificate,
    NotTurnedOn,
    SeenNoLonger,
    SetupIncomplete,
)
from sso.connections.models import Configuration, Connection, IdpCertificate
from sso.connections.queries import lock_connection
from sso.connections.services import record_change
from sso.connections.types import (
    IDP_FIELDS,
    STEPS,
    AttributeChoice,
    Binding,
    Certificate,
    ConnectionState,
    IdpSide,
    Stage,
    WizardStep,
)


@transaction.atomic
def choose_provider(
    *, connection: Connection, provider: str, name_id_format: NameIdFormat, revision: int, actor: Actor
) -> None:
    """Set the provider of the draft version, whose terms the wizard uses; the version in force keeps its own.

    The format is asked for when that is another IdP than before. Raises ChangedMeanwhile, NothingInPreparation.
    """
    draft = lock_draft(connection, revision)
    if draft.provider == provider:
        return
    before = {"provider": draft.provider, "name_id_format": draft.name_id_format}
    draft.provider, draft.name_id_format = provider, name_id_format
    _save_edited(draft, "provider", "name_id_format")
    if queries.in_force(connection) is None:
        connection.provider = provider
        connection.save(update_fields=["provider"])
    after = {"provider": provider, "name_id_format": str(name_id_format)}
    record_change(connection, actor, "connection.provider_chosen", Change(before=before, after=after))


@transaction.atomic
def choose_attributes(*, connection: Connection, choice: AttributeChoice, revision: int, actor: Actor) -> None:
    """Set how the draft version reads profiles. Raises ChangedMeanwhile, NothingInPreparation."""
    draft = lock_draft(connection, revision)
    named = ("attribute_map", "name_id_format", "needs_both_signed")
    before = {name: getattr(draft, name) for name in named}
    draft.attribute_map, draft.name_id_format = dict(choice.names), choice.name_id_format
    draft.needs_both_signed = choice.needs_both_signed
    after = {name: getattr(draft, name) for name in named} | {"name_id_format": str(draft.name_id_format)}
    if before == after:
        return
    _save_edited(draft, *named)
    record_change(connection, actor, "connection.attributes_chosen", Change(before=before, after=after))


@transaction.atomic
def apply_idp(*, connection: Connection, idp: IdpSide, revision: int, actor: Actor) -> None:
    """Set the IdP that the draft version trusts. Raises ChangedMeanwhile, NothingInPreparation."""
    draft = lock_draft(connection, revision)
    before = _idp_facts(draft)
    kept = queries.certificates_beside(draft, idp.entity_id, idp.certificates) if idp.keeps_certificates else ()
    draft.idp_entity_id, draft.metadata_source, draft.metadata_url = idp.entity_id, idp.source, idp.url
    draft.redirect_url, draft.post_url = idp.location(Binding.REDIRECT), idp.location(Binding.POST)
    trusted = [*(one.fingerprint for one in kept), *(one.fingerprint for one in idp.certificates)]
    if before == _idp_facts(draft, trusted):
        return
    _save_edited(draft, "idp_entity_id", "metadata_source", "metadata_url", "redirect_url", "post_url")
    _trust(draft, idp.certificates, kept)
    record_change(connection, actor, "connection.idp_changed", Change(before=before, after=_idp_facts(draft)))


def _trust(draft: Configuration, certificates: Sequence[Certificate], kept: Sequence[IdpCertificate] = ()) -> None:
    """Trust these certificates and those of the stored ones that are kept, and no others."""
    stored = IdpCertificate.objects.filter(org_id=draft.org_id, configuration=draft)
    stored.exclude(pk__in=[certificate.pk for certificate in kept]).delete()
    IdpCertificate.objects.bulk_create(
        IdpCertificate(
            org_id=draft.org_id,
            configuration=draft,
            pem=certificate.pem,
            fingerprint=certificate.fingerprint,
            subject=certificate.subject,
            key=certificate.key,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
        )
        for certificate in certificates
    )


@transaction.atomic
def remove_certificate(*, connection: Connection, fingerprint: str, actor: Actor) -> Configuration:
    """Take a certificate out of the draft version, which begins with this where there is none yet; return the draft.

    The version in force trusts it until the draft takes its place: then it is asked what becomes of the sessions that the
    certificate opened. Raises NotTurnedOn, CertificateUnknown, LastCertificate.
    """
    draft = begin_reconfiguration(connection=connection, actor=actor)
    stored = IdpCertificate.objects.filter(org_id=draft.org_id, configuration=draft)
    if not stored.filter(fingerprint=fingerprint).exists():
        raise CertificateUnknown
    if stored.count() == 1:
        raise LastCertificate
    before = _idp_facts(draft)
    stored.filter(fingerprint=fingerprint).delete()
    _save_edited(draft)
    record_change(connection, actor, "connection.idp_changed", Change(before=before, after=_idp_facts(draft)))
    return draft


def _idp_facts(draft: Configuration, fingerprints: Sequence[str] | None = None) -> dict[str, object]:
    """Return whom the version trusts and how that came in, with these certificates instead of the stored ones."""
    stored = IdpCertificate.objects.filter(org_id=draft.org_id, configuration=draft)
    return {
        "idp_entity_id": draft.idp_entity_id,
        "redirect_url": draft.redirect_url,
        "post_url": draft.post_url,
        "metadata_source": str(draft.metadata_source),
        "metadata_url": draft.metadata_url,
        "certificates": sorted(stored.values_list("fingerprint", flat=True) if fingerprints is None else fingerprints),
    }


def lock_draft(connection: Connection, revision: int) -> Configuration:
    """Return the version in preparation, held, when it is still the one that was shown.

    Raises ChangedMeanwhile, NothingInPreparation.
    """
    connection.state = lock_connection(connection).state
    draft = queries.in_preparation(connection)
    if draft.revision != revision:
        raise ChangedMeanwhile
    return draft


def _save_edited(draft: Configuration, *fields: str) -> None:
    """Save an edit under a new revision, for which earlier tests don't count."""
    draft.revision += 1
    draft.tested_at, draft.tested_by = None, ""
    draft.save(update_fields=[*fields, "revision", "tested_at", "tested_by"])
    Connection.objects.filter(org_id=draft.org_id, pk=draft.connection_id, state=ConnectionState.TESTED).update(
        state=ConnectionState.DRAFT
    )


def reach_step(*, connection: Connection, step: WizardStep) -> None:
    """Store the wizard step to resume at, unless a later one was stored before."""
    if connection.is_being_set_up and STEPS.index(step) > STEPS.index(WizardStep(connection.setup_step)):
        connection.setup_step = step
        Connection.objects.filter(org_id=connection.org_id, pk=connection.pk).exclude(setup_step="").update(
            setup_step=step
        )


@transaction.atomic
def finish_setup(*, connection: Connection, actor: Actor) -> None:
    """Finish the setup: what remains is to test and to turn on. Raises SetupIncomplete, NothingInPreparation."""
    locked = lock_connection(connection)
    if not queries.in_preparation(locked).has_idp:
        raise SetupIncomplete
    if locked.is_being_set_up:
        locked.setup_step = ""
        locked.save(update_fields=["setup_step"])
        record_change(locked, actor, "connection.set_up")
    connection.setup_step = ""


@transaction.atomic
def begin_reconfiguration(*, connection: Connection, actor: Actor) -> Configuration:
    """Create a draft from the version in force, or return the one that exists. Raises NotTurnedOn."""
    locked = lock_connection(connection)
    draft, live = queries.configuration(locked, Stage.DRAFT), queries.in_force(locked)
    if draft is not None:
        return draft
    if live is None:
        raise NotTurnedOn
    number = queries.last_number(locked) + 1
    copied = {name: getattr(live, name) for name in IDP_FIELDS}
    draft = Configuration.objects.create(org=locked.org, connection=locked, number=number, **copied)
    for certificate in live.certificates.all():
        certificate.pk, certificate.configuration = None, draft
        certificate.save(force_insert=True)
    record_change(locked, actor, "connection.reconfiguration_begun", Change(after={"version": number}))
    return draft


@transaction.atomic
def discard_preparation(*, connection: Connection, number: int, actor: Actor) -> None:
    """Delete the draft. Raises NothingInPreparation, NotTurnedOn, and SeenNoLonger for another number."""
    locked = lock_connection(connection)
    draft = queries.in_preparation(locked)
    if draft.number != number:
        raise SeenNoLonger
    if queries.in_force(locked) is None:
        raise NotTurnedOn
    record_change(locked, actor, "connection.reconfiguration_discarded", Change(before={"version": draft.number}))
    draft.delete()


@transaction.atomic
def note_test_passed(*, configuration: Configuration, revision: int, tester: str, actor: Actor) -> bool:
    """Store that the version has passed a test; return False when it was edited after the test had begun."""
    locked = lock_connection(configuration.connection)
    passed = Configuration.objects.filter(org_id=locked.org_id, pk=configuration.pk, revision=revision)
    if not passed.update(tested_at=now(), tested_by=tester[:254]):
        return False
    if locked.state == ConnectionState.DRAFT:
        locked.state = ConnectionState.TESTED
        locked.save(update_fields=["state"])
    record_change(locked, actor, "connection.tested", Change(after={"version": configuration.number}))
    return True
