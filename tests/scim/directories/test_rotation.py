"""Tokens change hands without a gap: a new one beside the old, an end that is planned, networks that are allowed."""

from datetime import timedelta
from uuid import uuid4

import pytest

from orgs.audit.models import AuditEvent
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.base.networks import read_network
from scim.directories import queries, services
from scim.directories.errors import TokenEnded
from scim.directories.forms import ChangeForm, EndForm, RotateForm, TokenForm
from scim.directories.models import ScimToken
from scim.directories.types import TokenOrder, TokenState
from tests.factories import TokenFactory

OLGA = Actor(ActorKind.PERSON, label="olga@acme.example")
WEEK = timedelta(days=7)


@pytest.fixture
def token(acme_directory):
    return TokenFactory(directory=acme_directory).token


def rotate(token, *, overlap=WEEK, nonce=None, **order):
    given = TokenOrder(**{"label": "JumpCloud", "nonce": nonce or uuid4()} | order)
    return services.rotate_token(token=token, order=given, overlap=overlap, actor=OLGA)


def test_rotate_token_returns_a_new_live_token_that_names_the_old_one(token):
    made = rotate(token)
    assert made.plain is not None
    assert made.token.replaces == token
    assert queries.token_state(made.token) is TokenState.LIVE


def test_rotate_token_ends_the_old_token_after_the_overlap(token):
    rotate(token)
    token.refresh_from_db()
    assert abs(token.expires_at - now() - WEEK) < timedelta(minutes=1)
    assert queries.token_state(token) is TokenState.LIVE


def test_rotate_token_without_overlap_leaves_the_old_token_as_it_is(token):
    rotate(token, overlap=None)
    token.refresh_from_db()
    assert token.expires_at is None


def test_rotate_token_sent_twice_makes_one_token(token):
    nonce = uuid4()
    first, second = rotate(token, nonce=nonce), rotate(token, nonce=nonce)
    assert (second.token, second.plain) == (first.token, None)
    assert ScimToken.objects.count() == 2


def test_rotate_token_of_a_revoked_token_makes_a_new_one_and_leaves_it_revoked(token):
    services.revoke_token(token=token, actor=OLGA)
    token.refresh_from_db()
    assert rotate(token).plain is not None
    assert queries.token_state(token) is TokenState.REVOKED


def test_retire_token_keeps_an_earlier_end(acme_directory):
    token = TokenFactory(directory=acme_directory, expires_in=timedelta(days=2)).token
    services.retire_token(token=token, after=WEEK, actor=OLGA)
    token.refresh_from_db()
    assert token.expires_at < now() + timedelta(days=3)
    assert not AuditEvent.objects.filter(action="scim_token.retired").exists()


def test_retire_token_is_in_the_audit_log_with_its_end_before_and_after(token):
    services.retire_token(token=token, after=WEEK, actor=OLGA)
    event = AuditEvent.objects.get(action="scim_token.retired")
    assert event.before == {"expires_at": None}
    assert event.after["expires_at"] == token.expires_at.isoformat()


def test_ended_token_is_neither_retired_nor_changed(token):
    services.revoke_token(token=token, actor=OLGA)
    with pytest.raises(TokenEnded):
        services.retire_token(token=token, after=WEEK, actor=OLGA)
    with pytest.raises(TokenEnded):
        services.change_token(token=token, label="Other", networks=(), actor=OLGA)


def test_change_token_stores_its_name_and_networks_and_the_audit_log_has_both(token):
    services.change_token(token=token, label="Okta", networks=["192.0.2.0/24"], actor=OLGA)
    stored = ScimToken.objects.get()
    event = AuditEvent.objects.get(action="scim_token.changed")
    assert (stored.label, stored.allowed_networks) == ("Okta", ["192.0.2.0/24"])
    assert (event.before["allowed_networks"], event.after["allowed_networks"]) == ([], ["192.0.2.0/24"])


def test_change_token_to_what_it_is_writes_nothing(token):
    services.change_token(token=token, label=token.label, networks=[], actor=OLGA)
    assert not AuditEvent.objects.filter(action="scim_token.changed").exists()


def form_of(**fields):
    return TokenForm({"label": "JumpCloud", "expires_in": "90", "nonce": str(uuid4()), **fields})


