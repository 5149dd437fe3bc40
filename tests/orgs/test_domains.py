"""Domains: their names, and what proving one leaves behind."""

import pytest

from orgs.audit.models import AuditEvent
from orgs.domains import queries, services
from orgs.domains.errors import DomainInvalid, DomainIsPublic
from orgs.domains.models import Domain
from orgs.domains.types import DomainState
from tests.factories import ACTOR


def add(org, name="acme.example"):
    return services.add_domain(org=org, name=name, actor=ACTOR)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("acme.example", "acme.example"),
        (" ACME.Example. ", "acme.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example"),
        ("ａｃｍｅ.example", "acme.example"),
        ("a-b.c1.example", "a-b.c1.example"),
    ],
)
def test_a_domain_has_one_spelling(text, name):
    assert services.domain_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "acme",
        "-a.example",
        "a-.example",
        "a..example",
        "https://acme.example",
        "acme.example/x",
        "a b.example",
        "10.0.0.1",
        "acme.123",
        "*.acme.example",
        "nora@acme.example",
        "a_b.example",
        "x" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "acme.example\nevil.example",
        "\ud800.example",
    ],
)
def test_what_is_no_domain_is_refused(text):
    with pytest.raises(DomainInvalid):
        services.domain_name(text)


@pytest.mark.parametrize("text", ["gmail.com", "GMAIL.com.", "web.de"])
def test_a_public_mail_service_cannot_be_claimed(text):
    with pytest.raises(DomainIsPublic):
        services.domain_name(text)


def test_adding_twice_returns_the_first(acme):
    assert add(acme) == add(acme, "ACME.example")
    assert AuditEvent.objects.filter(action="domain.added").count() == 1


def test_each_organisation_has_its_own_proof(acme, globex):
    assert add(acme).txt_token != add(globex).txt_token


def test_the_txt_record_has_host_and_value(acme):
    domain = add(acme)
    assert services.txt_record(domain) == ("_gatehouse.acme.example", f"gatehouse-verify={domain.txt_token}")
    assert str(domain) == "acme.example"


def test_verifying_is_audited_once(acme):
    domain = add(acme)
    for _ in range(2):
        services.mark_verified(domain=domain, actor=ACTOR)
    event = AuditEvent.objects.get(action="domain.verified")
    assert (event.before, event.after) == ({"state": "pending"}, {"state": "verified"})
    assert Domain.objects.get().verified_at is not None


def test_a_lapsed_domain_proves_nothing(acme):
    domain = add(acme)
    services.mark_verified(domain=domain, actor=ACTOR)
    assert queries.has_verified(acme, "NORA@Acme.Example")
    Domain.objects.update(state=DomainState.LAPSED)
    assert not queries.has_verified(acme, "nora@acme.example")


@pytest.mark.parametrize(
    "address", ["nora", "", "acme.example", "nora@evil-acme.example", "nora@acme.example.evil.example"]
)
def test_other_addresses_are_not_proved(acme, address):
    services.mark_verified(domain=add(acme), actor=ACTOR)
    assert not queries.has_verified(acme, address)
