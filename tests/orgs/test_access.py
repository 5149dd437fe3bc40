"""What a browser session may reach, and how it ends (decisions 4 to 6)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client

from orgs.base.clock import now
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import access, queries
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import SessionGrant
from orgs.tenancy.types import MembershipOrigin, SignInMethod, SuspensionSource
from tests import held
from tests.factories import ACTOR, OrganizationFactory

ACCOUNT_PAGES = ["/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/", "/admin/"]


def by_idp(membership):
    """Return a browser that an IdP's word has signed in: one grant, of one organization."""
    client, session_grant_id = Client(), uuid4()
    client.force_login(membership.user)
    session = client.session
    SessionGrant.objects.filter(session=UUID(session[access.SESSION_GRANT_ID])).delete()
    session.update(
        {
            access.SESSION_GRANT_ID: str(session_grant_id),
            access.SIGN_IN_METHOD: SignInMethod.SAML.value,
            access.HAD_GRANTS: True,
        }
    )
    session.save()
    tenancy.grant_session(
        membership=membership, session=session_grant_id, method=SignInMethod.SAML, expires_at=now() + timedelta(hours=8)
    )
    return client


def reached(client):
    response = client.get("/api/v1/me")
    return [org["slug"] for org in response.json()["organizations"]] if response.status_code == 200 else None


def hold(membership):
    people.suspend_membership(membership=membership, source=SuspensionSource.SCIM, actor=ACTOR)


def lift(membership):
    people.lift_suspension(membership=membership, source=SuspensionSource.SCIM, actor=ACTOR)