def test_networks_are_read_from_lines_and_commas_each_once():
    form = form_of(networks="192.0.2.7\n 192.0.2.9/24, 2001:db8::1\n192.0.2.7/32\n")
    assert form.is_valid()
    assert form.order().allowed_networks == ("192.0.2.7/32", "192.0.2.0/24", "2001:db8::1/128")


@pytest.mark.parametrize("text", ["jumpcloud.example", "192.0.2.256", "10.0.0.0/33", "192.0.2.7 192.0.2.8", "fe80::1%"])
def test_what_is_no_network_is_refused_by_name(text):
    form = form_of(networks=text)
    assert text[:60] in form.errors["networks"][0]


def test_more_than_fifty_networks_are_refused():
    form = form_of(networks="\n".join(f"10.0.{part}.0/24" for part in range(51)))
    assert "At most 50" in form.errors["networks"][0]


def test_form_of_a_rotation_is_filled_in_with_what_the_old_token_has(token):
    token.allowed_networks = ["192.0.2.0/24", "2001:db8::/48"]
    form = RotateForm.of(queries.token_settings(token))
    assert form.initial == {"label": token.label, "networks": "192.0.2.0/24\n2001:db8::/48"}


def used(token, ago, address="198.51.100.4"):
    token.last_used_at, token.last_used_ip = now() - ago, address
    token.save()
    return token


def test_networks_without_the_address_of_the_last_call_need_a_confirmation(token):
    used(token, WEEK)
    given = {"label": "JumpCloud", "networks": "192.0.2.0/24"}
    form = ChangeForm(queries.token_settings(token), given)
    assert "198.51.100.4" in form.errors["confirm"][0]
    assert form.asks
    assert ChangeForm(queries.token_settings(token), {**given, "confirm": "on"}).is_valid()
    assert ChangeForm(queries.token_settings(token), {**given, "networks": "198.51.100.0/24"}).is_valid()


def test_end_of_a_token_that_was_used_today_needs_a_confirmation_to_be_at_once(token):
    used(token, timedelta(hours=23))
    assert "confirm" in EndForm(queries.token_settings(token), {"when": "0"}).errors
    assert EndForm(queries.token_settings(token), {"when": "0", "confirm": "on"}).is_valid()


def test_end_of_a_token_that_was_used_today_can_be_planned_without_confirmation(token):
    form = EndForm(queries.token_settings(used(token, timedelta(hours=23))), {"when": "1"})
    assert form.is_valid()
    assert form.delay() == timedelta(days=1)


def test_end_of_a_token_that_was_not_used_today_needs_no_confirmation(token):
    used(token, timedelta(hours=25))
    assert EndForm(queries.token_settings(token), {"when": "0"}).is_valid()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.9/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::c000:207/120", "::c000:200/120"),
        ("2001:db8::7/48", "2001:db8::/48"),
    ],
)
def test_network_of_ipv4_in_ipv6_form_is_read_as_ipv4(written, read):
    assert read_network(written) == read


@pytest.mark.parametrize(("address", "status"), [("192.0.2.7", 200), ("::ffff:192.0.2.7", 200), ("192.0.3.7", 401)])
def test_token_with_networks_opens_the_directory_from_these_alone(scim, address, status):
    ScimToken.objects.update(allowed_networks=["192.0.2.0/24", "2001:db8::/48"])
    scim.client.defaults["REMOTE_ADDR"] = address
    assert scim.get("/Users").status_code == status


def test_refusal_of_a_foreign_network_is_named_in_the_log_and_at_the_token_and_not_to_the_caller(scim):
    ScimToken.objects.update(allowed_networks=["192.0.2.0/24"])
    scim.client.defaults["REMOTE_ADDR"] = "198.51.100.4"
    response = scim.get("/Users")
    token = ScimToken.objects.get()
    assert "198.51.100.4" not in response.content.decode()
    assert (token.refused_ip, token.last_used_at) == ("198.51.100.4", None)


def test_use_of_a_revoked_token_is_stored_at_the_token(scim):
    ScimToken.objects.update(revoked_at=now())
    scim.client.defaults["REMOTE_ADDR"] = "198.51.100.4"
    scim.get("/Users")
    assert ScimToken.objects.get().refused_ip == "198.51.100.4"
