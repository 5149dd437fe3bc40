from collections.abc import Sequence

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.audit.services import Change, Target
from orgs.base import sealed
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.events import services as outbox
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization
from sso.connections import queries
from sso.connections.errors import (
    ChangedMeanwhile,
    ConnectionNameTaken,
    ConnectionUnknown,
    NameNotTyped,
    NotTested,
    NotTurnedOn,
    SetupIncomplete,
    TooManyConnections,
)
from sso.connections.models import Configuration, Connection, IdpCertificate, SamlIdentity, SpKey
from sso.connections.types import (
    CONNECTION_CHANGED,
    MAX_CONNECTIONS,
    STEPS,
    AttributeChoice,
    ConnectionState,
    IdpSide,
    SignInRules,
    Stage,
    Step,
)
from sso.saml.certificates import make_key_pair, read_certificate
from sso.saml.types import Binding, NameIdFormat

COPIED = (
    "provider",
    "idp_entity_id",
    "redirect_url",
    "post_url",
    "metadata_source",
    "metadata_url",
    "name_id_format",
    "attribute_map",
    "needs_both_signed",
)


def create_connection(*, org: Organization, name: str, rules: SignInRules, actor: Actor) -> Connection:
    """A draft with a key of its own exists; nobody signs in through it. Raises ConnectionNameTaken, TooManyConnections."""
    if queries.list_connections(org).count() >= MAX_CONNECTIONS:
        raise TooManyConnections
    connection = Connection(org=org, name=name, default_role=rules.default_role, jit=rules.jit)
    connection.allow_idp_initiated = rules.allow_idp_initiated
    connection.jit_until_directory = rules.jit_until_directory
    connection.suggested_idp_entity_id = f"urn:gatehouse:{org.slug}:{connection.public_id.hex[:8]}"
    # outside of the transaction: to make a key takes a while
    pair = make_key_pair(f"Gatehouse {org.slug}", now=now())
    certificate = read_certificate(pair.certificate_pem)
    with transaction.atomic():
        _save_named(connection)
        Configuration.objects.create(org=org, connection=connection, number=1)
        SpKey.objects.create(
            org=org,
            connection=connection,
            private_sealed=sealed.seal(pair.private_pem),
            certificate_pem=pair.certificate_pem,
            fingerprint=certificate.fingerprint,
            not_after=certificate.not_after,
        )
        _record(connection, actor, "connection.created")
    return connection


