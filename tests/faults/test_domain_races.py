"""Two organizations that prove one domain at the same moment."""

from collections import Counter
from functools import partial
from threading import Event
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction

from orgs.audit.models import AuditEvent
from orgs.base.resolver import TxtAnswer
from orgs.domains import services as domains
from orgs.domains.errors import CheckedJustNow
from orgs.domains.models import Domain
from orgs.domains.queries import rely_on_domain
from orgs.domains.types import DomainState, ProofOutcome
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import AddressVerification
from orgs.tenancy.types import MembershipOrigin
from portal.setup import add_domain
from tests.conftest import ScimClient
from tests.dns import DnsRecords
from tests.factories import ACTOR, OrganizationFactory
from tests.faults.test_lock_order import elsewhere, wait_until_blocked
from tests.faults.test_races import all_at_once, call
from tests.scim.bodies import user_body

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


def test_domain_removal_concurrent_with_creates_leaves_no_address_verified(acme: Any, scim: ScimClient) -> None:
    domain = add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    creates = [call(scim, "POST", "/Users", user_body(f"p{place}@acme.example")) for place in range(8)]
    remove = partial(domains.remove_domain, domain=Domain(pk=domain.pk, org=acme), actor=ACTOR)
    statuses = all_at_once([*creates[:4], remove, *creates[4:]])
    assert Counter(statuses) == {201: 8, None: 1}
    assert not EmailAddress.objects.filter(email__startswith="p", verified=True).exists()
    assert not AddressVerification.objects.filter(address_key__startswith="p").exists()


@pytest.mark.postgres
def test_create_waits_for_the_removal_of_its_domain_and_then_invites(acme: Any, scim: ScimClient) -> None:
    domain = add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    create = call(scim, "POST", "/Users", user_body("p@acme.example"))
    # the inner block commits while the other thread waits; only then the thread is joined
    with elsewhere(create, begins := Event()) as ended, transaction.atomic():
        domains.remove_domain(domain=Domain(pk=domain.pk, org=acme), actor=ACTOR)
        begins.set()
        wait_until_blocked()
    assert ended == [201]
    assert acme.memberships.get(email="p@acme.example").user is None


@pytest.mark.postgres
def test_creates_that_rely_on_one_domain_do_not_wait_for_each_other(acme: Any, scim: ScimClient) -> None:
    add_domain(org=acme, name="acme.example", verified=True, actor=ACTOR)
    with transaction.atomic():
        assert rely_on_domain(acme.pk, "p@acme.example") is not None
        assert all_at_once([call(scim, "POST", "/Users", user_body("p@acme.example"))]) == [201]
