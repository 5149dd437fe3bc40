from collections.abc import Callable, Sequence

from django.db import IntegrityError, transaction

from orgs.audit import services as audit
from orgs.audit.services import AuditTarget, Change
from orgs.base import sealed
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.consent import services as consent
from orgs.events import services as outbox
from orgs.people import queries as people
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import AddressKind
from sso.connections import queries
from sso.connections.errors import (
    ChangedMeanwhile,
    ConnectionNameTaken,
    IdentityUnknown,
    NameNotTyped,
    NotTested,
    NotTurnedOn,
    SetupIncomplete,
    TooManyConnections,
)
from sso.connections.models import Configuration, Connection, SamlIdentity, SpKey
from sso.connections.queries import lock_connection
from sso.connections.types import (
    CONNECTION_CHANGED,
    MAX_CONNECTIONS,
    CertificateRemoval,
    ConnectionState,
    Seen,
    SignInRules,
    SpKeyPair,
    Stage,
)


def create_connection(
    *, org: Organization, name: str, rules: SignInRules, actor: Actor, make_key: Callable[[str], SpKeyPair]
) -> Connection:
    """Create a draft connection with the key that `make_key` makes for a name. Raises ConnectionNameTaken, TooManyConnections."""
    # not locked: two who add at once may pass the limit by one, which does no harm
    if queries.list_connections(org).count() >= MAX_CONNECTIONS:
        raise TooManyConnections
    connection = Connection(org=org, name=name, default_role=rules.default_role, jit=rules.jit)
    connection.allow_idp_initiated = rules.allow_idp_initiated
    connection.jit_until_directory = rules.jit_until_directory
    connection.suggested_idp_entity_id = f"urn:gatehouse:{org.slug}:{connection.public_id.hex[:8]}"
    # outside of the transaction: to make a key takes a while
    pair = make_key(f"Gatehouse {org.slug}")
    with transaction.atomic():
        _save_named(connection)
        Configuration.objects.create(org=org, connection=connection, number=1)
        SpKey.objects.create(
            org=org,
            connection=connection,
            private_sealed=sealed.seal(pair.private_pem),
            certificate_pem=pair.certificate_pem,
            fingerprint=pair.fingerprint,
            not_after=pair.not_after,
        )
        record_change(connection, actor, "connection.created", Change(after=_rule_facts(rules)))
    return connection


