"""What only owners may do needs their own proof: no identity provider can give it."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory

from orgs.tenancy import access
from orgs.tenancy.access import owner_required
from orgs.tenancy.models import SessionGrant, User
from orgs.tenancy.types import SignInMethod
from tests.orgs.test_access import by_idp
from tests.portal.test_ways_to_a_membership import callers_of

PATH = "/orgs/acme/settings/ownership/"


@owner_required
def act(request: Any, org_slug: str) -> HttpResponse:
    return HttpResponse(f"done by {request.actor.label}")


def enter(client, view=act):
    """Call the view as the middleware does for the session of this browser."""
    request: Any = RequestFactory().post(PATH)
    request.session, request.client_ip = client.session, ""
    request.user = User.objects.get(pk=client.session["_auth_user_id"])
    request.session_grants = access.read_session_grants(client.session)
    return view(request, "acme")


@pytest.mark.parametrize("method", [SignInMethod.PASSWORD, SignInMethod.PASSKEY])
def test_owner_required_admits_an_owner_signed_in_by_password_or_passkey(olga, sign_in, method):
    client = sign_in(olga)
    SessionGrant.objects.update(method=method)
    assert enter(client).content == b"done by olga@acme.example"


def test_owner_required_returns_403_for_an_owner_signed_in_by_saml(olga):
    answer = enter(by_idp(olga))
    assert answer.status_code == 403
    assert "This needs an owner’s own proof" in answer.content.decode()
    assert "done" not in answer.content.decode()


def test_owner_required_checks_the_method_of_this_organizations_grant(olga, sign_in):
    client = sign_in(olga)
    SessionGrant.objects.update(method=SignInMethod.SAML)
    assert enter(client).status_code == 403


@pytest.mark.parametrize("who", ["adam", "uma", "gil"])
def test_owner_required_refuses_members_who_are_not_owners(request, sign_in, who):
    with pytest.raises(PermissionDenied):
        enter(sign_in(request.getfixturevalue(who)))


def test_owner_required_raises_404_for_an_owner_of_another_organization(acme, olga, greta, sign_in):
    with pytest.raises(Http404):
        enter(sign_in(greta))


def test_owner_required_redirects_to_sign_in_when_nobody_is_signed_in(acme):
    request: Any = RequestFactory().get(PATH)
    request.session_grants = access.SessionGrants()
    assert act(request, "acme").status_code == 302


def test_admin_required_admits_an_owner_signed_in_by_saml(olga):
    admins = access.admin_required(lambda request, org_slug: HttpResponse("done"))
    assert enter(by_idp(olga), admins).content == b"done"


# what makes an owner or deletes an organization, by who calls it; a view among them must be guarded by `owner_required`
OWNER_ACTS = {
    "grant_role": {
        "orgs/people/services/create.py:create_owner_membership",
        # a fixed role that is no owner's
        "sso/admission/services.py:_join",
        "portal/setup.py:_make_owner",
    },
    "create_owner_membership": {"portal/setup.py:create_org", "portal/setup.py:add_owner"},
    "create_org": {"portal/management/commands/create_org.py:act"},
    "add_owner": {"portal/management/commands/add_owner.py:act"},
    "delete_organization": set[str](),
}


@pytest.mark.parametrize("name", OWNER_ACTS)
def test_no_page_makes_owners_or_deletes_organizations(name):
    """Only operators do, by commands. Whoever adds such a page guards it, and adds it here."""
    assert set(callers_of(name)) == OWNER_ACTS[name]
