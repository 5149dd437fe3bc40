"""The ground that the topics stand on: sealed values, credentials, keys, names, and the wall between tenants."""

import unicodedata
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from orgs.base import credentials, sealed
from orgs.base.actor import Actor
from orgs.base.errors import DomainError
from orgs.base.tenant_keys import TenantForeignKey
from orgs.base.text import (
    EXACT_KEY_LENGTH,
    address_domain,
    address_key,
    domain_as_read,
    domain_key,
    exact_key,
    folded,
    initials,
    mail_address,
    text_key,
)
from orgs.events.models import OutboxEvent
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import MembershipAddress, RoleGrant, SessionGrant, Suspension, User
from orgs.tenancy.types import MembershipOrigin, SuspensionSource
from tests.factories import ACTOR

OTHER_KEYS = ["b3RoZXItdGVzdC1maWVsZC1rZXktMzItYnl0ZXMtbG8="]


def test_sealed_text_is_unsealed_with_the_same_keys():
    closed = sealed.seal("seed")
    assert "seed" not in closed
    assert sealed.unseal(closed) == "seed"


def test_sealed_text_is_unsealed_with_an_older_key(settings):
    closed = sealed.seal("seed")
    settings.FIELD_KEYS = OTHER_KEYS + settings.FIELD_KEYS
    assert sealed.unseal(closed) == "seed"


@pytest.mark.parametrize("spoil", [lambda text: text[:-4] + "AAAA", lambda text: "", lambda text: "nonsense"])
def test_unseal_raises_seal_broken_for_an_altered_value(spoil):
    with pytest.raises(sealed.SealBroken):
        sealed.unseal(spoil(sealed.seal("seed")))


def test_unseal_raises_seal_broken_when_the_key_was_removed():
    closed = sealed.seal("seed")
    with override_settings(FIELD_KEYS=OTHER_KEYS), pytest.raises(sealed.SealBroken):
        sealed.unseal(closed)


@pytest.mark.parametrize("keys", [[], ["short"], ["!" * 44]])
def test_seal_raises_improperly_configured_for_unusable_keys(keys):
    with override_settings(FIELD_KEYS=keys), pytest.raises(ImproperlyConfigured):
        sealed.seal("seed")


def test_a_credential_matches_itself_only():
    one, two = credentials.mint("ghs_"), credentials.mint("ghs_")
    assert credentials.matches(one.plain, one.digest)
    assert not credentials.matches(two.plain, one.digest)
    assert one.plain not in repr(one)


@pytest.mark.parametrize("text", ["", "\ud800", "ünïcödé"])
def test_credentials_matches_returns_false_for_any_other_text(text):
    assert not credentials.matches(text, credentials.mint("ghs_").digest)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (" Team ", "TEAM"),
        ("Straße", "STRAẞE"),
        ("é", "e\u0301"),
        ("ÅSA", "a\u030asa"),
        ("ΟΔΟΣ", "οδος"),
        ("οδοσ", "οδος"),
    ],
)
def test_text_key_is_the_same_for_two_spellings_of_a_name(one, two):
    assert text_key(one) == text_key(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Team 1", "Team ①"),
        ("Straße", "Strasse"),
        ("ﬁ", "fi"),
        ("Ａcme", "Acme"),
        ("½", "1/2"),
        ("x²", "x2"),
        ("ñ", "n"),
    ],
)
def test_text_key_differs_for_names_that_differ_in_compatibility_characters(one, two):
    assert text_key(one) != text_key(two)


@pytest.mark.parametrize(
    ("one", "two"), [(" Straße@a.test ", "STRASSE@a.test"), ("ﬁ", "FI"), ("Ａcme@a.test", "acme@a.test")]
)
def test_address_key_is_the_same_for_mailboxes_that_differ_in_compatibility_characters(one, two):
    assert address_key(one) == address_key(two)


@given(st.text(max_size=20))
def test_text_key_of_a_key_is_the_key(text):
    assert text_key(text_key(text)) == text_key(text)


@given(st.characters())
def test_folded_letter_is_as_long_as_its_canonical_form_at_most(letter):
    assert len(folded(letter)) <= len(unicodedata.normalize("NFD", letter))


@pytest.mark.parametrize("text", ["", "x" * 256, "Ünï"])
def test_exact_key_is_the_text_itself_while_an_index_can_hold_it(text):
    assert exact_key(text) == text


def test_exact_key_of_a_long_text_is_short_and_nobody_elses():
    long = "x" * 1024
    assert len(exact_key(long)) <= EXACT_KEY_LENGTH
    assert len({exact_key(long), exact_key(long + "x"), exact_key(exact_key(long))}) == 3


@pytest.mark.parametrize(
    ("address", "domain"), [("a@B.Example", "b.example"), ("a@b@c", "c"), ("nobody", ""), ("", "")]
)
def test_address_domain_is_the_part_after_the_last_at_sign(address, domain):
    assert address_domain(address) == domain


