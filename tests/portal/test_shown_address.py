"""Under which address a person is shown: the account's own one after a personal proof only, else the organization's."""

import pytest
from django.test import RequestFactory

from orgs.audit.models import AuditEvent
from orgs.invitations import services as invitations
from orgs.people import queries as people_queries
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import access
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import Membership, User
from orgs.tenancy.types import MembershipOrigin, Role, SignInMethod
from portal.setup import add_domain
from tests.architecture.source import ROOT
from tests.factories import ACTOR, MembershipFactory
from tests.sso.conftest import browser, connection, draft, idp, idp_keys  # noqa: F401 - fixtures

WORK, PRIVATE = "pat@acme.example", "pat.private@home.example"
SETTINGS = "/orgs/acme/settings/"


@pytest.fixture
def pat(acme, olga) -> Membership:
    """An admin of acme, whose account has an address of its own."""
    account = tenancy.create_account(email=PRIVATE, password="a-long-test-password", verified=True)
    membership = MembershipFactory(org=acme, email=WORK, role=Role.ADMIN)
    Membership.objects.filter(pk=membership.pk).update(user=account)
    membership.refresh_from_db()
    return membership


@pytest.fixture
def by_idp(connection, idp, pat, browser):  # noqa: F811
    """Pat's browser, in which acme's identity provider has signed them in."""
    assert browser.sign_in(idp, connection, WORK).status_code == 302
    return browser.client


@pytest.fixture
def by_password(pat, sign_in):
    return sign_in(pat)


PAGES = [
    "/",
    f"{SETTINGS}authentication/",
    f"{SETTINGS}members/",
    f"{SETTINGS}sign-in-log/",
    "/accounts/login/",
    "/nowhere/",
]


@pytest.mark.parametrize("path", PAGES)
def test_pages_in_a_saml_session_do_not_show_the_accounts_own_address(by_idp, path):
    page = by_idp.get(path, follow=True).content.decode()
    assert PRIVATE not in page
    assert "/accounts/logout/" not in page or WORK in page


def test_refused_account_page_in_a_saml_session_does_not_show_the_accounts_own_address(by_idp):
    page = by_idp.get("/accounts/email/")
    assert (page.status_code, PRIVATE in page.content.decode()) == (403, False)


def test_me_shows_the_membership_address_in_a_saml_session(by_idp):
    assert by_idp.get("/api/v1/me").json() == {"email": WORK, "organizations": [{"slug": "acme", "role": "admin"}]}


def test_me_shows_the_account_address_in_a_password_session(by_password):
    assert by_password.get("/api/v1/me").json()["email"] == PRIVATE


def test_account_menu_shows_the_account_address_in_a_password_session(by_password):
    assert f"Account menu of {PRIVATE}" in by_password.get(f"{SETTINGS}members/").content.decode()


@pytest.mark.parametrize("session", ["by_idp", "by_password"])
def test_audit_log_shows_the_membership_address_in_any_session(request, session):
    client = request.getfixturevalue(session)
    client.post(f"{SETTINGS}domains/", {"name": "other.example"})
    event = AuditEvent.objects.get(action="domain.added", target_label="other.example")
    assert event.actor_label == WORK


def test_audit_log_shows_the_invited_address_when_an_account_accepts_from_home(acme, olga, sign_in):
    account = tenancy.create_account(email=PRIVATE, password="a-long-test-password", verified=True)
    add_domain(org=acme, name=WORK.partition("@")[2], verified=True, actor=ACTOR)
    # staff are asked, also with a fresh proof
    User.objects.filter(pk=account.pk).update(is_staff=True)
    tenancy.mark_address_verified(user=account, address=WORK)
    membership = people.create_membership(org=acme, profile=Profile(WORK), origin=MembershipOrigin.INVITE, actor=ACTOR)
    assert sign_in(account).post(f"/waiting/{membership.public_id}/accept/").status_code == 302
    assert AuditEvent.objects.get(action="membership.joined", target_id=str(membership.public_id)).actor_label == WORK


def test_audit_log_shows_the_invited_address_when_an_account_accepts_by_link(acme, olga, sign_in):
    account = tenancy.create_account(email=PRIVATE, password="a-long-test-password", verified=True)
    tenancy.mark_address_verified(user=account, address=WORK)
    membership = people.create_membership(org=acme, profile=Profile(WORK), origin=MembershipOrigin.INVITE, actor=ACTOR)
    prepared = invitations.prepare_invitation(org=acme, membership_public_id=str(membership.public_id))
    assert prepared is not None
    assert sign_in(account).post(f"/invitations/{prepared[1]}/accept/").status_code == 302
    assert AuditEvent.objects.get(action="membership.joined", target_id=str(membership.public_id)).actor_label == WORK


def test_settings_addresses_has_the_membership_address(acme, olga, pat):
    assert people_queries.settings_addresses(acme) == [olga.email, WORK]


def request_with(**given):
    request = RequestFactory().get("/")
    for name, value in given.items():
        setattr(request, name, value)
    return request


def test_shown_address_is_empty_when_nobody_is_signed_in():
    assert access.shown_address(request_with()) == ""


def test_shown_address_is_empty_in_a_saml_session_without_grants(pat):
    session_grants = access.SessionGrants(method=SignInMethod.SAML, is_signed_in=True)
    assert access.shown_address(request_with(user=pat.user, session_grants=session_grants)) == ""


def test_templates_do_not_read_the_accounts_address():
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.*")}
    # mails to an account name it: they go to its own mailbox, or name who asked
    pages = {path: text for path, text in texts.items() if path.parent != ROOT / "templates/account/email"}
    assert [str(path.relative_to(ROOT)) for path, text in pages.items() if "user.email" in text] == []
