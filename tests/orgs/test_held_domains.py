"""Which domains a sign-in holds until it ends."""

import pytest
from django.db import transaction

from orgs.domains import services
from orgs.domains.queries import lock_verified_domains
from tests.factories import ACTOR

NAMES = ("a.example", "acme.example", "b.example", "c.example", "d.example")


@pytest.fixture
def org(acme):
    for name in NAMES:
        services.mark_verified(domain=services.add_domain(org=acme, name=name, actor=ACTOR), actor=ACTOR)
    services.add_domain(org=acme, name="pending.example", actor=ACTOR)
    return acme


@pytest.mark.parametrize("names", [(), NAMES[:1], NAMES[:3], NAMES])
def test_lock_verified_domains_returns_the_domains_of_any_number_of_addresses(org, names):
    addresses = [f"uma@{name}" for name in names]
    with transaction.atomic():
        assert lock_verified_domains(org, *addresses, *addresses) == frozenset(names)


@pytest.mark.parametrize(
    "address",
    [
        "uma@pending.example",
        "uma@elsewhere.example",
        "uma@example",
        "uma@me.example",
        "uma",
        "uma@",
        "uma@mail.acme.example",
    ],
)
def test_lock_verified_domains_leaves_out_other_domains(org, address):
    with transaction.atomic():
        assert lock_verified_domains(org, address, "olga@acme.example") == {"acme.example"}


def test_lock_verified_domains_leaves_out_domains_of_another_organization(org, globex):
    with transaction.atomic():
        assert lock_verified_domains(globex, "uma@acme.example") == frozenset()


def test_lock_verified_domains_takes_one_statement_for_any_number(org, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1):
        lock_verified_domains(org, *(f"uma@{name}" for name in NAMES))
