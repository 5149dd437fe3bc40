import secrets
from datetime import datetime

from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.text import KEY_LENGTH, address_key
from orgs.providers.idp_settings import Setting
from sso.attempts import queries
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome, AttemptRecord, NameIdInTheWay
from sso.connections import services as connections
from sso.connections.errors import IdentityUnknown
from sso.connections.models import Connection
from sso.identity.types import SignInCheck

# no letter that is taken for a digit, no vowel that makes words
CODE_LETTERS = "23456789BCDFGHJKMNPQRSTVWXZ"
CODE_LENGTH = 8


def record_attempt(*, connection: Connection, entry: AttemptRecord) -> LoginAttempt:
    """Add the attempt to the log under a code that support can search; in a flood, what strangers send is left out."""
    attempt = LoginAttempt(
        org_id=connection.org_id,
        connection=connection,
        membership=entry.membership,
        code=new_code(),
        at=now(),
        connection_name=connection.name,
        provider=entry.provider or connection.provider,
        version=entry.version,
        outcome=entry.outcome,
        email=entry.email[:254],
        email_key=address_key(entry.email)[:KEY_LENGTH],
        claimed_email=entry.claimed_email[:254],
        ip=entry.caller.ip or None,
        user_agent=_one_line(entry.caller.user_agent),
        request_id=entry.caller.request_id[:64],
        is_signed=SignInCheck.SIGNATURE in entry.passed,
        passed_checks=[str(check) for check in entry.passed],
    )
    _copy_claims(attempt, entry)
    _copy_refusal(attempt, entry)
    # what has passed REPLAY was used up by it
    can_be_sent_at_will = entry.outcome == AttemptOutcome.REFUSED and SignInCheck.REPLAY not in entry.passed
    if not (can_be_sent_at_will and queries.is_flooded(connection, is_signed=attempt.is_signed)):
        attempt.save()
    return attempt


def _copy_claims(attempt: LoginAttempt, entry: AttemptRecord) -> None:
    if entry.claims is not None:
        attempt.name_id = entry.claims.subject
        attempt.name_id_key = address_key(entry.claims.subject)[:KEY_LENGTH]
        attempt.is_idp_initiated = not entry.claims.request_id


def _copy_refusal(attempt: LoginAttempt, entry: AttemptRecord) -> None:
    refusal = entry.refusal
    if refusal is None:
        return
    if refusal.is_idp_initiated is not None:
        attempt.is_idp_initiated = refusal.is_idp_initiated
    attempt.error, attempt.failed_check = refusal.code, refusal.check
    attempt.setting = "" if refusal.setting is Setting.NOTHING else refusal.setting
    attempt.explanation = refusal.private[:300]
    # PostgreSQL takes no NUL, and a log no line of somebody else's
    attempt.expected, attempt.received = _one_line(refusal.expected), _one_line(refusal.received)


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text)[:300]


def new_code() -> str:
    """Return eight letters and digits that can be read aloud; 27 to the eighth is enough for one to be nobody else's."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def forget_in_the_way(*, chosen: NameIdInTheWay, actor: Actor) -> None:
    """Forget one of the Name IDs because of which a sign-in was refused. Raises ConnectionUnknown, IdentityUnknown."""
    connection, membership = chosen.connection, chosen.membership
    if chosen.is_former_address:
        connections.forget_former_address(
            connection=connection, membership=membership, address=chosen.name_id, actor=actor
        )
    else:
        connections.forget_identity(connection=connection, membership=membership, name_id=chosen.name_id, actor=actor)


def forget_former_address(*, attempt: LoginAttempt, actor: Actor) -> None:
    """Let the former address by which this sign-in was refused be its member's Name ID. Raises as `forget_in_the_way`."""
    for chosen in queries.identities_in_the_way(attempt):
        if chosen.is_former_address:
            return forget_in_the_way(chosen=chosen, actor=actor)
    raise IdentityUnknown


def delete_old_attempts(*, before: datetime) -> int:
    """Delete the attempts of before this time. Returns how many there were."""
    deleted, _ = LoginAttempt.objects.filter(at__lt=before).delete()
    return deleted
