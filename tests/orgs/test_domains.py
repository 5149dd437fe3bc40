"""Domains: their names, what DNS says of them, and what proving or removing one leaves behind."""

from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.base.resolver import DnsProblem, TxtAnswer
from orgs.base.text import domain_key
from orgs.domains import queries, services
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
from orgs.domains.types import CHECK_INTERVAL, MAX_DOMAINS, PUBLIC_MAIL, DomainState, ProofOutcome
from orgs.events import services as outbox
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import MembershipOrigin, MembershipState, SignInMethod
from tests.factories import ACTOR

HOST = "_gatehouse.acme.example"


def add(org, name="acme.example"):
    return services.add_domain(org=org, name=name, actor=ACTOR)


def check(domain):
    """Look at DNS, long after the look before."""
    Domain.objects.update(last_checked_at=None)
    return services.check_domain(domain=domain, actor=ACTOR)


@pytest.fixture
def domain(acme):
    return add(acme)


@pytest.fixture
def publish(dns_records):
    """DNS holds these names with their values, and no others."""

    def replace(names):
        dns_records.clear()
        dns_records.update(names)

    return replace


@pytest.fixture
def verified(domain, publish):
    publish({HOST: [domain.txt_value]})
    check(domain)
    return domain


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
def test_domain_name_returns_the_lower_case_ascii_form(text, name):
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
        ".".join(["a" * 58] * 4) + ".example",
    ],
)
def test_domain_name_raises_domain_invalid_for_other_text(text):
    with pytest.raises(DomainInvalid):
        services.domain_name(text)


@pytest.mark.parametrize("text", ["gmail.com", "GMAIL.com.", "web.de", "proton.me", "yahoo.co.jp", "t-online.de"])
def test_domain_name_raises_domain_is_public_for_a_public_mail_service(text):
    with pytest.raises(DomainIsPublic):
        services.domain_name(text)


def test_add_domain_twice_returns_the_first_and_is_audited_once(acme):
    assert add(acme) == add(acme, "ACME.example")
    assert AuditEvent.objects.filter(action="domain.added").count() == 1


def test_add_domain_gives_each_organization_its_own_txt_token(acme, globex):
    assert add(acme).txt_token != add(globex).txt_token


def test_the_txt_record_has_host_and_value(acme):
    domain = add(acme)
    assert services.txt_record(domain) == ("_gatehouse.acme.example", f"gatehouse-verify={domain.txt_token}")
    assert str(domain) == "acme.example"


def test_mark_verified_twice_is_audited_once(acme):
    domain = add(acme)
    for _ in range(2):
        services.mark_verified(domain=domain, actor=ACTOR)
    event = AuditEvent.objects.get(action="domain.verified")
    assert (event.before, event.after) == ({"state": "pending"}, {"state": "verified"})
    assert Domain.objects.get().verified_at is not None


def test_has_verified_is_false_for_a_lapsed_domain(acme):
    domain = add(acme)
    services.mark_verified(domain=domain, actor=ACTOR)
    assert queries.has_verified(acme, "NORA@Acme.Example")
    Domain.objects.update(state=DomainState.LAPSED)
    assert not queries.has_verified(acme, "nora@acme.example")


@pytest.mark.parametrize(
    "address", ["nora", "", "acme.example", "nora@evil-acme.example", "nora@acme.example.evil.example"]
)
def test_has_verified_is_false_for_addresses_outside_the_domain(acme, address):
    services.mark_verified(domain=add(acme), actor=ACTOR)
    assert not queries.has_verified(acme, address)


def test_public_mail_domains_are_listed_in_their_normal_form():
    assert {name for name in PUBLIC_MAIL if domain_key(name) != name or "." not in name} == set()


def test_add_domain_raises_too_many_domains_beyond_a_hundred(acme):
    Domain.objects.bulk_create(
        Domain(org=acme, name=f"d{place}.example", name_key=f"d{place}.example", txt_token=str(place))
        for place in range(MAX_DOMAINS)
    )
    with pytest.raises(TooManyDomains):
        add(acme)
    assert add(acme, "d7.example").txt_token == "7"


def test_add_domain_returns_a_pending_domain_when_another_organization_verified_it(domain, globex):
    services.mark_verified(domain=domain, actor=ACTOR)
    assert add(globex).state == DomainState.PENDING


# what DNS says


def test_check_domain_verifies_the_domain_when_the_value_is_published(domain, publish):
    publish({HOST: ["something else", domain.txt_value]})
    found = check(domain)
    assert (found.outcome, found.found) == (ProofOutcome.VERIFIED, ("something else", domain.txt_value))
    assert Domain.objects.get().state == DomainState.VERIFIED


@pytest.mark.parametrize("shown", ['"{}"', " {} "])
def test_check_domain_ignores_quotes_and_space_around_the_value(domain, publish, shown):
    publish({HOST: [shown.format(domain.txt_value)]})
    assert check(domain).outcome == ProofOutcome.VERIFIED


