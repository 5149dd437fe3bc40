"""The pages of tokens write what they say, for their own organization only."""

from uuid import uuid4

import pytest

from orgs.base.clock import now
from scim.directories.models import ScimToken
from tests.factories import TokenFactory

TOKENS = "/orgs/acme/settings/authentication/tokens/"
PAGE = "/orgs/acme/settings/authentication/"


@pytest.fixture
def token(acme_directory):
    return TokenFactory(directory=acme_directory).token


@pytest.fixture
def admin(sign_in, adam):
    return sign_in(adam)


def test_new_token_view_stores_the_signed_in_admin_as_creator(admin, adam, acme_directory):
    form = {"label": "JumpCloud", "expires_in": "365", "nonce": str(uuid4())}
    response = admin.post(f"{TOKENS}new/", form)
    made = ScimToken.objects.get()
    assert (made.created_by, made.created_by_label) == (adam.user, adam.email)
    assert "no-store" in response["Cache-Control"]


def test_an_eleventh_token_is_refused_on_the_page_of_the_form(admin, acme_directory):
    for _ in range(10):
        TokenFactory(directory=acme_directory)
    form = {"label": "JumpCloud", "expires_in": "365", "nonce": str(uuid4())}
    assert admin.post(f"{TOKENS}new/", form).status_code == 400
    assert ScimToken.objects.count() == 10


def test_saved_view_marks_the_token_as_saved(admin, token):
    assert admin.post(f"{TOKENS}{token.public_id}/saved/")["Location"] == PAGE
    token.refresh_from_db()
    assert token.saved_at is not None


def test_revoke_view_asks_on_get_and_revokes_on_post(admin, token):
    assert admin.get(f"{TOKENS}{token.public_id}/revoke/").status_code == 200
    assert not ScimToken.objects.exclude(revoked_at=None).exists()
    assert admin.post(f"{TOKENS}{token.public_id}/revoke/", {"when": "0"})["Location"] == PAGE
    assert ScimToken.objects.exclude(revoked_at=None).exists()


@pytest.mark.parametrize("act", ["saved", "revoke"])
def test_saved_and_revoke_views_return_404_for_another_organizations_token(sign_in, greta, token, act):
    path = f"/orgs/globex/settings/authentication/tokens/{token.public_id}/{act}/"
    assert sign_in(greta).post(path).status_code == 404
    assert ScimToken.objects.filter(saved_at=None, revoked_at=None).count() == 1


def test_rotate_view_shows_the_new_token_once_and_plans_the_end_of_the_old_one(admin, token):
    form = {"label": "JumpCloud", "expires_in": "365", "overlap": "7", "nonce": str(uuid4())}
    response = admin.post(f"{TOKENS}{token.public_id}/rotate/", form)
    made = ScimToken.objects.get(replaces=token)
    token.refresh_from_db()
    assert made.last4 in response.content.decode()
    assert token.expires_at is not None


def test_change_view_stores_the_name_and_the_networks(admin, token):
    response = admin.post(f"{TOKENS}{token.public_id}/", {"label": "Okta", "networks": "192.0.2.7"})
    token.refresh_from_db()
    assert response["Location"] == PAGE
    assert (token.label, token.allowed_networks) == ("Okta", ["192.0.2.7/32"])


def test_change_view_says_that_the_token_has_ended_and_keeps_what_was_typed(admin, token):
    ScimToken.objects.update(revoked_at=now())
    response = admin.post(f"{TOKENS}{token.public_id}/", {"label": "Okta", "networks": "192.0.2.7"})
    assert response.status_code == 400
    assert "has ended already" in response.content.decode()
    assert 'value="Okta"' in response.content.decode()


def test_revoke_view_plans_the_end_of_a_token_in_use(admin, token):
    ScimToken.objects.update(last_used_at=now())
    address = f"{TOKENS}{token.public_id}/revoke/"
    assert admin.post(address, {"when": "0"}).status_code == 400
    assert admin.post(address, {"when": "1"})["Location"] == PAGE
    token.refresh_from_db()
    assert (token.revoked_at, token.expires_at is None) == (None, False)


def test_revoke_view_of_an_expired_token_asks_nothing_and_revokes_it(admin, token):
    ScimToken.objects.update(expires_at=now())
    page = admin.get(f"{TOKENS}{token.public_id}/revoke/").content.decode()
    assert '<input type="hidden" name="when" value="0">' in page
    assert "In 24 hours" not in page
