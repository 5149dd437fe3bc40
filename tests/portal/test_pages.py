"""What Authentication & SSO and the pages around it show and offer."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from orgs.base.clock import now
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy import services as tenancy
from orgs.tenancy.models import User
from orgs.tenancy.types import MembershipOrigin
from portal.setup import add_domain
from scim.directories.queries import base_url, list_tokens
from scim.directories.services import confirm_saved, revoke_token
from scim.requests.models import RefusedCalls
from scim.requests.services import record, record_refusal
from scim.requests.types import LoggedRequest, LoggedResponse
from sso.connections.types import SignInRules
from sso.metadata import services as metadata
from tests.factories import ACTOR, TokenFactory
from tests.scim.requests.rows import move

PAGE = "/orgs/acme/settings/authentication/"
PULSE = f"{PAGE}pulse/"


def text_of(response):
    return " ".join(response.content.decode().split())


def call(directory, token=None, status=200, at=None):
    row = record(
        org_id=directory.org_id,
        directory_id=directory.pk,
        token_id=token.pk,
        call=LoggedRequest(method="GET", path="/Users", user_agent="JumpCloud"),
        answer=LoggedResponse(status=status),
    )
    if at is not None:
        move(row, at)
    return row


def refuse(directory, count=1, at=None):
    for _ in range(count):
        record_refusal(
            org_id=directory.org_id,
            directory_id=directory.pk,
            token_id=None,
            call=LoggedRequest(method="GET", path="/Users"),
            answer=LoggedResponse(status=401, detail="Unknown token"),
        )
    if at is not None:
        RefusedCalls.objects.update(minute=at, at=at)


@pytest.fixture
def token(acme_directory):
    return TokenFactory(directory=acme_directory, label="JumpCloud production").token


@pytest.fixture
def admin(sign_in, olga):
    return sign_in(olga)


def test_authentication_page_shows_the_whole_base_url(admin, acme_directory):
    assert base_url(acme_directory) in text_of(admin.get(PAGE))


def test_authentication_page_says_when_single_sign_on_is_not_set_up(admin):
    assert "Not set up" in text_of(admin.get(PAGE))


def test_authentication_page_names_jumpclouds_fields_in_the_order_of_its_form(admin):
    page = text_of(admin.get(PAGE))
    labels = ["Identity Management", "SCIM 2.0", "<b>Base URL</b>", "<b>Token Key</b>", "<b>Test User Email</b>"]
    labels += ["<b>Test Connection</b>", "<b>Activate</b>"]
    steps = page[page.index("Where these go in JumpCloud") :]
    places = [steps.index(label) for label in labels]
    assert places == sorted(places)


def test_authentication_page_without_a_token_says_not_connected(admin):
    assert "Not connected" in text_of(admin.get(PAGE))


def test_authentication_page_never_shows_a_token_digest(admin, token):
    assert token.digest not in text_of(admin.get(PAGE))


def test_authentication_page_shows_label_and_last_characters_of_a_token(admin, token):
    page = text_of(admin.get(PAGE))
    assert "JumpCloud production" in page
    assert f"{token.prefix}…{token.last4}" in page


def test_authentication_page_shows_a_reminder_until_a_token_is_confirmed_as_saved(admin, token):
    assert "Nobody has confirmed yet" in text_of(admin.get(PAGE))
    confirm_saved(token=token)
    assert "Nobody has confirmed yet" not in text_of(admin.get(PAGE))


def test_authentication_page_lists_a_revoked_token_under_ended_tokens(admin, token):
    revoke_token(token=token, actor=ACTOR)
    assert "Ended tokens (1)" in text_of(admin.get(PAGE))


def test_authentication_page_warns_of_a_token_that_expires_soon(admin, acme_directory):
    TokenFactory(directory=acme_directory, expires_in=timedelta(days=10))
    assert "one ends soon" in text_of(admin.get(PAGE))


def test_pulse_polls_while_no_request_has_arrived(admin, token):
    assert 'hx-trigger="every 2s"' in text_of(admin.get(PULSE))


def test_pulse_returns_204_while_nothing_is_new(admin, token):
    assert admin.get(PULSE, {"shown": "never_called-0"}).status_code == 204


def test_pulse_shows_the_first_request_and_stops_polling(admin, acme_directory, token):
    call(acme_directory, token)
    pulse = text_of(admin.get(PULSE, {"shown": "never_called-0"}))
    assert "Receiving requests" in pulse
    assert "List users" in pulse
    assert "hx-trigger" not in pulse


def test_pulse_shows_a_refused_attempt_as_a_warning_before_the_first_request(admin, acme_directory, token):
    refuse(acme_directory)
    pulse = text_of(admin.get(PULSE, {"shown": "never_called-0"}))
    assert 'pill-warn">' in pulse
    assert "1 refused attempt<" in pulse
    assert "paste the whole token there again" in pulse
    assert "pill-bad" not in pulse


def test_pulse_stays_healthy_when_a_wrong_token_is_refused_after_a_good_request(admin, acme_directory, token):
    call(acme_directory, token)
    refuse(acme_directory, 3)
    pulse = text_of(admin.get(PULSE))
    assert "Receiving requests" in pulse
    assert "3 refused attempts<" in pulse
    assert "there is nothing to do" in pulse
    assert "pill-bad" not in pulse
    assert "200 OK" in pulse


def test_pulse_shows_no_refusal_after_a_later_request_with_a_live_token(admin, acme_directory, token):
    refuse(acme_directory)
    call(acme_directory, token)
    assert "refused attempt" not in text_of(admin.get(PULSE))


def test_pulse_shows_no_refusal_older_than_a_day(admin, acme_directory, token):
    refuse(acme_directory, at=now() - timedelta(hours=25))
    assert "refused attempt" not in text_of(admin.get(PULSE))


def test_authentication_page_shows_a_refused_token_as_a_warning_and_not_as_an_error(admin, acme_directory, token):
    call(acme_directory, token)
    refuse(acme_directory)
    page = text_of(admin.get(PAGE))
    assert "1 refused attempt<" in page
    assert "pill-bad" not in page


def test_pulse_warns_after_a_day_without_requests(admin, acme_directory, token):
    call(acme_directory, token, at=now() - timedelta(hours=25))
    assert "which is longer than usual" in text_of(admin.get(PULSE))


def test_pulse_says_when_the_last_request_failed_on_our_side(admin, acme_directory, token):
    call(acme_directory, token, status=500)
    assert "Failed at step 1" in text_of(admin.get(PULSE))


def test_pulse_asks_for_a_token_when_the_last_one_was_revoked(admin, acme_directory, token):
    call(acme_directory, token)
    revoke_token(token=token, actor=ACTOR)
    assert "Not connected" in text_of(admin.get(PULSE))


def test_authentication_page_lists_recent_requests_with_links_to_the_log(admin, acme_directory, token):
    row = call(acme_directory, token)
    page = text_of(admin.get(PAGE))
    assert reverse("requests:request", args=["acme", row.public_id]) in page
    assert reverse("requests:log", args=["acme"]) in page


@pytest.mark.parametrize("count", [1, 9])
def test_authentication_page_takes_the_same_number_of_queries_for_one_token_as_for_nine(
    admin, acme_directory, count, django_assert_num_queries
):
    for _ in range(count):
        call(acme_directory, TokenFactory(directory=acme_directory).token)
    with django_assert_num_queries(14):
        admin.get(PAGE)


@pytest.mark.parametrize("count", [1, 9])
def test_authentication_page_takes_the_same_number_of_queries_for_one_connection_as_for_nine(
    admin, acme, count, django_assert_num_queries
):
    for number in range(count):
        metadata.create_connection(org=acme, name=f"IdP {number}", rules=SignInRules(), actor=ACTOR)
    with django_assert_num_queries(15):
        admin.get(PAGE)


def test_list_tokens_puts_live_tokens_first(acme_directory, token):
    revoke_token(token=TokenFactory(directory=acme_directory).token, actor=ACTOR)
    assert list_tokens(acme_directory).first() == token


def test_authentication_page_has_no_uncompiled_component(admin, token):
    assert b"<c-" not in admin.get(PAGE).content


def test_organization_page_tells_a_plain_member_that_settings_are_for_owners_and_admins(sign_in, uma):
    page = text_of(sign_in(uma).get("/orgs/acme/"))
    assert "for its owners and admins" in page
    assert "settings/authentication" not in page


def test_home_links_to_each_of_two_organizations(sign_in, olga, globex):
    profile = Profile(olga.email)
    people.join(
        membership=people.create_membership(org=globex, profile=profile, origin=MembershipOrigin.INVITE, actor=ACTOR),
        user=olga.user,
        actor=ACTOR,
    )
    page = text_of(sign_in(olga).get("/"))
    assert 'href="/orgs/globex/"' in page


def test_home_without_organizations_offers_to_look_again(sign_in, stranger):
    page = text_of(sign_in(stranger).get("/"))
    assert "No organization yet" in page
    assert f'action="{reverse("look_again")}"' in page


def test_home_offers_to_accept_an_invited_membership(sign_in, stranger, acme):
    add_domain(org=acme, name=stranger.email.partition("@")[2], verified=True, actor=ACTOR)
    # staff are asked, also with a fresh proof of the address
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    tenancy.mark_address_verified(user=stranger, address=stranger.email)
    membership = people.create_membership(
        org=acme, profile=Profile(stranger.email), origin=MembershipOrigin.INVITE, actor=ACTOR
    )
    assert reverse("accept_waiting", args=[membership.public_id]) in text_of(sign_in(stranger).get("/"))


def test_accept_from_home_returns_404_with_a_code_when_the_membership_is_gone(sign_in, stranger):
    response = sign_in(stranger).post(reverse("accept_waiting", args=[uuid4()]))
    assert response.status_code == 404
    assert "invitation_unknown" in text_of(response)


def test_form_without_a_csrf_token_says_that_nothing_was_changed(db):
    response = Client(enforce_csrf_checks=True).post(reverse("look_again"))
    assert response.status_code == 403
    assert "Nothing was changed" in text_of(response)