def _save_named(connection: Connection, fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            connection.save(update_fields=fields)
    except IntegrityError as error:
        raise ConnectionNameTaken from error


@transaction.atomic
def rename_connection(*, connection: Connection, name: str, actor: Actor) -> None:
    """The connection has this name. Raises ConnectionNameTaken."""
    locked = lock_connection(connection)
    before, locked.name = locked.name, name
    if before != name:
        _save_named(locked, ["name"])
        _record(locked, actor, "connection.renamed", Change(before={"name": before}, after={"name": name}))
    connection.name = name


@transaction.atomic
def choose_provider(
    *, connection: Connection, provider: str, name_id_format: NameIdFormat, revision: int, actor: Actor
) -> None:
    """The version in preparation is for this IdP, whose words the wizard speaks; the one in force keeps its own.

    Raises ChangedMeanwhile, NothingInPreparation.
    """
    draft = lock_draft(connection, revision)
    before = {"provider": draft.provider, "name_id_format": draft.name_id_format}
    draft.provider, draft.name_id_format = provider, name_id_format
    _save_edited(draft, "provider", "name_id_format")
    if queries.in_force(connection) is None:
        connection.provider = provider
        connection.save(update_fields=["provider"])
    after = {"provider": provider, "name_id_format": str(name_id_format)}
    _record(connection, actor, "connection.provider_chosen", Change(before=before, after=after))


@transaction.atomic
def choose_attributes(*, connection: Connection, choice: AttributeChoice, revision: int, actor: Actor) -> None:
    """The version in preparation reads profiles in this way. Raises ChangedMeanwhile, NothingInPreparation."""
    draft = lock_draft(connection, revision)
    named = ("attribute_map", "name_id_format", "needs_both_signed")
    before = {name: getattr(draft, name) for name in named}
    draft.attribute_map, draft.name_id_format = dict(choice.names), choice.name_id_format
    draft.needs_both_signed = choice.needs_both_signed
    after = {name: getattr(draft, name) for name in named} | {"name_id_format": str(draft.name_id_format)}
    _save_edited(draft, *named)
    _record(connection, actor, "connection.attributes_chosen", Change(before=before, after=after))


@transaction.atomic
def apply_idp(*, connection: Connection, idp: IdpSide, revision: int, actor: Actor) -> None:
    """The version in preparation trusts this IdP and no other. Raises ChangedMeanwhile, NothingInPreparation."""
    draft = lock_draft(connection, revision)
    before = _idp_facts(draft)
    draft.idp_entity_id, draft.metadata_source, draft.metadata_url = idp.entity_id, idp.source, idp.url
    draft.redirect_url, draft.post_url = idp.location(Binding.REDIRECT), idp.location(Binding.POST)
    _save_edited(draft, "idp_entity_id", "metadata_source", "metadata_url", "redirect_url", "post_url")
    IdpCertificate.objects.filter(org_id=draft.org_id, configuration=draft).delete()
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
        for certificate in idp.certificates
    )
    _record(connection, actor, "connection.idp_changed", Change(before=before, after=_idp_facts(draft)))


def _idp_facts(draft: Configuration) -> dict[str, object]:
    certificates = IdpCertificate.objects.filter(org_id=draft.org_id, configuration=draft)
    return {
        "idp_entity_id": draft.idp_entity_id,
        "redirect_url": draft.redirect_url,
        "post_url": draft.post_url,
        "certificates": list(certificates.values_list("fingerprint", flat=True)),
    }


def lock_connection(connection: Connection) -> Connection:
    """Return the connection as it is now, held until the transaction ends. Raises ConnectionUnknown."""
    held = Connection.objects.select_for_update(of=("self",)).select_related("org")
    found = held.filter(org_id=connection.org_id, pk=connection.pk).first()
    if found is None:
        raise ConnectionUnknown
    return found


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
    """An edit makes tests of what was before worthless."""
    draft.revision += 1
    draft.tested_at, draft.tested_by = None, ""
    draft.save(update_fields=[*fields, "revision", "tested_at", "tested_by"])
    Connection.objects.filter(org_id=draft.org_id, pk=draft.connection_id, state=ConnectionState.TESTED).update(
        state=ConnectionState.DRAFT
    )


def reach_step(*, connection: Connection, step: Step) -> None:
    """Whoever comes back to the unfinished set-up goes on at this step, unless it had gone further before."""
    if connection.is_being_set_up and STEPS.index(step) > STEPS.index(Step(connection.setup_step)):
        connection.setup_step = step
        Connection.objects.filter(org_id=connection.org_id, pk=connection.pk).exclude(setup_step="").update(
            setup_step=step
        )


@transaction.atomic
def finish_setup(*, connection: Connection, actor: Actor) -> None:
    """The set-up is finished: what remains is to test and to turn on. Raises SetupIncomplete, NothingInPreparation."""
    locked = lock_connection(connection)
    if not queries.in_preparation(locked).has_idp:
        raise SetupIncomplete
    if locked.is_being_set_up:
        locked.setup_step = ""
        locked.save(update_fields=["setup_step"])
        _record(locked, actor, "connection.set_up")
    connection.setup_step = ""


