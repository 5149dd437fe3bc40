"""Support's site: who gets in, what can be read, and that nothing can be changed."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs.base import sealed
from orgs.base.actor import Actor
from orgs.base.clock import now
from orgs.base.read_only_admin import BoundedPaginator, ReadOnlyAdmin
from orgs.domains import services as domains
from orgs.groups.models import Group, GroupMember
from orgs.groups.types import GroupSource
from orgs.invitations import services as invitations
from orgs.people import services as people
from orgs.people.models import InvitationLink
from orgs.people.types import Profile
from orgs.tenancy import access
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, Organization, SessionGrant, User
from orgs.tenancy.types import SignInMethod
from portal.site.accounts import FactorAdapter
from scim.directories.models import Directory, ScimToken
from scim.groups.models import DirectoryGroup
from scim.rehearsal.models import Rehearsal
from scim.requests.models import RefusedCalls, RequestLog
from scim.users.models import DirectoryUser
from sso.attempts import services as attempts
from sso.attempts.models import LoginAttempt
from sso.attempts.types import AttemptOutcome, AttemptRecord, ClientInfo
from sso.connections import services as connections
from sso.connections.models import SpKey
from sso.connections.types import SignInRules
from sso.metadata import services as metadata
from sso.signin_tests.models import SignInTest
from tests.factories import MembershipFactory, OrganizationFactory, TokenFactory

PASSWORD = "correct horse battery staple"
PAGES: list[ModelAdmin] = list(admin.site._registry.values())
SITE_URLS = ("admin:index", "admin:password_change", "admin:password_change_done", "admin:jsi18n", "admin:logout")
SECRET_COLUMNS = {"digest", "nonce", "password", "session", "session_index", "document", "payload", "txt_token", "data"}
SECRET_COLUMNS |= {"private_sealed", "claims", "profile", "relay_digest", "handle_digest"}
STATUS_BY_VISITOR = {"anonymous": 302, "member": 404, "staff without a factor": 302, "staff before the factor": 302}


def page_name(page: ModelAdmin, act: str) -> str:
    return f"admin:{page.opts.app_label}_{page.opts.model_name}_{act}"


def row_url(page: ModelAdmin, act: str) -> str:
    """Return the address of the newest row of a table; every table has one after `rows`."""
    newest = page.model._default_manager.order_by("-pk").first()
    assert newest is not None, f"seed a row of {page.model.__name__}"
    return reverse(page_name(page, act), args=[newest.pk])


def addresses() -> Iterator[str]:
    """Every address of the site, each row page with a row that is there."""
    yield from (reverse(name) for name in SITE_URLS)
    yield from ("/admin/orgs/", "/admin/scim/", "/admin/autocomplete/", "/admin/r/1/1/", "/admin/nowhere/")
    for page in PAGES:
        yield from (reverse(page_name(page, act)) for act in ("changelist", "add"))
        yield from (row_url(page, act) for act in ("change", "delete", "history"))


@pytest.fixture
def rows(acme: Organization, olga: Membership, acme_directory: Directory, acme_token: str) -> dict[str, str]:
    """One row of every table that support reads, and the secrets that those rows hold."""
    membership = MembershipFactory(org=acme, email="uma@acme.example")
    domains.add_domain(org=acme, name="acme.example", actor=Actor.system())
    waiting = people.create_membership(
        org=acme, profile=Profile(email="ida@elsewhere.example"), origin="invite", actor=Actor.system()
    )
    prepared = invitations.prepare_invitation(org=acme, membership_public_id=str(waiting.public_id))
    assert prepared is not None
    group = Group.objects.create(org=acme, name="Makers", name_key="makers", source=GroupSource.SCIM)
    GroupMember.objects.create(org=acme, group=group, membership=membership)
    times = {"created_at": now(), "updated_at": now()}
    tenant = {"org": acme, "directory": acme_directory}
    DirectoryGroup.objects.create(**tenant, group=group, **times)
    DirectoryUser.objects.create(
        **tenant,
        **times,
        membership=membership,
        user_name="uma",
        user_name_key="uma",
        document={"nickName": "a-nick-name-of-the-document"},
    )
    RequestLog.objects.create(
        **tenant, at=now(), method="GET", path="/Users", status=200, public_id="b" * 32, subject="a-subject"
    )
    RefusedCalls.objects.create(**tenant, minute=now(), at=now(), status=401, cause="a-cause", method="GET", path="/")
    Rehearsal.objects.create(**tenant, provider="jumpcloud", asked_at=now())
    token = ScimToken.objects.get()
    return _single_sign_on_rows(acme, membership) | {
        "token": acme_token,
        "token digest": token.digest,
        "token nonce": str(token.nonce),
        "invitation": prepared[1],
        "invitation digest": InvitationLink.objects.get().digest,
        "document": "a-nick-name-of-the-document",
    }


def _single_sign_on_rows(acme: Organization, membership: Membership) -> dict[str, str]:
    """A connection with all that hangs on it; returns what of it must stay unread."""
    connection = metadata.create_connection(org=acme, name="JumpCloud", rules=SignInRules(), actor=Actor.system())
    connections.remember_identity(
        connection=connection, membership=membership, name_id="u-17", name_id_format="persistent", actor=Actor.system()
    )
    attempt = attempts.record_attempt(
        connection=connection, entry=AttemptRecord(AttemptOutcome.SIGNED_IN, ClientInfo("203.0.113.7"))
    )
    test = SignInTest.objects.create(
        org=acme,
        connection=connection,
        configuration=connection.configurations.get(),
        attempt=attempt,
        revision=1,
        started_at=now(),
        relay_digest="d" * 64,
        claims={"attributes": {"department": ["a-claim-of-a-person"]}},
    )
    assert test.pk
    key = SpKey.objects.get()
    return {
        "claim": "a-claim-of-a-person",
        "relay key": "d" * 64,
        "sealed key": key.private_sealed,
        "private key": sealed.unseal(key.private_sealed),
    }


@pytest.fixture
def sue(db: None) -> User:
    """Support staff, who has not set up a second factor."""
    user = tenancy.create_account(email="sue@gatehouse.example", password=PASSWORD, verified=True)
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def seed(sue: User) -> str:
    """The seed of Sue's authenticator app, which she has now."""
    secret = generate_totp_secret()
    TOTP.activate(sue, secret)
    return secret