@pytest.mark.parametrize(
    ("names", "outcome", "problem"),
    [
        ({}, ProofOutcome.NOT_FOUND, DnsProblem.NO_SUCH_NAME),
        ({HOST: []}, ProofOutcome.NOT_FOUND, DnsProblem.NO_RECORD),
        ({HOST: ["gatehouse-verify=0123"]}, ProofOutcome.WRONG_VALUE, None),
        ({HOST: DnsProblem.SERVER_FAILURE}, ProofOutcome.UNREACHABLE, DnsProblem.SERVER_FAILURE),
    ],
)
def test_check_domain_leaves_the_domain_pending_and_gives_the_reason_for_other_answers(
    domain, publish, names, outcome, problem
):
    publish(names)
    found = check(domain)
    assert (found.outcome, found.problem, found.expected) == (outcome, problem, domain.txt_value)
    assert Domain.objects.get().state == DomainState.PENDING


@pytest.mark.parametrize("place", ["acme.example", "_gatehouse.acme.example.acme.example"])
def test_check_domain_finds_a_record_at_a_wrong_name(domain, publish, place):
    publish({place: [domain.txt_value]})
    found = check(domain)
    assert (found.outcome, found.misplaced_at) == (ProofOutcome.NOT_FOUND, place)


def test_check_domain_gives_wrong_value_for_another_organizations_value(domain, globex, publish):
    publish({HOST: [add(globex).txt_value]})
    assert check(domain).outcome == ProofOutcome.WRONG_VALUE


@pytest.mark.parametrize("names", [{}, {HOST: ["another"]}, []])
def test_check_domain_keeps_a_verified_domain_verified_when_the_record_is_missing(verified, publish, names):
    publish(names)
    assert check(verified).outcome != ProofOutcome.VERIFIED
    assert Domain.objects.get().state == DomainState.VERIFIED


def test_check_domain_verifies_a_lapsed_domain_again(verified):
    Domain.objects.update(state=DomainState.LAPSED)
    check(verified)
    assert Domain.objects.get().state == DomainState.VERIFIED


def test_check_domain_stores_its_result(domain, publish):
    publish({HOST: ["gatehouse-verify=0123"]})
    found = check(domain)
    row = queries.row_of(queries.find_domain(domain.org, domain.public_id))
    assert (row.check, row.txt_host, row.txt_value) == (found, HOST, domain.txt_value)


@pytest.mark.parametrize("names", [{}, [], {"acme.example": ["x"]}])
def test_check_domain_stores_the_reason_of_a_failure(domain, publish, names):
    publish(names)
    found = check(domain)
    assert queries.last_check(Domain.objects.get()) == found


def test_domain_never_checked_has_no_check_result(domain):
    assert queries.row_of(domain).check is None


def test_check_domain_stores_at_most_ten_values(domain, publish):
    publish({HOST: [f"value {place}" for place in range(40)]})
    check(domain)
    assert len(queries.last_check(Domain.objects.get()).found) == 10


def test_check_domain_gives_taken_when_another_organization_verified_the_domain(verified, globex, publish):
    second = add(globex)
    publish({HOST: [verified.txt_value, second.txt_value]})
    assert check(second).outcome == ProofOutcome.TAKEN
    second.refresh_from_db()
    assert (second.state, second.last_outcome) == (DomainState.PENDING, ProofOutcome.TAKEN)
    assert AuditEvent.objects.filter(org=globex, action="domain.verified").count() == 0


