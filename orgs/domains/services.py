import re
import secrets
from dataclasses import replace

from django.db import IntegrityError, transaction
from django.db.models import Q

from orgs.audit import services as audit
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.public_suffixes import is_public_suffix
from orgs.base.resolver import TxtAnswer, lookup_txt, patience
from orgs.base.text import domain_key
from orgs.domains import queries
from orgs.domains.errors import (
    CheckedJustNow,
    DomainInvalid,
    DomainIsPublic,
    DomainIsSuffix,
    DomainTaken,
    DomainUnknown,
    TooManyDomains,
)
from orgs.domains.models import Domain
from orgs.domains.types import (
    CHECK_INTERVAL,
    KEPT_VALUES,
    MAX_DOMAINS,
    MAX_NAME,
    PUBLIC_MAIL,
    DomainState,
    ProofCheck,
    ProofOutcome,
    follow_ups_of_proof,
)
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Organization

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}")


def domain_name(text: str) -> str:
    """Return the ASCII form of a domain name (RFC 5891). Raises DomainInvalid, DomainIsPublic, DomainIsSuffix."""
    try:
        name = domain_key(text)
    except ValueError as error:
        raise DomainInvalid from error
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise DomainInvalid
    if name in PUBLIC_MAIL:
        raise DomainIsPublic
    if is_public_suffix(name):
        raise DomainIsSuffix
    return name


@transaction.atomic
def add_domain(*, org: Organization, name: str, actor: Actor) -> Domain:
    """Add a domain that isn't verified yet; adding it twice returns the first.

    Whether another organization has verified it isn't said here: whoever asks has verified nothing yet.
    Raises DomainInvalid, DomainIsPublic, DomainIsSuffix, TooManyDomains.
    """
    name = domain_name(name)
    present = queries.list_domains(org)
    # not locked: two who add at once may pass the limit by one, which does no harm
    if present.count() >= MAX_DOMAINS and not present.filter(name_key=name).exists():
        raise TooManyDomains
    domain, is_new = Domain.objects.get_or_create(
        org=org, name_key=name, defaults={"name": name, "txt_token": secrets.token_hex(16)}
    )
    if is_new:
        audit.record(org=org, actor=actor, action="domain.added", target=_target(domain))
    return domain


def check_domain(*, domain: Domain, actor: Actor) -> ProofCheck:
    """Look the record up in DNS, store the result, and verify the domain when it is there; nothing is revoked.

    DNS is asked before the transaction begins; this may take five seconds. Raises CheckedJustNow, DomainUnknown.
    """
    _begin_look(domain)
    check = _look(domain)
    with transaction.atomic():
        row = queries.lock_domain(domain)
        if check.outcome == ProofOutcome.VERIFIED:
            try:
                mark_verified(domain=row, actor=actor)
            except DomainTaken:
                check = replace(check, outcome=ProofOutcome.TAKEN)
        _store(row, check)
    return check


@transaction.atomic
def mark_verified(*, domain: Domain, actor: Actor) -> None:
    """Mark the domain as verified by this organization alone, and plan what follows from that.

    Raises DomainTaken, DomainUnknown.
    """
    row = queries.lock_domain(domain)
    if not row.is_verified:
        _save_verified(row, actor)
        for follow_up in follow_ups_of_proof():
            follow_up(row, actor)
    domain.state, domain.verified_at = row.state, row.verified_at


@transaction.atomic
def remove_domain(*, domain: Domain, actor: Actor) -> None:
    """Remove the domain, verified or not; removing it twice changes nothing.

    Its members stay, but a session that an IdP had opened for an address under it ends.
    """
    try:
        row = queries.lock_domain(domain)
    except DomainUnknown:
        return
    change = audit.Change(before={"state": row.state})
    audit.record(org=row.org, actor=actor, action="domain.removed", target=_target(row), change=change)
    if row.is_verified:
        tenancy.revoke_domain_trust(org=row.org, name_key=row.name_key)
    row.delete()


def txt_record(domain: Domain) -> tuple[str, str]:
    """Return host and value of the DNS TXT record that proves the domain."""
    return domain.txt_host, domain.txt_value


def _begin_look(domain: Domain) -> None:
    """Reserve the DNS look-up for this call for five seconds. Raises CheckedJustNow, DomainUnknown."""
    moment = now()
    rows = Domain.objects.filter(org_id=domain.org_id, pk=domain.pk)
    is_due = Q(last_checked_at=None) | Q(last_checked_at__lte=moment - CHECK_INTERVAL)
    # one statement, so that no lock is held while DNS is asked
    if rows.filter(is_due).update(last_checked_at=moment):
        return
    raise CheckedJustNow if rows.exists() else DomainUnknown


def _look(domain: Domain) -> ProofCheck:
    """Return what DNS says at the record's name and, when it isn't there, at the names where it is put by mistake.

    All look-ups share the patience of one.
    """
    until = patience()
    answer = lookup_txt(domain.txt_host, until=until)
    check = ProofCheck(_outcome_of(answer, domain), domain.txt_value, now(), answer.values, answer.problem)
    if check.outcome != ProofOutcome.NOT_FOUND:
        return check
    return replace(check, misplaced_at=_misplaced_at(domain, until))


def _outcome_of(answer: TxtAnswer, domain: Domain) -> ProofOutcome:
    if _holds(answer, domain):
        return ProofOutcome.VERIFIED
    if answer.problem is None:
        return ProofOutcome.WRONG_VALUE
    return ProofOutcome.NOT_FOUND if answer.problem.is_answer else ProofOutcome.UNREACHABLE


def _holds(answer: TxtAnswer, domain: Domain) -> bool:
    # some DNS hosts publish the quotes that were typed around a value
    return any(value.strip(' "') == domain.txt_value for value in answer.values)


def _misplaced_at(domain: Domain, until: float) -> str:
    """Return where the record was put instead: below a doubled domain, or at the domain itself; empty when nowhere."""
    candidates = (f"{domain.txt_host}.{domain.name}", domain.name)
    return next((name for name in candidates if _holds(lookup_txt(name, until=until), domain)), "")


def _store(row: Domain, check: ProofCheck) -> None:
    found = list(check.found[:KEPT_VALUES])
    row.last_checked_at, row.last_outcome = check.checked_at, check.outcome
    row.last_answer = {"found": found, "problem": check.problem, "misplaced_at": check.misplaced_at}
    row.save(update_fields=["last_checked_at", "last_outcome", "last_answer"])


def _save_verified(row: Domain, actor: Actor) -> None:
    before = row.state
    row.state, row.verified_at = DomainState.VERIFIED, now()
    try:
        with transaction.atomic():
            row.save(update_fields=["state", "verified_at"])
    except IntegrityError as error:
        raise DomainTaken from error
    change = audit.Change(before={"state": before}, after={"state": row.state})
    audit.record(org=row.org, actor=actor, action="domain.verified", target=_target(row), change=change)


def _target(domain: Domain) -> audit.AuditTarget:
    return audit.AuditTarget("domain", str(domain.public_id), domain.name)