def show_factor(client: Client, user: User) -> None:
    """The session holds what allauth writes once a second step has been given in it."""
    session = client.session
    session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] = [{"method": "mfa", "at": 1, "type": "totp"}]
    session.save()


@pytest.fixture
def support(sue: User, seed: str, sign_in: Callable[[User], Client]) -> Client:
    """Sue's browser, in which she has given password and second step."""
    client = sign_in(sue)
    show_factor(client, sue)
    return client


@pytest.fixture
def visitors(sue: User, olga: Membership, sign_in: Callable[[Any], Client]) -> dict[str, Callable[[], Client]]:
    """Everybody who may not enter; made when asked, since one account is staff twice."""

    def with_late_factor() -> Client:
        client = sign_in(sue)
        TOTP.activate(sue, generate_totp_secret())
        return client

    return {
        "anonymous": Client,
        "member": lambda: sign_in(olga),
        "staff without a factor": lambda: sign_in(sue),
        "staff before the factor": with_late_factor,
    }


@pytest.mark.parametrize(("visitor", "status"), STATUS_BY_VISITOR.items())
def test_no_page_opens_to_anybody_but_staff_with_a_second_factor(rows, visitors, visitor, status):
    client = visitors[visitor]()
    assert {client.get(url).status_code for url in addresses()} == {status}


def test_member_gets_the_same_answer_for_existing_and_missing_support_pages(rows, visitors):
    client = visitors["member"]()
    texts = [client.get(url).content.decode() for url in ("/admin/", "/admin/no/")]
    there, nowhere = (re.sub(r"[A-Za-z0-9]{64}|[0-9a-f]{32}", "mark", text) for text in texts)
    assert there == nowhere