def _save_named(connection: Connection, fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            connection.save(update_fields=fields)
    except IntegrityError as error:
        raise ConnectionNameTaken from error


@transaction.atomic
def rename_connection(*, connection: Connection, name: str, actor: Actor) -> None:
    """Rename the connection. Raises ConnectionNameTaken."""
    locked = lock_connection(connection)
    before, locked.name = locked.name, name
    if before != name:
        _save_named(locked, ["name"])
        record_change(locked, actor, "connection.renamed", Change(before={"name": before}, after={"name": name}))
    connection.name = name


@transaction.atomic
def turn_on(
    *,
    connection: Connection,
    actor: Actor,
    seen: Seen | None = None,
    removal: CertificateRemoval | None = None,
    without_test: bool = False,
) -> None:
    """Turn on the version that was shown; without that the one in preparation, else the one in force.

    What is on already stays as it is. `removal` says what becomes of the sessions of certificates that aren't trusted any
    more; without it they stay. `without_test` is for operators, and stands in the audit log.
    Raises SeenNoLonger, SetupIncomplete, NotTested.
    """
    locked = lock_connection(connection)
    draft, live = queries.configuration(locked, Stage.DRAFT), queries.in_force(locked)
    chosen = queries.version_seen(locked, seen) if seen is not None else draft or live
    if chosen is None or not chosen.has_idp:
        raise SetupIncomplete
    if chosen.tested_at is None and not without_test:
        raise NotTested
    if chosen.stage == Stage.LIVE and locked.is_active:
        return
    before = {"state": str(locked.state), "version": live.number if live else None}
    facts = _put_in_force(locked, chosen, live, removal) if chosen.stage == Stage.DRAFT else {"sessions_ended": 0}
    what = f"moved to version {chosen.number}" if locked.is_active else "turned on"
    locked.state, locked.setup_step, locked.turned_on_at = ConnectionState.ACTIVE, "", now()
    locked.provider = chosen.provider
    locked.save(update_fields=["state", "setup_step", "turned_on_at", "provider"])
    after = {"state": str(locked.state), "version": chosen.number, "tested": chosen.tested_at is not None}
    record_change(locked, actor, "connection.turned_on", Change(before=before, after=after | facts))
    _notify(locked, actor, what)
    connection.state, connection.setup_step, connection.provider = locked.state, "", locked.provider


def _put_in_force(
    connection: Connection, draft: Configuration, live: Configuration | None, removal: CertificateRemoval | None
) -> dict[str, object]:
    """Replace the version in force by the draft. Return what the audit log says of certificates and sessions that end."""
    ended, removed = 0, [one.fingerprint for one in queries.removed_certificates(live, draft)]
    if removed and removal is not None and removal.ends_sessions:
        ended = tenancy.delete_grants_by_certificates(
            org=connection.org, connection=connection.public_id, fingerprints=removed
        )
    if live is not None:
        live.stage = Stage.FORMER
        live.save(update_fields=["stage"])
        if live.idp_entity_id != draft.idp_entity_id:
            # one IdP's NameID says nothing about who that is at another
            SamlIdentity.objects.filter(org_id=connection.org_id, connection=connection).delete()
            ended = tenancy.delete_grants_of_connection(org=connection.org, connection=connection.public_id)
    draft.stage, draft.in_force_at = Stage.LIVE, now()
    draft.save(update_fields=["stage", "in_force_at"])
    facts: dict[str, object] = {"sessions_ended": ended}
    if removed:
        facts |= {"certificates_removed": removed, "reason": str(removal.reason) if removal is not None else ""}
    return facts


@transaction.atomic
def turn_off(*, connection: Connection, actor: Actor) -> int:
    """Turn the connection off and end the sessions that it opened. Returns for how many memberships. Raises NotTurnedOn."""
    locked = lock_connection(connection)
    if queries.in_force(locked) is None:
        raise NotTurnedOn
    ended = tenancy.delete_grants_of_connection(org=locked.org, connection=locked.public_id)
    if locked.state == ConnectionState.ACTIVE:
        locked.state = ConnectionState.DISABLED
        locked.save(update_fields=["state"])
        change = Change(before={"state": str(ConnectionState.ACTIVE)}, after={"state": str(locked.state)})
        record_change(locked, actor, "connection.turned_off", change)
        _notify(locked, actor, "turned off")
    connection.state = locked.state
    return ended


@transaction.atomic
def change_settings(*, connection: Connection, name: str, rules: SignInRules, shown: str, actor: Actor) -> None:
    """Name and rules are these, or both stay as they were, as they do when they aren't any more what was shown.

    `shown` is the settings_etag of what the admin saw. Raises ChangedMeanwhile, ConnectionNameTaken.
    """
    if queries.settings_etag(lock_connection(connection)) != shown:
        raise ChangedMeanwhile
    rename_connection(connection=connection, name=name, actor=actor)
    change_rules(connection=connection, rules=rules, actor=actor)


@transaction.atomic
def change_rules(*, connection: Connection, rules: SignInRules, actor: Actor) -> None:
    """Set the rules for sign-ins from now on; an explicit choice of JIT is kept for good."""
    locked = lock_connection(connection)
    held = queries.rules(locked)
    before, after = _rule_facts(held), _rule_facts(rules)
    if before == after:
        return
    if held.jit != rules.jit:
        locked.jit, locked.jit_until_directory = rules.jit, False
    locked.default_role, locked.allow_idp_initiated = rules.default_role, rules.allow_idp_initiated
    locked.save(update_fields=["jit", "jit_until_directory", "default_role", "allow_idp_initiated"])
    record_change(locked, actor, "connection.rules_changed", Change(before=before, after=after))


def _rule_facts(rules: SignInRules) -> dict[str, object]:
    return {
        "jit": rules.jit,
        "default_role": str(rules.default_role),
        "allow_idp_initiated": rules.allow_idp_initiated,
    }


@transaction.atomic
def delete_connection(*, connection: Connection, typed_name: str, actor: Actor) -> None:
    """Delete the connection and end the sessions that it opened; the sign-in log stays. Raises NameNotTyped."""
    locked = lock_connection(connection, may_delete=True)
    if typed_name.split() != locked.name.split():
        raise NameNotTyped
    tenancy.delete_grants_of_connection(org=locked.org, connection=locked.public_id)
    record_change(
        locked, actor, "connection.deleted", Change(before={"state": locked.state, "provider": locked.provider})
    )
    _notify(locked, actor, "deleted")
    locked.delete()


@transaction.atomic
def remember_identity(
    *, connection: Connection, membership: Membership, name_id: str, name_id_format: str, actor: Actor
) -> None:
    """Link this NameID of the connection to this membership, or note that it was seen now.

    A NameID that another membership had is an address that it lost, and this one has: the link moves.
    """
    former = queries.find_identity(connection, name_id)
    SamlIdentity.objects.update_or_create(
        org_id=connection.org_id,
        connection=connection,
        name_id=name_id,
        defaults={"membership": membership, "name_id_format": name_id_format[:100], "last_seen_at": now()},
    )
    if former is None or former.membership_id != membership.pk:
        target = AuditTarget.of_membership(membership)
        before = {"membership": str(former.membership.public_id)} if former is not None else {}
        change = Change(before=before, after={"connection": connection.name, "name_id": name_id})
        audit.record(org=connection.org, actor=actor, action="membership.identity_linked", target=target, change=change)


@transaction.atomic
def forget_identity(*, connection: Connection, membership: Membership, name_id: str, actor: Actor) -> None:
    """Delete the link of this Name ID to this membership: its next sign-in links anew.

    A sign-in that links waits for this, or was before. Raises ConnectionUnknown, IdentityUnknown.
    """
    locked = lock_connection(connection)
    if not _delete_identity(locked, membership, name_id):
        raise IdentityUnknown
    target, change = (
        AuditTarget.of_membership(membership),
        Change(before={"connection": locked.name, "name_id": name_id}),
    )
    audit.record(org=locked.org, actor=actor, action="membership.identity_forgotten", target=target, change=change)


@transaction.atomic
def forget_former_address(*, connection: Connection, membership: Membership, address: str, actor: Actor) -> None:
    """Let the next sign-in link this former address of the member anew, until somebody else has that address.

    Call it only when a sign-in with the member's address of today was refused because of this Name ID. Raises
    ConnectionUnknown, and IdentityUnknown when it is no former address of theirs, or is somebody else's by now.
    """
    locked = lock_connection(connection)
    if not consent.keep_as_name_id(membership=membership, address=address):
        raise IdentityUnknown
    _delete_identity(locked, membership, address)
    target, before = AuditTarget.of_membership(membership), {"connection": locked.name, "name_id": address}
    change = Change(before=before, after={"former_address": str(AddressKind.NAME_ID.label)})
    audit.record(org=locked.org, actor=actor, action="membership.identity_forgotten", target=target, change=change)


def _delete_identity(locked: Connection, membership: Membership, name_id: str) -> bool:
    """Delete the link of this Name ID to this membership; say whether there was one."""
    linked = SamlIdentity.objects.filter(
        org_id=locked.org_id, connection=locked, membership=membership, name_id=name_id
    )
    deleted, _ = linked.delete()
    return bool(deleted)


def record_change(connection: Connection, actor: Actor, action: str, change: Change | None = None) -> None:
    """Audit a change in the transaction of the change itself."""
    target = AuditTarget("connection", str(connection.public_id), connection.name)
    audit.record(org=connection.org, actor=actor, action=action, target=target, change=change)


def _notify(connection: Connection, actor: Actor, what: str) -> None:
    payload: dict[str, object] = {"name": connection.name, "what": what, "who": actor.label}
    payload["is_on"] = what != "deleted" and connection.is_active
    recipients = people.settings_addresses(connection.org)
    key = str(connection.public_id)
    outbox.add_for_each(org=connection.org, kind=CONNECTION_CHANGED, key=key, recipients=recipients, payload=payload)
