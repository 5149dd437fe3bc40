from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from orgs.base.clock import now
from orgs.base.text import address_key
from orgs.people import queries as people
from orgs.providers.idp_settings import Setting
from orgs.providers.registry import provider
from orgs.tenancy.models import Membership, Organization
from orgs.tenancy.types import AddressKind
from sso.attempts.models import LoginAttempt
from sso.attempts.types import (
    CHECK_LABELS,
    EXPORTED,
    FAILURES,
    NOT_TESTED,
    SUBJECT_CHANGED,
    AttemptFilter,
    AttemptOutcome,
    AttemptUnknown,
    CheckLine,
    NameIdInTheWay,
    Verdict,
)
from sso.connections import queries as connections
from sso.connections.models import Connection, SamlIdentity
from sso.identity.errors import advice_for
from sso.identity.types import SignInCheck

LOGGED_PER_MINUTE = 120
SHOWN_IDENTITIES = 10
FORMER_ADDRESS = "former-address"


def list_attempts(org: Organization, shown: AttemptFilter) -> QuerySet[LoginAttempt]:
    """Return the attempts to sign in to an organization."""
    attempts = shown.within(LoginAttempt.objects.filter(org=org))
    if text := shown.text.strip():
        key = address_key(text)
        # a claimed address is in plain lower-case letters already
        is_of = Q(email_key__contains=key) | Q(name_id_key__contains=key) | Q(claimed_email__contains=key)
        attempts = attempts.filter(is_of | Q(request_id=text) | with_code(text))
    if shown.outcome == "failed":
        attempts = attempts.filter(outcome__in=FAILURES)
    elif shown.outcome in AttemptOutcome.values:
        attempts = attempts.filter(outcome=shown.outcome)
    return attempts


def exported(attempt: LoginAttempt) -> Mapping[str, str]:
    """Return the cells of one attempt in a file of the log."""
    cells = {name: getattr(attempt, name) for name in EXPORTED} | {"at": attempt.at.isoformat()}
    return {name: "" if value is None else str(value) for name, value in cells.items()}


def with_code(text: str) -> Q:
    """Match the attempt whose code this is, however it was read aloud and typed."""
    return Q(code="".join(letter for letter in text if letter.isalnum()).upper())


def find_attempt(org: Organization, public_id: UUID) -> LoginAttempt:
    """Raises AttemptUnknown."""
    found = (
        LoginAttempt.objects.filter(org=org, public_id=public_id)
        .select_related("org", "connection", "membership")
        .first()
    )
    if found is None:
        raise AttemptUnknown
    return found


def find_refusal(
    connection: Connection, public_id: UUID, *, errors: Collection[str], since: datetime
) -> LoginAttempt | None:
    """Return this attempt, if it was refused at this connection with one of these errors since then, and was no test."""
    mine = LoginAttempt.objects.filter(org_id=connection.org_id, connection=connection, public_id=public_id)
    refused = mine.filter(outcome=AttemptOutcome.REFUSED, error__in=errors, at__gt=since)
    return refused.select_related("connection__org", "membership").first()


def latest_sign_in(connection: Connection) -> LoginAttempt | None:
    """Return the newest attempt through a connection that was no test."""
    outcomes = (AttemptOutcome.SIGNED_IN, AttemptOutcome.REFUSED)
    attempts = LoginAttempt.objects.filter(org_id=connection.org_id, connection=connection, outcome__in=outcomes)
    return attempts.order_by("-id").first()


def is_flooded(connection: Connection, *, is_signed: bool) -> bool:
    """Say whether refusals of one kind come faster than anybody could read.

    Anybody can send what isn't signed; and whoever has one old answer of the IdP can send that as often as they like.
    Each kind counts by itself, so that strangers take no room from people whom the IdP has sent.
    """
    recent = LoginAttempt.objects.filter(
        org_id=connection.org_id,
        connection=connection,
        at__gt=now() - timedelta(minutes=1),
        outcome=AttemptOutcome.REFUSED,
        is_signed=is_signed,
        email_key="",
    )
    return recent.count() >= LOGGED_PER_MINUTE


def check_lines(attempt: LoginAttempt) -> list[CheckLine]:
    """Return every check of an attempt in order, each passed, failed or not reached."""
    asked = [check for check in SignInCheck if not (attempt.is_test and check in NOT_TESTED)]
    return [CheckLine(CHECK_LABELS[check], _verdict(attempt, check)) for check in asked]


def _verdict(attempt: LoginAttempt, check: SignInCheck) -> Verdict:
    if check == attempt.failed_check:
        return Verdict.FAILED
    return Verdict.PASSED if check in attempt.passed_checks else Verdict.NOT_REACHED


def identities_in_the_way(attempt: LoginAttempt) -> Sequence[NameIdInTheWay]:
    """Return the Name IDs because of which this sign-in was refused, as they are now: to forget one lets the next link anew.

    Either the Name ID is linked to another member than the one with the address, or it is a former address of that
    member, or that member has another Name ID. A Name ID that is somebody else's address stays refused, so there is
    nothing to forget.
    """
    connection, org = attempt.connection, attempt.org
    if attempt.error != SUBJECT_CHANGED or connection is None:
        return ()
    membership, linked = (
        people.membership_of_address(org, attempt.email),
        connections.find_identity(connection, attempt.name_id),
    )
    if membership is None:
        return ()
    if linked is not None and linked.membership_id != membership.pk:
        return [_linked(linked)]
    kinds = people.address_kinds(org, attempt.name_id)
    own = kinds.pop(membership.pk, None)
    if any(kind != AddressKind.FORMER for kind in kinds.values()):
        return ()
    if own == AddressKind.FORMER:
        seen = linked.last_seen_at if linked is not None else None
        return [NameIdInTheWay(FORMER_ADDRESS, connection, membership, attempt.name_id, seen, is_former_address=True)]
    if linked is not None:
        return ()
    return [_linked(identity) for identity in connections.identities_of(connection, membership)[:SHOWN_IDENTITIES]]


def _linked(identity: SamlIdentity) -> NameIdInTheWay:
    return NameIdInTheWay(
        str(identity.pk), identity.connection, identity.membership, identity.name_id, identity.last_seen_at
    )


def member_to_enter(attempt: LoginAttempt) -> Membership | None:
    """Return the member who has the address of this attempt now."""
    return people.membership_of_address(attempt.org, attempt.email)


def advice(attempt: LoginAttempt) -> str:
    """Return what to try: what the refusal itself advises, and what to change at the IdP, in its own words."""
    # `received` may be any text, braces included, so the template is ours and that is only put into it
    own = advice_for(attempt.error).replace("{received}", attempt.received)
    fixes = provider(attempt.provider).guide.fixes
    if attempt.setting:
        return f"{own} {fixes[Setting(attempt.setting)]}".strip()
    return own or fixes[Setting.NOTHING]