def test_support_page_redirects_an_anonymous_visitor_to_sign_in_with_next(client, db):
    response = client.get("/admin/orgs/organization/?q=acme")
    assert response.url == "/accounts/login/?next=/admin/orgs/organization/%3Fq%3Dacme"


def test_staff_without_a_second_factor_are_redirected_to_set_one_up(sue, sign_in):
    assert sign_in(sue).get("/admin/").url == reverse("mfa_index")


def test_staff_with_recovery_codes_only_are_redirected_to_set_up_a_factor(sue, sign_in):
    Authenticator.objects.create(user=sue, type=Authenticator.Type.RECOVERY_CODES, data={"seed": "x", "used_mask": 0})
    assert sign_in(sue).get("/admin/").url == reverse("mfa_index")


def test_staff_session_older_than_the_factor_is_redirected_to_reauthentication(visitors):
    response = visitors["staff before the factor"]().get("/admin/")
    assert response.url == f"{reverse('mfa_reauthenticate')}?next=%2Fadmin%2F"


def test_second_factor_of_another_account_in_the_browser_does_not_open_the_site(support, sue, olga):
    show_factor(support, olga.user)
    assert support.get("/admin/").status_code == 302


def test_saml_session_of_staff_gets_403(support):
    session = support.session
    session[access.SIGN_IN_METHOD] = SignInMethod.SAML
    session.save()
    assert support.get("/admin/").status_code == 403


def test_staff_session_gets_404_once_the_account_is_no_longer_staff(support, sue):
    User.objects.filter(pk=sue.pk).update(is_staff=False)
    assert support.get("/admin/").status_code == 404


def test_staff_sign_in_by_password_and_code_opens_the_site(client, sue, seed):
    client.post(reverse("account_login"), {"login": sue.email, "password": PASSWORD})
    assert client.get("/admin/").status_code == 302
    client.post(reverse("mfa_authenticate"), {"code": current_code(seed)})
    assert client.get("/admin/").status_code == 200


def current_code(seed: str) -> str:
    return format_hotp_value(hotp_value(seed, next(iter(yield_hotp_counters_from_time()))))


def test_staff_session_opens_the_site_after_reauthentication_by_code(visitors, sue):
    client = visitors["staff before the factor"]()
    secret = FactorAdapter().decrypt(Authenticator.objects.get(user=sue).data["secret"])
    response = client.post(f"{reverse('mfa_reauthenticate')}?next=/admin/", {"code": current_code(secret)})
    assert response.url == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("name", "leads_to"),
    [
        ("admin:logout", "account_logout"),
        ("admin:password_change", "account_change_password"),
        ("admin:password_change_done", "account_change_password"),
        ("admin:login", "admin:index"),
    ],
)
def test_support_site_redirects_its_account_pages_to_those_of_the_account(support, name, leads_to):
    assert support.get(reverse(name)).url == reverse(leads_to)


def test_support_sign_in_url_redirects_to_the_account_sign_in(client, db):
    assert client.post(reverse("admin:login"), {"username": "sue"}).url == "/accounts/login/?next=/admin/"


FILTERED = [page for page in PAGES if page.list_filter]
BY_PUBLIC_ID = [page for page in PAGES if "public_id" in (page.fields or ())]


def test_support_site_registers_read_only_pages_only():
    assert (len(PAGES), len(FILTERED), len(BY_PUBLIC_ID)) == (21, 17, 17)
    assert all(isinstance(page, ReadOnlyAdmin) for page in PAGES)
    assert not admin.site.is_registered(Authenticator)


def test_staff_can_read_every_list_and_row(support, rows, subtests):
    for listing in PAGES:
        with subtests.test(str(listing)):
            assert support.get(reverse(page_name(listing, "changelist"))).status_code == 200
            assert support.get(row_url(listing, "change")).status_code == 200


def test_attempt_list_finds_one_attempt_by_its_code(support, rows):
    attempt = LoginAttempt.objects.get()
    listing = reverse("admin:sso_loginattempt_changelist")
    assert f"/{attempt.pk}/change/" in support.get(listing, {"q": attempt.code.lower()}).content.decode()
    assert f"/{attempt.pk}/change/" not in support.get(listing, {"q": "23456789"}).content.decode()