@pytest.mark.parametrize(
    ("name", "letters"), [("Nora Nilsen", "NN"), ("olga@acme.example", "OA"), ("", "?"), ("…", "?")]
)
def test_initials_are_made_from_a_name_or_address(name, letters):
    assert initials(name) == letters


def test_domain_error_has_a_default_public_sentence_and_its_own_text():
    assert (DomainError().public, str(DomainError("Because."))) == ("That can't be done.", "Because.")
    assert Actor.system().label == "Gatehouse"


def test_model_rows_have_readable_text(acme, olga, sign_in):
    sign_in(olga)
    people.suspend_membership(
        membership=people.create_membership(
            org=acme, profile=Profile("a@b.example"), origin=MembershipOrigin.SCIM, actor=ACTOR
        ),
        source=SuspensionSource.SCIM,
        actor=ACTOR,
    )
    assert str(acme) == "Acme"
    assert acme.initials == "A"
    assert str(Suspension.objects.get()) == "The identity provider"
    assert str(RoleGrant.objects.get()) == "Owner: Given by a person"
    assert str(MembershipAddress.objects.get(membership=olga)) == "olga@acme.example"
    assert str(SessionGrant.objects.get()).startswith("Password until ")
    assert str(OutboxEvent.objects.get()).startswith("invitation.mail ")
    assert (str(olga.user), olga.user.initials) == ("olga@acme.example", "OA")


def test_get_by_natural_key_finds_an_account_by_email_in_any_case(stranger):
    assert User.objects.get_by_natural_key("STRANGER@nowhere.example") == stranger


# the wall between tenants


class Editor:
    """What a migration writes to."""

    def __init__(self, vendor):
        self.connection = SimpleNamespace(vendor=vendor)
        self.statements = []

    def quote_name(self, name):
        return f'"{name}"'

    def execute(self, sql):
        self.statements.append(sql)


def written(vendor, act):
    from django.apps import apps

    editor, state = Editor(vendor), SimpleNamespace(apps=apps)
    getattr(TenantForeignKey("RoleGrant", "membership"), act)("orgs", editor, state, state)
    return editor.statements


def test_tenant_foreign_key_adds_a_constraint_with_the_organization():
    [sql] = written("postgresql", "database_forwards")
    assert 'FOREIGN KEY (org_id, "membership_id") REFERENCES "orgs_membership" (org_id, id)' in sql
    assert "INITIALLY DEFERRED" in sql


def test_tenant_foreign_key_backwards_drops_the_constraint():
    assert written("postgresql", "database_backwards") == [
        'ALTER TABLE "orgs_rolegrant" DROP CONSTRAINT IF EXISTS "tenant_rolegrant_membership"'
    ]


@pytest.mark.parametrize("act", ["database_forwards", "database_backwards"])
def test_tenant_foreign_key_writes_no_sql_on_sqlite(act):
    assert written("sqlite", act) == []


def test_tenant_foreign_key_describes_what_it_binds():
    operation = TenantForeignKey("RoleGrant", "membership")
    operation.state_forwards("orgs", None)
    assert operation.describe() == "Bind RoleGrant.membership to its organization"


@pytest.mark.parametrize("address", ["nora@münchen.example", "nora@MÜNCHEN.example", "nora@xn--mnchen-3ya.example"])
def test_address_domain_is_the_ascii_form(address):
    assert address_domain(address) == "xn--mnchen-3ya.example"


@pytest.mark.parametrize("address", ["nobody", "", "nora@" + "ü" * 80 + ".example"])
def test_address_domain_is_empty_without_a_valid_domain(address):
    assert address_domain(address) == ""


@pytest.mark.parametrize("name", ["bücher.example", "straße.example", "例え.example", "אבג.example", "acme.example"])
def test_domain_as_read_returns_the_unicode_form(name):
    assert domain_as_read(domain_key(name)) == name


@pytest.mark.parametrize("name", ["xn--a.example", "xn--.example", "a_b.example", ""])
def test_domain_as_read_returns_a_name_that_cannot_be_decoded_unchanged(name):
    assert domain_as_read(name) == name


def test_address_key_differs_for_two_domains_that_dns_distinguishes():
    assert address_key("bob@straße.example") != address_key("bob@strasse.example")


def test_address_key_is_the_same_for_unicode_and_ascii_spellings():
    assert address_key("BOB@MÜNCHEN.example ") == address_key("bob@xn--mnchen-3ya.example")


@pytest.mark.parametrize(
    ("address", "delivered"),
    [
        ("bob@straße.example", "bob@xn--strae-oqa.example"),
        ("Bob.Q@ACME.example", "Bob.Q@acme.example"),
        ("bob@xn--strae-oqa.example", "bob@xn--strae-oqa.example"),
        ("no-address", "no-address"),
        ("bob@not a domain", "bob@not a domain"),
    ],
)
def test_mail_address_has_the_ascii_domain_and_the_typed_local_part(address, delivered):
    assert mail_address(address) == delivered
