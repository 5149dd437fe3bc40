"""Bearer tokens: shown once, stored as a digest, revoked at once."""

import logging
from datetime import timedelta
from uuid import uuid4

import pytest

from orgs.audit.models import AuditEvent
from orgs.base import credentials
from orgs.base.actor import Actor, ActorKind
from orgs.base.clock import now
from orgs.events import services as outbox
from orgs.events.models import OutboxEvent
from orgs.people import services as people
from orgs.tenancy.types import SuspensionSource
from scim.directories import queries, services
from scim.directories.errors import DirectoryUnknown, TokenRefused, TokenUnknown, TooManyTokens
from scim.directories.forms import TokenForm
from scim.directories.models import Directory, ScimToken
from scim.directories.types import DirectoryState, TokenOrder, TokenState
from tests.factories import ACTOR, TokenFactory

OLGA = Actor(ActorKind.PERSON, label="olga@acme.example")


def generate(directory, nonce=None, actor=OLGA, **order):
    given = TokenOrder(**{"label": "JumpCloud", "nonce": nonce or uuid4()} | order)
    return services.generate_token(directory=directory, order=given, actor=actor)


@pytest.fixture
def made(acme_directory):
    return generate(acme_directory)


def stored(made):
    return ScimToken.objects.get(pk=made.token.pk)


def revoke(made):
    services.revoke_token(token=made.token, actor=OLGA)


def admit(directory, plain, ip=""):
    return queries.admit(directory=str(directory.public_id), digest=credentials.digest(plain), ip=ip)


def reason(directory, plain):
    with pytest.raises(TokenRefused) as refused:
        admit(directory, plain)
    return refused.value.reason


def test_generated_token_is_a_prefix_and_256_random_bits(made):
    assert made.plain.startswith("ghs_")
    assert len(made.plain) == 47
    assert (made.token.prefix, made.token.last4) == ("ghs_", made.plain[-4:])


def test_stored_token_has_the_digest_and_not_the_plain_text(made):
    row = ScimToken.objects.values().get()
    assert row["digest"] == credentials.digest(made.plain)
    assert made.plain not in str(row)


def test_token_plain_text_is_in_no_repr_audit_event_outbox_event_or_log(acme_directory, caplog):
    caplog.set_level(logging.DEBUG)
    made = generate(acme_directory)
    admit(acme_directory, made.plain)
    revoke(made)
    kept = str(list(AuditEvent.objects.values())) + str(list(OutboxEvent.objects.values()))
    shown = repr(made) + str(made.token) + repr(made.token) + repr(credentials.mint("ghs_"))
    assert made.plain[4:] not in kept + shown + caplog.text
    assert made.token.digest not in kept + shown + caplog.text


def test_generate_token_with_the_same_nonce_returns_the_first_token_without_plain_text(acme_directory):
    nonce = uuid4()
    first, second = generate(acme_directory, nonce), generate(acme_directory, nonce, label="Other")
    assert (second.token, second.plain) == (first.token, None)
    assert OutboxEvent.objects.filter(kind="scim_token.created").count() == 1


def test_same_nonce_generates_a_token_in_each_of_two_directories(acme_directory, globex):
    nonce = uuid4()
    generate(acme_directory, nonce)
    assert generate(queries.first_directory(globex), nonce).plain is not None


def test_two_live_tokens_of_one_directory_are_both_admitted(acme_directory):
    tokens = [generate(acme_directory) for _ in range(2)]
    admitted = [admit(acme_directory, made.plain).token_id for made in tokens]
    assert admitted == [made.token.pk for made in tokens]


def test_generate_token_raises_too_many_tokens_for_the_eleventh_live_token(acme_directory):
    for _ in range(10):
        generate(acme_directory)
    with pytest.raises(TooManyTokens):
        generate(acme_directory)


@pytest.mark.parametrize("ended", [{"revoked_at": now()}, {"expires_at": now() - timedelta(days=1)}])
def test_revoked_and_expired_tokens_do_not_count_toward_the_limit(acme_directory, ended):
    for _ in range(10):
        generate(acme_directory)
    ScimToken.objects.filter(pk=ScimToken.objects.first().pk).update(**ended)
    assert generate(acme_directory).plain is not None