def test_staff_get_403_for_every_post_to_list_add_change_and_delete(support, rows, subtests):
    for listing in PAGES:
        changelist, add = (reverse(page_name(listing, act)) for act in ("changelist", "add"))
        change, delete = (row_url(listing, act) for act in ("change", "delete"))
        before = listing.model._default_manager.count()
        with subtests.test(str(listing)):
            answers = [support.post(url, {"post": "yes"}).status_code for url in (changelist, add, change, delete)]
            assert (answers, listing.model._default_manager.count()) == ([403] * 4, before)


@pytest.mark.parametrize("listing", PAGES, ids=str)
def test_support_page_fields_include_no_secret_column(listing):
    inlines = [name for inline in listing.inlines for name in inline.fields]
    named = {*(listing.fields or ()), *listing.list_display, *inlines}
    searched = {name.partition("__")[0] for name in listing.search_fields}
    assert listing.fields
    assert not (named | searched) & SECRET_COLUMNS


def test_support_pages_show_no_secret_of_their_rows(support, rows, olga, sign_in, seed):
    sign_in(olga)
    secrets = {
        **rows,
        "seed": seed,
        "sealed seed": Authenticator.objects.get().data["secret"],
        "password hashes": User.objects.get(email_key="sue@gatehouse.example").password,
        **{f"mark {grant.pk}": str(grant.session) for grant in SessionGrant.objects.all()},
        "session key": support.session.session_key,
    }
    shown = "".join(support.get(url).content.decode() for url in addresses())
    assert [name for name, secret in secrets.items() if secret in shown or secret.replace("-", "") in shown] == []


SECRETS_ASKED_FOR = (
    ("scim_scimtoken", "digest__startswith=a"),
    ("scim_scimtoken", "nonce__gt=0"),
    ("orgs_user", "password__startswith=m"),
    ("orgs_user", "groups__id__exact=1"),
    ("orgs_membership", "user__password__startswith=m"),
    ("orgs_membership", "session_grants__session__gt=0"),
    ("orgs_invitation", "digest=a"),
    ("orgs_domain", "txt_token__startswith=a"),
    ("scim_directoryuser", "document__nickName=x"),
    ("sso_connection", "sp_keys__private_sealed__startswith=a"),
    ("sso_configuration", "connection__sp_keys__private_sealed__startswith=a"),
    ("sso_signintest", "relay_digest__startswith=a"),
    ("sso_signintest", "claims__subject=a"),
    ("sso_samlidentity", "connection__sp_keys__private_sealed__startswith=a"),
    ("sso_loginattempt", "membership__user__password__startswith=m"),
)


def test_support_list_returns_400_for_a_filter_on_a_secret(support, rows, subtests):
    for table, lookup in SECRETS_ASKED_FOR:
        with subtests.test(f"{table}: {lookup}"):
            assert support.get(f"{reverse(f'admin:{table}_changelist')}?{lookup}").status_code == 400


def test_support_list_filters_all_return_200(support, rows, subtests):
    for listing in FILTERED:
        url = reverse(page_name(listing, "changelist"))
        offered = re.findall(r'href="(\?[^"]+)"', support.get(url).content.decode())
        with subtests.test(str(listing)):
            assert {support.get(url + query.replace("&amp;", "&")).status_code for query in offered} == {200}


def found(client: Client, table: str, query: str) -> int:
    return client.get(reverse(f"admin:{table}_changelist"), {"q": query}).context["cl"].result_count


@pytest.mark.parametrize("query", ["Acme", "acm", "ACME"])
def test_organization_list_finds_an_organization_by_name_and_slug(support, acme, globex, query):
    assert found(support, "orgs_organization", query) == 1