@transaction.atomic
def begin_reconfiguration(*, connection: Connection, actor: Actor) -> Configuration:
    """A copy of the version in force is being prepared, beside it; an earlier one is gone on with. Raises NotTurnedOn."""
    locked = lock_connection(connection)
    draft, live = queries.configuration(locked, Stage.DRAFT), queries.in_force(locked)
    if draft is not None:
        return draft
    if live is None:
        raise NotTurnedOn
    number = queries.last_number(locked) + 1
    copied = {name: getattr(live, name) for name in COPIED}
    draft = Configuration.objects.create(org=locked.org, connection=locked, number=number, **copied)
    for certificate in live.certificates.all():
        certificate.pk, certificate.configuration = None, draft
        certificate.save(force_insert=True)
    _record(locked, actor, "connection.reconfiguration_begun", Change(after={"version": number}))
    return draft


@transaction.atomic
def discard_preparation(*, connection: Connection, actor: Actor) -> None:
    """The version in force stays alone. Raises NothingInPreparation, NotTurnedOn."""
    locked = lock_connection(connection)
    draft = queries.in_preparation(locked)
    if queries.in_force(locked) is None:
        raise NotTurnedOn
    _record(locked, actor, "connection.reconfiguration_discarded", Change(before={"version": draft.number}))
    draft.delete()


@transaction.atomic
def note_test_passed(*, configuration: Configuration, revision: int, tester: str, actor: Actor) -> bool:
    """The version has passed a test sign-in; returns False when it was edited after the test had begun."""
    locked = lock_connection(configuration.connection)
    passed = Configuration.objects.filter(org_id=locked.org_id, pk=configuration.pk, revision=revision)
    if not passed.update(tested_at=now(), tested_by=tester[:254]):
        return False
    if locked.state == ConnectionState.DRAFT:
        locked.state = ConnectionState.TESTED
        locked.save(update_fields=["state"])
    _record(locked, actor, "connection.tested", Change(after={"version": configuration.number}))
    return True


@transaction.atomic
def turn_on(*, connection: Connection, actor: Actor, without_test: bool = False) -> None:
    """People sign in by the version that was being prepared, else by the one that was in force before.

    What is on already stays as it is. `without_test` is for operators, and stands in the audit log.
    Raises SetupIncomplete, NotTested.
    """
    locked = lock_connection(connection)
    draft, live = queries.configuration(locked, Stage.DRAFT), queries.in_force(locked)
    chosen = draft or live
    if chosen is None or not chosen.has_idp:
        raise SetupIncomplete
    if chosen.tested_at is None and not without_test:
        raise NotTested
    if chosen is live and locked.is_active:
        return
    if chosen.stage == Stage.DRAFT:
        _put_in_force(locked, chosen, live)
    before = locked.state
    locked.state, locked.setup_step, locked.turned_on_at = ConnectionState.ACTIVE, "", now()
    locked.provider = chosen.provider
    locked.save(update_fields=["state", "setup_step", "turned_on_at", "provider"])
    after = {"state": str(locked.state), "version": chosen.number, "tested": chosen.tested_at is not None}
    _record(locked, actor, "connection.turned_on", Change(before={"state": before}, after=after))
    _notify(locked, actor, "turned on")
    connection.state, connection.setup_step, connection.provider = locked.state, "", locked.provider


def _put_in_force(connection: Connection, draft: Configuration, live: Configuration | None) -> None:
    if live is not None:
        live.stage = Stage.FORMER
        live.save(update_fields=["stage"])
        if live.idp_entity_id != draft.idp_entity_id:
            # one IdP's NameID says nothing about who that is at another
            SamlIdentity.objects.filter(org_id=connection.org_id, connection=connection).delete()
            tenancy.delete_grants_of_connection(org=connection.org, connection=connection.public_id)
    draft.stage, draft.in_force_at = Stage.LIVE, now()
    draft.save(update_fields=["stage", "in_force_at"])