def test_generate_token_is_audited_with_last4_and_expiry(made):
    event = AuditEvent.objects.get(action="scim_token.created")
    assert (event.target_label, event.actor_label) == ("JumpCloud", "olga@acme.example")
    assert event.after == {"last4": made.token.last4, "expires_at": None}


def test_generated_token_expires_after_the_requested_time(acme_directory):
    made = generate(acme_directory, expires_in=timedelta(days=90))
    assert made.token.expires_at - now() == pytest.approx(timedelta(days=90), abs=timedelta(seconds=5))


def test_generate_token_stores_the_creator_and_their_label(acme_directory, olga):
    order = TokenOrder("JumpCloud", uuid4())
    made = services.generate_token(directory=acme_directory, order=order, actor=OLGA, creator=olga.user)
    assert (made.token.created_by, made.token.created_by_label) == (olga.user, "olga@acme.example")


def test_request_with_a_revoked_token_returns_401(scim, acme_directory):
    services.revoke_token(token=acme_directory.tokens.get(), actor=OLGA)
    assert scim.get("/Users").status_code == 401


def test_revoke_token_twice_keeps_the_first_time_and_is_audited_once(made):
    revoke(made)
    revoked_at = stored(made).revoked_at
    revoke(made)
    assert stored(made).revoked_at == revoked_at
    assert AuditEvent.objects.filter(action="scim_token.revoked").count() == 1


def test_confirm_saved_twice_keeps_the_first_time(made):
    services.confirm_saved(token=made.token)
    saved_at = stored(made).saved_at
    services.confirm_saved(token=made.token)
    assert stored(made).saved_at == saved_at is not None


# who is let in


def test_admit_returns_token_directory_and_organization_by_one_statement(
    acme_directory, made, django_assert_num_queries
):
    with django_assert_num_queries(1):
        caller = admit(acme_directory, made.plain, "192.0.2.1")
        found = (caller.token_id, caller.directory, caller.directory.org, caller.org.name, caller.directory.state)
    assert found == (made.token.pk, acme_directory, acme_directory.org, "Acme", DirectoryState.ACTIVE)
    assert (caller.actor.reference, caller.actor.ip) == (str(made.token.public_id), "192.0.2.1")


def test_admit_refuses_an_unknown_token(acme_directory):
    assert reason(acme_directory, "ghs_nonsense") == "Unknown token: it isn't one of this directory's"


def test_admit_refuses_another_directorys_token_as_unknown(acme_directory, globex):
    plain = generate(queries.first_directory(globex)).plain
    assert reason(acme_directory, plain) == reason(acme_directory, "ghs_nonsense")


def test_admit_reason_names_the_expired_or_revoked_token(acme_directory, made):
    ScimToken.objects.update(expires_at=now() - timedelta(seconds=1))
    assert reason(acme_directory, made.plain) == f"Expired token: JumpCloud (ends with {made.token.last4})"
    revoke(made)
    assert reason(acme_directory, made.plain) == f"Revoked token: JumpCloud (ends with {made.token.last4})"


def test_admit_refuses_a_live_token_when_the_directory_is_disabled(acme_directory, made):
    Directory.objects.update(state=DirectoryState.DISABLED)
    assert reason(acme_directory, made.plain) == "This directory is disabled"


def test_token_is_expired_at_its_expiry_time(made, monkeypatch):
    made.token.expires_at = now()
    monkeypatch.setattr(queries, "now", lambda: made.token.expires_at)
    assert queries.token_state(made.token) is TokenState.EXPIRED


# the last use


def use(made, ip):
    services.touch_last_used(caller=admit(made.token.directory, made.plain, ip))


def test_touch_last_used_stores_the_ip_address(made):
    use(made, "192.0.2.1")
    assert stored(made).last_used_ip == "192.0.2.1"


@pytest.mark.parametrize("ip", ["192.0.2.1", ""])
def test_touch_last_used_writes_nothing_within_a_minute_from_the_same_address(made, django_assert_num_queries, ip):
    use(made, ip)
    caller = admit(made.token.directory, made.plain, ip)
    with django_assert_num_queries(0):
        services.touch_last_used(caller=caller)


def test_touch_last_used_writes_at_once_when_the_address_changed(made):
    use(made, "192.0.2.1")
    use(made, "2001:db8::2")
    assert stored(made).last_used_ip == "2001:db8::2"


