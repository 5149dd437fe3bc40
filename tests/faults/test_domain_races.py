"""Two organizations that prove one domain at the same moment."""

from collections import Counter
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from orgs.audit.models import AuditEvent
from orgs.base.resolver import TxtAnswer
from orgs.domains import services as domains
from orgs.domains.errors import CheckedJustNow
from orgs.domains.models import Domain
from orgs.domains.types import DomainState, ProofOutcome
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.types import MembershipOrigin
from tests.dns import DnsRecords
from tests.factories import ACTOR, OrganizationFactory
from tests.faults.test_races import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_concurrent_checks_of_a_domain_verify_it_for_one_of_eight_organizations(
    dns_records: DnsRecords,
) -> None:
    claims = [domains.add_domain(org=OrganizationFactory(), name="acme.example", actor=ACTOR) for _ in range(8)]
    dns_records["_gatehouse.acme.example"] = [claim.txt_value for claim in claims]
    checks = all_at_once([lambda claim=claim: domains.check_domain(domain=claim, actor=ACTOR) for claim in claims])
    assert Counter(check.outcome for check in checks) == {ProofOutcome.VERIFIED: 1, ProofOutcome.TAKEN: 7}
    assert Domain.objects.filter(state=DomainState.VERIFIED).count() == 1
    assert AuditEvent.objects.filter(action="domain.verified").count() == 1


def test_concurrent_checks_of_one_domain_ask_dns_once(acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = domains.add_domain(org=acme, name="acme.example", actor=ACTOR)
    asked: list[str] = []
    answer = TxtAnswer(("another",))
    monkeypatch.setattr(domains, "lookup_txt", lambda name, *, until: asked.append(name) or answer)
    found = all_at_once([lambda: domains.check_domain(domain=domain, actor=ACTOR)] * 8)
    assert sum(isinstance(one, CheckedJustNow) for one in found) == 7
    assert asked == ["_gatehouse.acme.example"]


def test_concurrent_activations_by_workers_activate_each_membership_once(acme: Any) -> None:
    domain = domains.add_domain(org=acme, name="acme.example", actor=ACTOR)
    for place in range(6):
        people.create_membership(
            org=acme, profile=Profile(f"p{place}@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
        )
    domains.mark_verified(domain=domain, actor=ACTOR)
    found = all_at_once([lambda: people.activate_waiting_memberships(domain=domain, actor=ACTOR)] * 4)
    assert sum(one is None for one in found) == 3
    joined = AuditEvent.objects.filter(action="membership.joined", target_label__startswith="p")
    assert joined.count() == acme.memberships.filter(email__startswith="p", state="active").count() == 6


def test_domain_removal_concurrent_with_activation_leaves_no_address_verified(acme: Any) -> None:
    domain = domains.add_domain(org=acme, name="acme.example", actor=ACTOR)
    for place in range(6):
        people.create_membership(
            org=acme, profile=Profile(f"p{place}@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
        )
    domains.mark_verified(domain=domain, actor=ACTOR)
    all_at_once(
        [
            lambda: people.activate_waiting_memberships(domain=domain, actor=ACTOR),
            lambda: domains.remove_domain(domain=Domain(pk=domain.pk, org=acme), actor=ACTOR),
        ]
    )
    assert not EmailAddress.objects.filter(email__startswith="p", verified=True).exists()


def test_concurrent_add_domain_calls_create_one_domain(acme: Any) -> None:
    added = all_at_once([lambda: domains.add_domain(org=acme, name="acme.example", actor=ACTOR)] * 8)
    assert len({domain.txt_token for domain in added}) == Domain.objects.count() == 1
    assert AuditEvent.objects.filter(action="domain.added").count() == 1
