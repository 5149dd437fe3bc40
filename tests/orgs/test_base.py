"""The ground that the topics stand on: sealed values, credentials, keys, names, and the wall between tenants."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from orgs.base import credentials, sealed
from orgs.base.actor import Actor
from orgs.base.errors import DomainError
from orgs.base.tenant_keys import TenantForeignKey
from orgs.base.text import address_domain, address_key, domain_as_read, domain_key, initials, mail_address, text_key
from orgs.events.models import OutboxEvent
from orgs.people import services as people
from orgs.people.types import Profile
from orgs.tenancy.models import MembershipAddress, RoleGrant, SessionGrant, Suspension, User
from orgs.tenancy.types import MembershipOrigin, SuspensionSource
from tests.factories import ACTOR

OTHER_KEYS = ["b3RoZXItdGVzdC1maWVsZC1rZXktMzItYnl0ZXMtbG8="]


def test_what_is_sealed_is_opened_by_the_same_keys():
    closed = sealed.seal("seed")
    assert "seed" not in closed
    assert sealed.unseal(closed) == "seed"


def test_an_older_key_still_opens(settings):
    closed = sealed.seal("seed")
    settings.FIELD_KEYS = OTHER_KEYS + settings.FIELD_KEYS
    assert sealed.unseal(closed) == "seed"


@pytest.mark.parametrize("spoil", [lambda text: text[:-4] + "AAAA", lambda text: "", lambda text: "nonsense"])
def test_an_altered_value_is_refused(spoil):
    with pytest.raises(sealed.SealBroken):
        sealed.unseal(spoil(sealed.seal("seed")))


def test_a_dropped_key_opens_nothing():
    closed = sealed.seal("seed")
    with override_settings(FIELD_KEYS=OTHER_KEYS), pytest.raises(sealed.SealBroken):
        sealed.unseal(closed)


@pytest.mark.parametrize("keys", [[], ["short"], ["!" * 44]])
def test_keys_that_cannot_be_used_stop_everything(keys):
    with override_settings(FIELD_KEYS=keys), pytest.raises(ImproperlyConfigured):
        sealed.seal("seed")


def test_a_credential_matches_itself_only():
    one, two = credentials.mint("ghs_"), credentials.mint("ghs_")
    assert credentials.matches(one.plain, one.digest)
    assert not credentials.matches(two.plain, one.digest)
    assert one.plain not in repr(one)


@pytest.mark.parametrize("text", ["", "\ud800", "ünïcödé"])
def test_any_text_can_be_compared(text):
    assert not credentials.matches(text, credentials.mint("ghs_").digest)


@pytest.mark.parametrize(("one", "two"), [(" Straße ", "STRASSE"), ("ﬁ", "FI"), ("Ａcme", "acme"), ("é", "e\u0301")])
def test_two_spellings_of_one_name_have_one_key(one, two):
    assert text_key(one) == text_key(two)


@pytest.mark.parametrize(
    ("address", "domain"), [("a@B.Example", "b.example"), ("a@b@c", "c"), ("nobody", ""), ("", "")]
)
def test_the_domain_follows_the_last_at(address, domain):
    assert address_domain(address) == domain


@pytest.mark.parametrize(
    ("name", "letters"), [("Nora Nilsen", "NN"), ("olga@acme.example", "OA"), ("", "?"), ("…", "?")]
)
def test_initials_stand_for_a_name(name, letters):
    assert initials(name) == letters


def test_an_error_has_a_code_and_a_sentence():
    assert (DomainError().public, str(DomainError("Because."))) == ("That can't be done.", "Because.")
    assert Actor.system().label == "Gatehouse"


def test_rows_are_named_for_support(acme, olga, sign_in):
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


def test_an_account_is_found_by_any_spelling_of_its_address(stranger):
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


def test_the_wall_binds_child_and_parent_to_one_organization():
    [sql] = written("postgresql", "database_forwards")
    assert 'FOREIGN KEY (org_id, "membership_id") REFERENCES "orgs_membership" (org_id, id)' in sql
    assert "INITIALLY DEFERRED" in sql


def test_the_wall_can_be_taken_down_again():
    assert written("postgresql", "database_backwards") == [
        'ALTER TABLE "orgs_rolegrant" DROP CONSTRAINT IF EXISTS "tenant_rolegrant_membership"'
    ]


@pytest.mark.parametrize("act", ["database_forwards", "database_backwards"])
def test_sqlite_has_no_wall(act):
    assert written("sqlite", act) == []


def test_the_wall_says_what_it_binds():
    operation = TenantForeignKey("RoleGrant", "membership")
    operation.state_forwards("orgs", None)
    assert operation.describe() == "Bind RoleGrant.membership to its organization"


@pytest.mark.parametrize("address", ["nora@münchen.example", "nora@MÜNCHEN.example", "nora@xn--mnchen-3ya.example"])
def test_the_domain_of_an_address_is_compared_in_ascii(address):
    assert address_domain(address) == "xn--mnchen-3ya.example"


@pytest.mark.parametrize("address", ["nobody", "", "nora@" + "ü" * 80 + ".example"])
def test_an_address_without_a_usable_domain_has_none(address):
    assert address_domain(address) == ""


@pytest.mark.parametrize("name", ["bücher.example", "straße.example", "例え.example", "אבג.example", "acme.example"])
def test_a_domain_is_read_in_the_letters_in_which_it_was_typed(name):
    assert domain_as_read(domain_key(name)) == name


@pytest.mark.parametrize("name", ["xn--a.example", "xn--.example", "a_b.example", ""])
def test_a_name_that_stands_for_no_letters_is_read_as_it_is(name):
    assert domain_as_read(name) == name


def test_two_domains_that_dns_tells_apart_are_two_addresses():
    assert address_key("bob@straße.example") != address_key("bob@strasse.example")


def test_spellings_of_one_address_have_one_key():
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
def test_mail_address_has_the_domain_of_the_key(address, delivered):
    assert mail_address(address) == delivered