@pytest.fixture
def uma_at_globex(uma, globex):
    membership = people.create_membership(
        org=globex, profile=Profile(uma.email), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    people.accept_invitation(membership=membership, user=uma.user, actor=ACTOR, mailed_at=now())
    return membership


# decision 4


def test_saml_session_opens_its_organization_only(uma, uma_at_globex):
    client = by_idp(uma)
    assert reached(client) == ["acme"]
    assert client.get("/orgs/globex/").status_code == 404


@pytest.mark.parametrize("page", ACCOUNT_PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_saml_session_gets_403_on_account_pages(uma, page, method):
    assert getattr(by_idp(uma), method)(page).status_code == 403


def test_saml_session_of_staff_gets_403_in_the_support_console(uma):
    uma.user.is_staff = True
    uma.user.save()
    assert by_idp(uma).get("/admin/").status_code == 403


def test_saml_session_can_sign_out(uma):
    client = by_idp(uma)
    client.post("/accounts/logout/")
    assert reached(client) is None


def test_saml_session_is_not_extended_to_other_organizations(uma, uma_at_globex):
    client = by_idp(uma)
    client.post("/look-again/")
    assert reached(client) == ["acme"]


def test_saml_session_is_not_extended_when_another_membership_becomes_active(uma, uma_at_globex):
    hold(uma_at_globex)
    client = by_idp(uma)
    lift(uma_at_globex)
    assert reached(client) == ["acme"]


def test_session_grants_by_passkey_are_personal_and_by_saml_are_not():
    assert access.SessionGrants(method=SignInMethod.PASSKEY).is_personal
    assert not access.SessionGrants(method=SignInMethod.SAML).is_personal
    assert not access.SessionGrants().is_personal


def test_session_without_a_session_grant_id_opens_no_organization(stranger):
    client = Client()
    client.force_login(stranger)
    session = client.session
    del session[access.SESSION_GRANT_ID]
    session.save()
    assert reached(client) == []
    client.post("/look-again/")
    assert reached(client) == []


# decision 6


def test_suspension_deletes_the_session_grants(uma, sign_in):
    sign_in(uma)
    hold(uma)
    assert not SessionGrant.objects.filter(membership=uma).exists()


def test_suspension_keeps_other_organizations_open(uma, uma_at_globex, sign_in):
    client = sign_in(uma)
    hold(uma)
    assert client.get("/orgs/acme/").status_code == 404
    assert reached(client) == ["globex"]


@pytest.mark.parametrize("start", ["password", "idp"])
def test_session_without_any_grant_left_is_signed_out(uma, sign_in, start):
    client = sign_in(uma) if start == "password" else by_idp(uma)
    hold(uma)
    response = client.get("/orgs/acme/")
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/orgs/acme/")
    assert "_auth_user_id" not in client.session


def test_api_returns_401_when_the_session_has_no_grant_left(uma, sign_in):
    client = sign_in(uma)
    hold(uma)
    assert client.get("/api/v1/me").status_code == 401


def test_removal_of_a_membership_ends_its_sessions(uma, sign_in):
    client = sign_in(uma)
    held.remove(uma)
    assert client.get("/api/v1/me").status_code == 401


def test_lifting_a_suspension_restores_live_personal_sessions(uma, uma_at_globex, sign_in):
    client = sign_in(uma)
    hold(uma)
    lift(uma)
    assert reached(client) == ["acme", "globex"]


def test_lifting_a_suspension_does_not_restore_a_signed_out_session(uma, sign_in):
    client = sign_in(uma)
    hold(uma)
    client.get("/")
    lift(uma)
    assert reached(client) is None


def test_expired_session_grant_opens_nothing(uma, sign_in):
    client = sign_in(uma)
    SessionGrant.objects.update(expires_at=now() - timedelta(seconds=1))
    assert reached(client) is None


def test_extend_personal_sessions_ignores_expired_sessions(uma, uma_at_globex, sign_in):
    sign_in(uma)
    SessionGrant.objects.update(expires_at=now() - timedelta(seconds=1))
    tenancy.extend_personal_sessions(membership=uma)
    assert queries.personal_sessions_of(uma.user) == []


def test_extended_session_keeps_its_expiry(uma, uma_at_globex, sign_in):
    hold(uma_at_globex)
    sign_in(uma)
    lift(uma_at_globex)
    first, second = SessionGrant.objects.order_by("id")
    assert (second.membership, second.session, second.expires_at) == (uma_at_globex, first.session, first.expires_at)


def test_extend_personal_sessions_extends_every_session_of_the_person(uma, uma_at_globex, sign_in):
    hold(uma_at_globex)
    browsers = [sign_in(uma), sign_in(uma)]
    lift(uma_at_globex)
    assert [reached(client) for client in browsers] == [["acme", "globex"]] * 2


def test_extend_personal_sessions_creates_no_grant_for_an_invited_membership(acme):
    membership = people.create_membership(
        org=acme, profile=Profile("new@acme.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
    )
    tenancy.extend_personal_sessions(membership=membership)
    assert not SessionGrant.objects.exists()


def test_grant_session_twice_keeps_one_row(uma):
    session_grant_id = uuid4()
    for hours in (1, 2):
        tenancy.grant_session(
            membership=uma,
            session=session_grant_id,
            method=SignInMethod.PASSWORD,
            expires_at=now() + timedelta(hours=hours),
        )
    assert SessionGrant.objects.filter(session=session_grant_id).count() == 1


def test_extending_session_grants_opens_an_organization_joined_since_sign_in(stranger, sign_in, acme):
    client = sign_in(stranger)
    membership = people.create_membership(
        org=acme, profile=Profile(stranger.email), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    people.join(membership=membership, user=stranger, actor=ACTOR)
    assert reached(client) == []
    client.post("/look-again/")
    assert reached(client) == ["acme"]


def test_session_of_an_inactive_account_is_signed_out(uma, sign_in):
    client = sign_in(uma)
    uma.user.is_active = False
    uma.user.save()
    assert client.get("/orgs/acme/").status_code == 302


def test_session_of_a_person_without_memberships_stays_signed_in(stranger, sign_in):
    assert sign_in(stranger).get("/").status_code == 200


def test_open_session_grants_adds_nothing_for_a_saml_sign_in(rf, uma):
    from portal.site.accounts import open_session_grants

    request = rf.post("/")
    request.idp_sign_in, request.session = True, {}
    open_session_grants(request, uma.user)
    assert request.session == {}


def test_session_grants_are_listed_by_organization_name(uma, uma_at_globex, sign_in):
    OrganizationFactory(slug="zeta", name="Aardvark", owner_email=uma.email)
    client = sign_in(uma)
    assert reached(client) == ["zeta", "acme", "globex"]