def test_touch_last_used_writes_again_after_a_minute(made):
    long_ago = now() - timedelta(seconds=61)
    ScimToken.objects.update(last_used_at=long_ago, last_used_ip="192.0.2.1")
    use(made, "192.0.2.1")
    assert stored(made).last_used_at > long_ago


def test_touch_last_used_never_overwrites_a_later_use_with_an_earlier_one(made, monkeypatch):
    use(made, "192.0.2.1")
    monkeypatch.setattr(services.tokens, "now", lambda: now() - timedelta(hours=1))
    use(made, "192.0.2.9")
    assert stored(made).last_used_ip == "192.0.2.1"


# the notice


def test_new_token_notice_is_mailed_to_owners_and_admins_only(olga, adam, uma, gil, made, mailoutbox):
    outbox.deliver_due()
    assert sorted(mail.to[0] for mail in mailoutbox) == ["adam@acme.example", "olga@acme.example"]


def test_new_token_notice_names_last4_creator_and_settings_page_without_the_plain_text(made, mailoutbox):
    outbox.deliver_due()
    body = mailoutbox[0].body
    assert "http://testserver/orgs/acme/settings/authentication/" in body
    assert f"Ends with: {made.token.last4}" in body
    assert "Generated by: olga@acme.example" in body
    assert made.plain not in body


def test_new_token_notice_is_not_mailed_to_a_suspended_admin(made, adam, mailoutbox):
    people.suspend_membership(membership=adam, source=SuspensionSource.SCIM, actor=ACTOR)
    outbox.deliver_due()
    assert [mail.to[0] for mail in mailoutbox] == ["olga@acme.example"]


# finding


def test_first_directory_raises_directory_unknown_when_there_is_none(acme):
    Directory.objects.all().delete()
    with pytest.raises(DirectoryUnknown):
        queries.first_directory(acme)


def test_create_directory_is_audited(acme):
    directory = services.create_directory(org=acme, actor=OLGA)
    assert AuditEvent.objects.filter(action="directory.created", target_id=str(directory.public_id)).exists()
    assert str(directory) == f"Directory ({directory.public_id})"


@pytest.mark.parametrize("spell", [str, lambda public_id: str(public_id).upper()])
def test_find_by_public_id_finds_a_directory_in_either_case(acme_directory, spell):
    assert queries.find_by_public_id(spell(acme_directory.public_id)) == acme_directory


@pytest.mark.parametrize(
    "spell", [lambda public_id: public_id.hex, lambda public_id: f"{{{public_id}}}", lambda _: "x"]
)
def test_find_by_public_id_returns_none_for_other_spellings_of_the_id(acme_directory, spell):
    assert queries.find_by_public_id(spell(acme_directory.public_id)) is None


def test_find_token_raises_token_unknown_in_another_organization(acme, globex, made):
    assert queries.find_token(acme, made.token.public_id) == made.token
    with pytest.raises(TokenUnknown):
        queries.find_token(globex, made.token.public_id)


def test_list_tokens_puts_live_tokens_before_revoked_ones(acme_directory):
    first, second, third = (TokenFactory(directory=acme_directory) for _ in range(3))
    services.revoke_token(token=third.token, actor=OLGA)
    assert list(queries.list_tokens(acme_directory)) == [second.token, first.token, third.token]


@pytest.mark.parametrize(("days", "life"), [("365", timedelta(days=365)), ("0", None)])
def test_token_form_gives_an_order_with_trimmed_label_and_chosen_lifetime(days, life):
    form = TokenForm({"label": " JumpCloud ", "expires_in": days, "nonce": str(uuid4())})
    assert form.is_valid()
    assert (form.order().label, form.order().expires_in) == ("JumpCloud", life)


@pytest.mark.parametrize(
    "changes", [{"label": ""}, {"label": "a\u202eb"}, {"label": "x" * 101}, {"expires_in": "7"}, {"nonce": "1"}]
)
def test_token_form_refuses_a_bad_label_lifetime_or_nonce(changes):
    given = {"label": "JumpCloud", "expires_in": "365", "nonce": str(uuid4())}
    assert not TokenForm(given | changes).is_valid()