QUOTED = (
    ("orgs_user", "Uma@Acme.example"),
    ("orgs_membership", "uma@"),
    ("orgs_auditevent", "scim_token.created"),
    ("scim_requestlog", "b" * 32),
    ("scim_refusedcalls", "a-cause"),
    ("scim_directoryuser", "uma"),
    ("scim_directorygroup", "maker"),
    ("orgs_groupmember", "uma@acme"),
    ("orgs_invitation", "ida@"),
    ("orgs_domain", "acme.ex"),
)


def test_support_lists_find_one_row_by_what_a_customer_quotes(support, rows, globex, subtests):
    for table, query in QUOTED:
        with subtests.test(f"{table}: {query}"):
            assert found(support, table, query) == 1


def test_token_list_finds_a_token_by_its_last_four_characters(support, rows):
    assert found(support, "scim_scimtoken", rows["token"][-4:]) == 1


def test_token_list_does_not_find_a_token_by_digest_or_secret(support, rows):
    assert found(support, "scim_scimtoken", rows["token digest"]) == 0
    assert found(support, "scim_scimtoken", rows["token"]) == 0


def test_support_lists_find_every_row_by_its_public_id(support, rows, subtests):
    for listing in BY_PUBLIC_ID:
        row: Any = listing.model._default_manager.order_by("pk").first()
        answer = support.get(reverse(page_name(listing, "changelist")), {"q": str(row.public_id)})
        with subtests.test(str(listing)):
            assert row in answer.context["cl"].result_list


def in_two_words(code: str) -> str:
    return f"{code[:4]} {code[4:].lower()}."


@pytest.mark.parametrize("spelling", [str.upper, str.lower, in_two_words])
def test_attempt_list_finds_an_attempt_by_its_code_in_any_spelling(support, rows, spelling):
    attempt = LoginAttempt.objects.get()
    answer = support.get(reverse("admin:sso_loginattempt_changelist"), {"q": spelling(attempt.code)})
    assert list(answer.context["cl"].result_list) == [attempt]


def test_organization_page_links_to_lists_of_its_own_rows(support, rows, globex, acme):
    page = support.get(reverse("admin:orgs_organization_change", args=[acme.pk])).content.decode()
    links = re.findall(r'href="(/admin/[a-z/]+\?org__id__exact=\d+)"', page)
    seen = {row.org_id for link in links for row in support.get(link).context["cl"].result_list}
    assert (len(links), seen) == (9, {acme.pk})


def test_support_index_starts_with_the_search_for_organizations(support, db):
    page = support.get("/admin/").content.decode()
    forms = re.findall(r'<form[^>]*method="get"[^>]*action="([^"]+)"', page)
    assert forms[0] == reverse("admin:orgs_organization_changelist")


def test_support_list_takes_the_same_number_of_queries_for_one_row_as_for_thirty(support, acme, acme_directory):
    first = {page.model: queries_of(support, page) for page in PAGES}
    for number in range(30):
        org = OrganizationFactory(name=f"Org {number}", slug=f"org-{number}", owner_email=f"o{number}@many.example")
        TokenFactory(directory=Directory.objects.get(org=org))
    assert {page.model: queries_of(support, page) for page in PAGES} == first


def queries_of(client: Client, page: ModelAdmin) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse(page_name(page, "changelist")))
    return len(captured)


def test_support_list_count_stops_at_the_limit_and_says_so(support, acme, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "limit", 3)
    for number in range(4):
        MembershipFactory(org=acme, email=f"p{number}@acme.example")
    response = support.get(reverse("admin:orgs_membership_changelist"))
    assert b"3 or more memberships" in response.content


def test_account_list_finds_an_account_by_an_unverified_address(support):
    claim = tenancy.sign_up(email="newhire@acme.test", password=PASSWORD)
    page = support.get("/admin/orgs/user/?q=newhire@acme.test").content.decode()
    assert f"/admin/orgs/user/{claim.pk}/change/" in page


def test_account_page_lists_verified_addresses(support, stranger):
    page = support.get(f"/admin/orgs/user/{stranger.pk}/change/").content.decode()
    assert "Verified addresses" in page
    assert re.search(r'field-address_key">\s*<p>stranger@nowhere\.example</p>', page)
