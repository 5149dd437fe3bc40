"""What the pages of domains show, and where their forms lead."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.audit.models import AuditEvent
from orgs.base.clock import now
from orgs.base.resolver import DnsProblem
from orgs.domains import services
from orgs.domains.models import Domain
from orgs.domains.types import DomainState
from orgs.tenancy import access
from orgs.tenancy import services as tenancy
from orgs.tenancy.types import SignInMethod
from tests.factories import ACTOR, MembershipFactory

DOMAINS = "/orgs/acme/settings/domains/"
HOST = "_gatehouse.acme.example"
LONGEST = ".".join(["a" * 58] * 4)


def text_of(response):
    return " ".join(response.content.decode().split())


def at(domain, act):
    return f"{DOMAINS}{domain.public_id}/{act}/"


def checked(admin, domain):
    """Check the domain as an admin does, and return the page that follows."""
    return text_of(admin.post(at(domain, "check"), follow=True))


@pytest.fixture
def admin(sign_in, olga):
    return sign_in(olga)


@pytest.fixture
def domain(acme):
    return services.add_domain(org=acme, name="acme.example", actor=ACTOR)


@pytest.fixture
def verified(domain):
    services.mark_verified(domain=domain, actor=ACTOR)
    return domain


@pytest.fixture
def publish(dns_records):
    """DNS holds these names with their values, and no others."""

    def replace(names):
        dns_records.clear()
        dns_records.update(names)

    return replace


def test_domains_page_says_when_there_is_no_domain(admin):
    assert "No domain yet" in text_of(admin.get(DOMAINS))


def test_domains_page_is_marked_current_in_the_side_bar(admin):
    assert re.search(r'href="/orgs/acme/settings/domains/"[^>]*aria-current="page"', text_of(admin.get(DOMAINS)))


def test_domains_page_shows_the_txt_record_of_an_added_domain(admin):
    response = admin.post(DOMAINS, {"name": " ACME.example "})
    domain = Domain.objects.get()
    assert response["Location"] == f"{DOMAINS}#domain-{domain.public_id}"
    page = text_of(admin.get(DOMAINS))
    assert f">{HOST}</code>" in page
    assert f">{domain.txt_value}</code>" in page
    assert "Not checked yet" in page


def test_add_domain_is_audited_with_the_admins_address(admin):
    admin.post(DOMAINS, {"name": "acme.example"})
    assert AuditEvent.objects.get(action="domain.added").actor_label == "olga@acme.example"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Type the domain that you want to verify"),
        ("https://acme.example/", "isn&#x27;t a domain name"),
        ("olga@acme.example", "isn&#x27;t a domain name"),
        ("\ud7ff.example", "isn&#x27;t a domain name"),
        ("a\0b.example", "Null characters are not allowed"),
        ("gmail.com", "public mail service"),
        ("x" * 301, "too long for a domain name"),
        (f"{LONGEST}.example", "isn&#x27;t a domain name"),
    ],
)
def test_add_domain_form_shows_the_reason_for_an_invalid_domain(admin, name, sentence):
    response = admin.post(DOMAINS, {"name": name})
    error = re.search(r'id="id_name_error">(.*?)</ul>', text_of(response))
    assert response.status_code == 400
    assert error is not None
    assert sentence in error[1]


def test_add_domain_form_keeps_a_refused_name(admin):
    page = text_of(admin.post(DOMAINS, {"name": "gmail.com"}))
    assert 'value="gmail.com"' in page
    assert 'aria-invalid="true"' in page


def test_add_domain_form_returns_400_when_the_organization_has_the_most_domains(admin, domain, monkeypatch):
    monkeypatch.setattr(services, "MAX_DOMAINS", 1)
    response = admin.post(DOMAINS, {"name": "other.example"})
    assert response.status_code == 400
    assert "100 domains already" in text_of(response)


def test_add_domain_succeeds_when_another_organization_verified_the_domain(admin, globex):
    taken = services.add_domain(org=globex, name="globex.example", actor=ACTOR)
    services.mark_verified(domain=taken, actor=ACTOR)
    assert admin.post(DOMAINS, {"name": "globex.example"}).status_code == 302


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Bücher.example", "bücher.example (xn--bcher-kva.example)"),
        ("аcme.example", "аcme.example (xn--cme-5cd.example)"),
        ("acme.example", "acme.example"),
    ],
    ids=["international", "look-alike", "plain"],
)
def test_domain_is_shown_in_unicode_and_in_ascii(admin, typed, shown):
    admin.post(DOMAINS, {"name": typed})
    domain = Domain.objects.get()
    assert f'id="name-{domain.public_id}">{shown}</h2>' in text_of(admin.get(DOMAINS))
    assert f"Remove {shown}?" in text_of(admin.get(at(domain, "remove")))
    assert f"{shown} is removed." in text_of(admin.post(at(domain, "remove"), follow=True))


# checking


def test_check_verifies_the_domain_when_the_record_is_found(admin, domain, publish):
    publish({HOST: [domain.txt_value]})
    page = checked(admin, domain)
    assert "The record is there" in page
    assert "Keep the TXT record in DNS" in page
    assert Domain.objects.get().is_verified


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({}, "no such name."),
        ({HOST: []}, "without a TXT record."),
        ({"acme.example": ["VALUE"]}, "itself. Move it to the host"),
        ({"_gatehouse.acme.example.acme.example": ["VALUE"]}, "your DNS host adds the domain by itself"),
        ({HOST: ["gatehouse-verify=0123", "v=spf1"]}, "<li><code>gatehouse-verify=0123</code></li>"),
        ({HOST: [""]}, "<li><code>(empty)</code></li>"),
        ({HOST: DnsProblem.SERVER_FAILURE}, "It reported a failure of its own."),
    ],
)
def test_check_shows_what_dns_returned_when_the_record_is_not_found(admin, domain, publish, names, sentence):
    publish({name: [domain.txt_value] if found == ["VALUE"] else found for name, found in names.items()})
    page = checked(admin, domain)
    assert sentence in page
    assert "pill-warn" in page
    assert "pill-bad" not in page


def test_domains_page_says_when_dns_timed_out(admin, domain):
    Domain.objects.update(
        last_checked_at=domain.created_at, last_outcome="unreachable", last_answer={"problem": "timeout"}
    )
    assert "nothing within five seconds" in text_of(admin.get(DOMAINS))


def test_domains_page_shows_the_last_check_result(admin, domain, publish):
    publish({HOST: ["another"]})
    checked(admin, domain)
    assert "Another value was found" in text_of(admin.get(DOMAINS))


def test_second_check_at_once_shows_the_former_answer_and_says_so(admin, domain, publish):
    publish({HOST: ["another"]})
    checked(admin, domain)
    publish({HOST: [domain.txt_value]})
    page = checked(admin, domain)
    assert "acme.example: It was checked a moment ago" in page
    assert "Another value was found" in page


def test_domains_page_escapes_what_dns_returned(admin, domain, publish):
    publish({HOST: ["<script>alert(1)</script>"]})
    page = checked(admin, domain)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("names", [{}, {HOST: ["another"]}, []])
def test_check_keeps_a_verified_domain_verified_and_says_so(admin, verified, publish, names):
    publish(names)
    assert "domain stays verified" in checked(admin, verified)


def test_check_shows_domain_taken_when_another_organization_has_the_domain(admin, domain, globex, publish):
    services.mark_verified(domain=services.add_domain(org=globex, name="acme.example", actor=ACTOR), actor=ACTOR)
    publish({HOST: [domain.txt_value]})
    page = checked(admin, domain)
    assert "another organization has this domain" in page
    assert "<code>domain_taken</code>" in page


def test_domains_page_marks_a_lapsed_domain_and_says_what_to_do(admin, domain):
    Domain.objects.update(state=DomainState.LAPSED)
    page = text_of(admin.get(DOMAINS))
    assert "pill-bad" in page
    assert "Publish the record again" in page


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/orgs/acme/settings/authentication/", "/orgs/acme/settings/authentication/"),
        (f"{DOMAINS}?page=2", f"{DOMAINS}?page=2"),
        (f"{DOMAINS}#elsewhere", DOMAINS),
        ("", DOMAINS),
        ("https://evil.example/", DOMAINS),
        ("//evil.example/", DOMAINS),
        ("/\\evil.example/", DOMAINS),
        ("javascript:alert(1)", DOMAINS),
        ("evil.example", DOMAINS),
        ("/" + "x" * 500, DOMAINS),
    ],
)
@pytest.mark.parametrize("act", ["add", "check"])
def test_add_and_check_redirect_to_next_only_on_this_site(admin, domain, given, path, act):
    where, fields = (DOMAINS, {"name": domain.name}) if act == "add" else (at(domain, "check"), {})
    assert admin.post(where, fields | {"next": given})["Location"] == f"{path}#domain-{domain.public_id}"


def test_check_returns_404_when_the_domain_is_removed_during_the_lookup(admin, domain, monkeypatch):
    def look(row):
        Domain.objects.all().delete()
        return services.ProofCheck(services.ProofOutcome.VERIFIED, row.txt_value, row.created_at)

    monkeypatch.setattr(services, "_look", look)
    assert admin.post(at(domain, "check")).status_code == 404


# removing


def test_remove_page_needs_no_typed_name_for_an_unverified_domain(admin, domain):
    assert "nothing depends on it" in text_of(admin.get(at(domain, "remove")))
    page = text_of(admin.post(at(domain, "remove"), follow=True))
    assert "acme.example is removed" in page
    assert not Domain.objects.exists()


def test_remove_page_says_what_the_removal_of_a_verified_domain_means(admin, verified):
    page = text_of(admin.get(at(verified, "remove")))
    assert "can’t sign in through your identity provider" in page
    assert "Nobody is removed" in page


def sign_in_by_idp(membership, *, ends=timedelta(hours=1)):
    """The IdP has opened a session for this membership; returns its session_grant_id."""
    session_grant_id = uuid4()
    tenancy.grant_session(
        membership=membership, session=session_grant_id, method=SignInMethod.SAML, expires_at=now() + ends
    )
    return session_grant_id


def drop_password(membership):
    membership.user.set_unusable_password()
    membership.user.save()


def test_remove_page_counts_the_sessions_that_end(admin, verified, uma, adam, gil):
    for membership in (uma, uma, adam, gil):
        sign_in_by_idp(membership)
    sign_in_by_idp(adam, ends=-timedelta(minutes=1))
    page = text_of(admin.get(at(verified, "remove")))
    assert "<b>3 sessions</b> that it opened for them end at once." in page


def test_remove_page_says_when_nobody_is_signed_out(admin, verified, gil):
    sign_in_by_idp(gil)
    page = text_of(admin.get(at(verified, "remove")))
    assert "nobody is signed out" in page
    assert "Every member under it has a password or passkey here" in page


def test_remove_page_lists_members_without_password_and_passkey(admin, verified, uma, adam, gil):
    for membership in (uma, adam, gil):
        drop_password(membership)
    Authenticator.objects.create(user=adam.user, type=Authenticator.Type.WEBAUTHN, data={})
    page = text_of(admin.get(at(verified, "remove")))
    assert "<b>1 member</b> under it has neither a password nor a passkey here:" in page


def test_remove_page_says_that_the_admins_own_session_ends(sign_in, olga, verified):
    drop_password(olga)
    client = sign_in(olga)
    session = client.session
    session[access.SESSION_GRANT_ID], session[access.SIGN_IN_METHOD] = str(sign_in_by_idp(olga)), SignInMethod.SAML
    session.save()
    page = text_of(client.get(at(verified, "remove")))
    assert "<b>1 session</b> that it opened for them ends at once, yours among them." in page
    assert "neither a password nor a passkey here, you among them:" in page


def test_remove_page_does_not_count_another_organizations_sessions(admin, verified, globex, greta):
    membership = MembershipFactory(org=globex, email="vera@acme.example")
    drop_password(membership)
    sign_in_by_idp(membership)
    page = text_of(admin.get(at(verified, "remove")))
    assert "nobody is signed out" in page
    assert "Every member under it" in page


@pytest.mark.parametrize("typed", ["", "acme", "acme.example.evil", "https://acme.example", "a\0"])
def test_remove_page_returns_400_when_the_typed_name_differs(admin, verified, typed):
    response = admin.post(at(verified, "remove"), {"confirm": typed})
    assert response.status_code == 400
    assert 'id="id_confirm_error"' in text_of(response)
    assert Domain.objects.exists()


@pytest.mark.parametrize("typed", ["acme.example", " ACME.example "])
def test_remove_page_removes_a_verified_domain_when_its_name_is_typed(admin, verified, typed):
    assert admin.post(at(verified, "remove"), {"confirm": typed}).status_code == 302
    assert not Domain.objects.exists()


@pytest.mark.parametrize(
    "typed", ["xn--bcher-kva.example", "XN--BCHER-KVA.example.", "bücher.example", " BÜCHER.example "]
)
def test_remove_page_accepts_an_international_domain_in_unicode_or_ascii(admin, acme, typed):
    international = services.add_domain(org=acme, name="bücher.example", actor=ACTOR)
    services.mark_verified(domain=international, actor=ACTOR)
    page = text_of(admin.get(at(international, "remove")))
    assert 'data-confirm="xn--bcher-kva.example" data-letters="bücher.example"' in page
    assert admin.post(at(international, "remove"), {"confirm": typed}).status_code == 302
    assert not Domain.objects.exists()


@pytest.mark.parametrize("act", ["check", "remove"])
def test_check_and_remove_return_404_for_another_organizations_domain(sign_in, greta, domain, act):
    assert sign_in(greta).post(f"/orgs/globex/settings/domains/{domain.public_id}/{act}/").status_code == 404
    assert Domain.objects.exists()


# the list


def add_domains(org, numbers):
    for number in numbers:
        services.add_domain(org=org, name=f"d{number:02}.example", actor=ACTOR)


def test_domains_page_takes_the_same_number_of_queries_for_fifty_as_for_five(admin, acme):
    def asked():
        with CaptureQueriesContext(connection) as captured:
            assert admin.get(DOMAINS).status_code == 200
        return len(captured)

    add_domains(acme, range(5))
    few = asked()
    add_domains(acme, range(5, 50))
    assert asked() == few


def test_domains_page_lists_fifty_domains_and_its_forms_return_to_it(admin, acme):
    add_domains(acme, range(52))
    page = text_of(admin.get(DOMAINS, {"page": 2}))
    assert page.count("Check now<span") == 2
    assert f'name="next" value="{DOMAINS}?page=2"' in page


@pytest.mark.parametrize(("name", "page"), [("a.example", ""), ("d49.example", ""), ("d50.example", "?page=2")])
def test_add_domain_redirects_to_the_page_that_lists_the_domain(admin, acme, name, page):
    add_domains(acme, range(50))
    add_domains(acme, range(51, 53))
    response = admin.post(DOMAINS, {"name": name})
    domain = Domain.objects.get(name=name)
    assert response["Location"] == f"{DOMAINS}{page}#domain-{domain.public_id}"
    shown = text_of(admin.get(response["Location"]))
    assert f'id="domain-{domain.public_id}"' in shown
    assert domain.txt_value in shown


def test_domain_pages_have_no_uncompiled_component(admin, domain):
    for path in (DOMAINS, at(domain, "remove")):
        assert b"<c-" not in admin.get(path).content