def test_check_domain_activates_invited_memberships(domain, publish):
    membership = people.create_membership(
        org=domain.org, profile=Profile("n@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    publish({HOST: [domain.txt_value]})
    check(domain)
    outbox.deliver_due()
    membership.refresh_from_db()
    assert membership.state == MembershipState.ACTIVE


def test_mark_verified_is_rolled_back_when_a_follow_up_fails(domain, monkeypatch):
    def fail(*args):
        raise RuntimeError

    monkeypatch.setattr("orgs.domains.types._follow_ups", [fail])
    with pytest.raises(RuntimeError):
        services.mark_verified(domain=domain, actor=ACTOR)
    assert Domain.objects.get().state == DomainState.PENDING
    assert not AuditEvent.objects.filter(action="domain.verified").exists()


def test_check_domain_raises_domain_unknown_when_the_domain_was_removed(domain, publish):
    publish({HOST: [domain.txt_value]})
    services.remove_domain(domain=queries.find_domain(domain.org, domain.public_id), actor=ACTOR)
    with pytest.raises(DomainUnknown):
        check(domain)


def test_mark_verified_raises_domain_taken_when_another_organization_verified_the_domain(verified, globex):
    with pytest.raises(DomainTaken):
        services.mark_verified(domain=add(globex), actor=ACTOR)


# how often, and how long


@pytest.fixture
def asked(monkeypatch):
    """The names for which DNS was asked, each with the end of its patience; none is there."""
    found = []

    def lookup(name, *, until):
        found.append((name, until))
        return TxtAnswer(problem=DnsProblem.NO_SUCH_NAME)

    monkeypatch.setattr(services, "lookup_txt", lookup)
    return found


def test_check_domain_again_at_once_raises_checked_just_now_without_a_lookup(domain, asked):
    check(domain)
    before, names = queries.last_check(Domain.objects.get()), len(asked)
    with pytest.raises(CheckedJustNow):
        services.check_domain(domain=domain, actor=ACTOR)
    assert queries.last_check(Domain.objects.get()) == before
    assert len(asked) == names


def test_check_domain_asks_dns_again_after_the_check_interval(domain, asked):
    check(domain)
    names = len(asked)
    Domain.objects.update(last_checked_at=now() - CHECK_INTERVAL)
    services.check_domain(domain=domain, actor=ACTOR)
    assert len(asked) == 2 * names


def test_check_domain_of_another_domain_is_allowed_at_once(domain, asked):
    check(domain)
    other = add(domain.org, "other.example")
    assert services.check_domain(domain=other, actor=ACTOR).outcome == ProofOutcome.NOT_FOUND


def test_check_domain_gives_all_its_lookups_one_deadline(domain, asked):
    check(domain)
    assert [name for name, _ in asked] == [HOST, f"{HOST}.acme.example", "acme.example"]
    assert len({until for _, until in asked}) == 1


# who has a domain, and removing it


def test_verified_domain_org_returns_the_organization_of_a_verified_domain(verified, globex):
    add(globex)
    assert queries.verified_domain_org("acme.example") == verified.org
    assert list(queries.verified_domains(verified.org)) == [verified]


@pytest.mark.parametrize("key", ["acme.example", "", "sub.acme.example"])
def test_verified_domain_org_returns_none_for_an_unverified_domain(domain, key):
    assert queries.verified_domain_org(key) is None
    assert not queries.verified_domains(domain.org).exists()


def test_find_domain_raises_domain_unknown_in_another_organization(domain, globex):
    with pytest.raises(DomainUnknown):
        queries.find_domain(globex, domain.public_id)


def test_remove_domain_twice_is_audited_once_and_frees_the_domain(verified, globex):
    for _ in range(2):
        services.remove_domain(domain=Domain(pk=verified.pk, org=verified.org), actor=ACTOR)
    event = AuditEvent.objects.get(action="domain.removed")
    assert (event.target_label, event.before) == ("acme.example", {"state": "verified"})
    services.mark_verified(domain=add(globex), actor=ACTOR)


def test_remove_domain_keeps_memberships_active(verified, uma):
    services.remove_domain(domain=verified, actor=ACTOR)
    uma.refresh_from_db()
    assert uma.is_active


def verified_addresses():
    return set(EmailAddress.objects.filter(verified=True).values_list("email", flat=True))


def test_remove_domain_unverifies_addresses_of_accounts_without_password_and_passkey(verified, uma):
    for name in ("plain@acme.example", "key@acme.example", "plain@sub.acme.example", "plain@other.example"):
        account = tenancy.create_account(email=name, verified=True)
        if name.startswith("key"):
            Authenticator.objects.create(user=account, type=Authenticator.Type.WEBAUTHN, data={})
    before = verified_addresses()
    services.remove_domain(domain=verified, actor=ACTOR)
    assert before - verified_addresses() == {"plain@acme.example"}


def test_remove_domain_takes_the_same_number_of_queries_for_any_number_of_people(acme, django_assert_num_queries):
    def prove(name, people_under_it):
        made = add(acme, name)
        services.mark_verified(domain=made, actor=ACTOR)
        for place in range(people_under_it):
            profile = Profile(f"p{place}@{name}")
            membership = people.create_membership(org=acme, profile=profile, origin=MembershipOrigin.SCIM, actor=ACTOR)
            ends = now() + timedelta(hours=1)
            tenancy.grant_session(membership=membership, session=uuid4(), method=SignInMethod.SAML, expires_at=ends)
        return made

    few, many = prove("few.example", 1), prove("many.example", 6)
    with CaptureQueriesContext(connection) as captured:
        services.remove_domain(domain=few, actor=ACTOR)
    with django_assert_num_queries(len(captured)):
        services.remove_domain(domain=many, actor=ACTOR)
    assert not SessionGrant.objects.exists()
    assert not EmailAddress.objects.filter(email__endswith="@many.example", verified=True).exists()


@pytest.mark.parametrize("text", ["co.uk", "CO.UK.", "github.io", "公司.cn", "kawasaki.jp", "any.ck"])
def test_add_domain_raises_domain_is_suffix_for_a_public_suffix(acme, text):
    with pytest.raises(DomainIsSuffix):
        services.add_domain(org=acme, name=text, actor=ACTOR)
    assert not Domain.objects.exists()


@pytest.mark.parametrize("text", ["acme.co.uk", "acme.github.io", "city.kawasaki.jp", "www.ck", "acme.test"])
def test_domain_name_accepts_a_domain_below_a_public_suffix(text):
    assert services.domain_name(text) == text
