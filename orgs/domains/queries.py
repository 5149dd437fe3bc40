from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet, Value
from django.db.models.functions import Concat, StrIndex

from orgs.base.resolver import DnsProblem
from orgs.base.statements import Rows, Statement, number, text
from orgs.base.text import address_domain
from orgs.domains.errors import DomainUnknown
from orgs.domains.models import Domain
from orgs.domains.types import DomainRow, DomainState, ProofCheck, ProofOutcome
from orgs.tenancy.models import Organization

# how many there are is no part of the statement: their names stand in one text, between blanks, which no name has
HELD_DOMAINS = Statement(
    lambda: (
        Domain.objects.select_for_update(no_key=True)
        .alias(place=StrIndex(text("keys"), Concat(Value(" "), "name_key", Value(" "))))
        .filter(org_id=number("org"), place__gt=0, state=DomainState.VERIFIED)
        .order_by("id")
    )
)


def _of_name() -> QuerySet[Domain]:
    return Domain.objects.filter(org_id=number("org"), name_key=text("key")).order_by()


VERIFIED_NAME = Rows(int, lambda: _of_name().filter(state=DomainState.VERIFIED).values_list("pk"))
RELIED_ON = Statement(_of_name, is_shared=True)
RELIED_ON_LATE = Statement(_of_name, is_shared=True, is_late=True)


def has_verified(org: Organization, address: str) -> bool:
    """Say whether the organization has verified the domain of this address. A parent domain doesn't prove its children."""
    return bool(VERIFIED_NAME.all(org=org.pk, key=address_domain(address)))


def verified_among(org: Organization, *addresses: str) -> frozenset[str]:
    """Return which domains of these addresses the organization has verified."""
    return verified_keys_among(org, {address_domain(address) for address in addresses})


def verified_keys_among(org: Organization, keys: Collection[str]) -> frozenset[str]:
    """Return which of these domains, in the form of orgs.base.text.domain_key, the organization has verified."""
    found = Domain.objects.filter(org=org, name_key__in=keys, state=DomainState.VERIFIED)
    return frozenset(found.values_list("name_key", flat=True))


def verified_domain_of(org: Organization, address: str) -> Domain | None:
    """Return the domain of this address when the organization has verified it."""
    return Domain.objects.filter(org=org, name_key=address_domain(address), state=DomainState.VERIFIED).first()


def list_domains(org: Organization) -> QuerySet[Domain]:
    """Return the domains of an organization by name, in whatever state."""
    return Domain.objects.filter(org=org).order_by("name_key", "id")


def place_of(domain: Domain) -> int:
    """Say how many domains stand before this one in the organization's list."""
    return list_domains(domain.org).filter(name_key__lt=domain.name_key).count()


def verified_domains(org: Organization) -> QuerySet[Domain]:
    """Return the domains that the organization has verified, by name."""
    return list_domains(org).filter(state=DomainState.VERIFIED)


def verified_domain_org(domain_key: str) -> Organization | None:
    """Return the organization that has verified this domain, to whose sign-in its addresses belong; None when none has.

    The key is the domain in the form of orgs.base.text.domain_key.
    """
    domain = Domain.objects.filter(name_key=domain_key, state=DomainState.VERIFIED).select_related("org").first()
    return domain.org if domain is not None else None


def find_domain(org: Organization, public_id: UUID) -> Domain:
    """Raises DomainUnknown."""
    try:
        return Domain.objects.select_related("org").get(org=org, public_id=public_id)
    except Domain.DoesNotExist as error:
        raise DomainUnknown from error


def lock_domain(domain: Domain) -> Domain:
    """Return the domain as it is now, held until the transaction ends. Raises DomainUnknown when it was removed."""
    rows = Domain.objects.select_for_update(of=("self",)).select_related("org")
    try:
        return rows.get(org_id=domain.org_id, pk=domain.pk)
    except Domain.DoesNotExist as error:
        raise DomainUnknown from error


def rely_on_domain(org_id: int, address: str, *, is_late: bool = False) -> Domain | None:
    """Return the domain of this address if the organization has verified it; nobody removes it before the transaction ends.

    Others may rely on it at the same time. Who is verifying or removing it now is waited for; where a membership is held
    already (`is_late`), OperationalError is raised instead, which the edge answers like a busy database.
    """
    statement = RELIED_ON_LATE if is_late else RELIED_ON
    domain = statement.first(org=org_id, key=address_domain(address))
    return domain if domain is not None and domain.is_verified else None


def lock_verified_domains(org: Organization, *addresses: str) -> frozenset[str]:
    """Return which domains of these addresses the organization has verified; they stay its own until the transaction ends.

    Lock order is domain, then organization, then membership: whoever proves or removes a domain holds it first.
    """
    keys = {address_domain(address) for address in addresses} - {""}
    # those who only rely on the proof, and change nothing of it, still have to pass one by one: Django has no share lock
    held = HELD_DOMAINS.all(org=org.pk, keys=f" {' '.join(sorted(keys))} ")
    return frozenset(domain.name_key for domain in held)


def row_of(domain: Domain) -> DomainRow:
    """Return what the domain's card shows. No query."""
    return DomainRow(domain, domain.txt_host, domain.txt_value, last_check(domain))


def last_check(domain: Domain) -> ProofCheck | None:
    """Return what the last look at DNS showed, or None when nobody has looked yet."""
    if domain.last_checked_at is None or not domain.last_outcome:
        return None
    answer = domain.last_answer or {}
    return ProofCheck(
        outcome=ProofOutcome(domain.last_outcome),
        expected=domain.txt_value,
        checked_at=domain.last_checked_at,
        found=tuple(answer.get("found", ())),
        problem=DnsProblem(answer["problem"]) if answer.get("problem") else None,
        misplaced_at=answer.get("misplaced_at", ""),
    )