@transaction.atomic
def turn_off(*, connection: Connection, actor: Actor) -> int:
    """Nobody signs in through the connection, and whoever did is out. Returns how many seats that were. Raises NotTurnedOn."""
    locked = lock_connection(connection)
    if queries.in_force(locked) is None:
        raise NotTurnedOn
    ended = tenancy.delete_grants_of_connection(org=locked.org, connection=locked.public_id)
    if locked.state == ConnectionState.ACTIVE:
        locked.state = ConnectionState.DISABLED
        locked.save(update_fields=["state"])
        change = Change(before={"state": str(ConnectionState.ACTIVE)}, after={"state": str(locked.state)})
        _record(locked, actor, "connection.turned_off", change)
        _notify(locked, actor, "turned off")
    connection.state = locked.state
    return ended


@transaction.atomic
def change_settings(*, connection: Connection, name: str, rules: SignInRules, shown: str, actor: Actor) -> None:
    """Name and rules are these, or both stay as they were, as they do when they aren't any more what was shown.

    `shown` is the settings_mark of what the admin saw. Raises ChangedMeanwhile, ConnectionNameTaken.
    """
    if queries.settings_mark(lock_connection(connection)) != shown:
        raise ChangedMeanwhile
    rename_connection(connection=connection, name=name, actor=actor)
    change_rules(connection=connection, rules=rules, actor=actor)


@transaction.atomic
def change_rules(*, connection: Connection, rules: SignInRules, actor: Actor) -> None:
    """These rules hold from the next sign-in on; whoever chooses whether people join, chooses for good."""
    locked = lock_connection(connection)
    held = queries.rules(locked)
    before = {"jit": held.jit, "default_role": str(held.default_role), "allow_idp_initiated": held.allow_idp_initiated}
    after = {
        "jit": rules.jit,
        "default_role": str(rules.default_role),
        "allow_idp_initiated": rules.allow_idp_initiated,
    }
    if before == after:
        return
    if held.jit != rules.jit:
        locked.jit, locked.jit_until_directory = rules.jit, False
    locked.default_role, locked.allow_idp_initiated = rules.default_role, rules.allow_idp_initiated
    locked.save(update_fields=[*after, "jit_until_directory"])
    _record(locked, actor, "connection.rules_changed", Change(before=before, after=after))


@transaction.atomic
def delete_connection(*, connection: Connection, typed_name: str, actor: Actor) -> None:
    """The connection is gone, and whoever signed in through it is out; the log of sign-ins stays. Raises NameNotTyped."""
    locked = lock_connection(connection)
    if typed_name.strip() != locked.name:
        raise NameNotTyped
    tenancy.delete_grants_of_connection(org=locked.org, connection=locked.public_id)
    _record(locked, actor, "connection.deleted", Change(before={"state": locked.state, "provider": locked.provider}))
    _notify(locked, actor, "deleted")
    locked.delete()


@transaction.atomic
def remember_identity(
    *, connection: Connection, membership: Membership, name_id: str, name_id_format: str, actor: Actor
) -> None:
    """This NameID of the connection belongs to this seat, and was seen now."""
    _, is_new = SamlIdentity.objects.update_or_create(
        org_id=connection.org_id,
        connection=connection,
        name_id=name_id,
        defaults={"membership": membership, "name_id_format": name_id_format[:100], "last_seen_at": now()},
    )
    if is_new:
        target = Target.of_membership(membership)
        change = Change(after={"connection": connection.name, "name_id": name_id})
        audit.record(org=connection.org, actor=actor, action="membership.identity_linked", target=target, change=change)


def _record(connection: Connection, actor: Actor, action: str, change: Change | None = None) -> None:
    target = Target("connection", str(connection.public_id), connection.name)
    audit.record(org=connection.org, actor=actor, action=action, target=target, change=change)


def _notify(connection: Connection, actor: Actor, what: str) -> None:
    payload: dict[str, object] = {"name": connection.name, "what": what, "who": actor.label}
    outbox.add(org=connection.org, kind=CONNECTION_CHANGED, key=str(connection.public_id), payload=payload)
