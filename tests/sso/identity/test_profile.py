"""Which attribute is the address and which the names."""

from dataclasses import replace

import pytest

from orgs.providers.registry import PROVIDERS
from orgs.providers.types import ProfileField
from sso.identity.errors import AttributesEncrypted, EmailAmbiguous, EmailInvalid, EmailMissing
from sso.identity.profile import AttributeNames, preview_profile, read_profile
from sso.identity.types import as_json, from_json
from tests.sso.saml.messages import GOOD_NAMES, accepted

NAMES = AttributeNames(("email", "mail"), ("firstname", "givenName"), ("lastname",), ("displayName",), "NameID")


def profile_of(attributes, name_id="u-17", names=NAMES):
    sent = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in attributes.items()}
    return read_profile(replace(accepted("jumpcloud_both"), attributes=sent, subject=name_id), names)


def test_each_field_says_from_where_it_came():
    found = profile_of({"email": "Uma@Acme.example", "firstname": "Uma", "lastname": "Ünal", "displayName": "Uma Ü."})
    assert (found.email, found.given_name, found.family_name, found.display_name) == (
        "uma@acme.example",
        "Uma",
        "Ünal",
        "Uma Ü.",
    )
    assert dict(found.sources) == {
        "email": "email",
        "given_name": "firstname",
        "family_name": "lastname",
        "display_name": "displayName",
    }


def test_the_first_name_that_has_a_value_counts():
    assert profile_of({"mail": "second@acme.example", "email": " "}).email == "second@acme.example"


def test_capitals_of_a_name_are_no_matter_unless_one_fits_to_the_letter():
    assert profile_of({"EMAIL": "a@acme.example", "email": "b@acme.example"}).email == "b@acme.example"
    assert profile_of({"EMail": "a@acme.example"}).email == "a@acme.example"


def test_an_address_shaped_name_id_stands_in():
    found = profile_of({}, name_id="Uma@acme.example")
    assert (found.email, found.sources["email"]) == ("uma@acme.example", "NameID")


def test_it_does_not_where_the_admin_named_an_attribute():
    with pytest.raises(EmailMissing):
        profile_of({}, "uma@acme.example", AttributeNames(email=("mail",)))


def test_a_name_id_that_is_no_address_does_not():
    with pytest.raises(EmailMissing) as refusal:
        profile_of({"memberOf": "x"})
    assert (refusal.value.expected, refusal.value.received) == ("email or mail", "memberOf")


def test_several_addresses_are_refused():
    with pytest.raises(EmailAmbiguous):
        profile_of({"email": ["a@acme.example", "b@acme.example"]})


@pytest.mark.parametrize("name_id", ["b@acme.example", "B@Acme.example"])
def test_of_several_addresses_the_one_that_is_the_name_id_counts(name_id):
    found = profile_of({"email": ["a@acme.example", "b@acme.example"]}, name_id)
    assert (found.email, found.sources["email"]) == ("b@acme.example", "email")


@pytest.mark.parametrize("name_id", ["c@acme.example", "u-17", "\N{KELVIN SIGN}a@acme.example"])
def test_several_addresses_are_refused_when_none_is_the_name_id(name_id):
    with pytest.raises(EmailAmbiguous):
        profile_of({"email": ["a@acme.example", "ka@acme.example"]}, name_id)


@pytest.mark.parametrize(
    "listed", ["a@acme.example;b@acme.example", "a@acme.example , b@acme.example", "a@acme.example;"]
)
def test_a_list_in_one_value_is_named_as_several_addresses(listed):
    with pytest.raises(EmailAmbiguous) as refused:
        profile_of({"email": listed}, "a@acme.example")
    assert refused.value.received == listed


@pytest.mark.parametrize("name", ["Email Address", "email address", "E-Mail Address", "EMAIL ADDRESS"])
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.code)
def test_an_address_may_come_under_a_name_of_two_words(provider, name):
    assert profile_of({name: "uma@acme.example"}, names=names_of(provider)).email == "uma@acme.example"


@pytest.mark.parametrize("name_id", ["ni\N{KELVIN SIGN}a@acme.example", "\N{EM SPACE}nika@acme.example"])
def test_a_look_alike_of_an_address_as_name_id_is_none(name_id):
    with pytest.raises(EmailMissing):
        profile_of({}, name_id)


def test_one_address_twice_is_one():
    assert profile_of({"email": ["a@acme.example", "A@acme.example "]}).email == "a@acme.example"


@pytest.mark.parametrize(
    "address",
    [
        "a@b@acme.example",
        "a b@acme.example",
        "a@acme.example\nb@evil.example",
        "ä@acme.example",
        "a@äcme.example",
        "a@",
        "@acme.example",
        "a@-acme.example",
        "a" * 65 + "@acme.example",
        f"a@{'x.' * 130}example",
        "<a@acme.example>",
        '"a"@acme.example',
        "a@[127.0.0.1]",
        "ni\N{KELVIN SIGN}a@acme.example",
        "nika@acme.example\N{NO-BREAK SPACE}",
        "\N{EM SPACE}nika@acme.example",
    ],
)
def test_what_is_no_plain_address_is_refused(address):
    with pytest.raises(EmailInvalid):
        profile_of({"email": address})


def test_names_are_one_line_of_what_can_be_shown():
    found = profile_of(
        {"email": "a@acme.example", "firstname": "  Uma \n Ü ", "lastname": "x\x07", "displayName": "n" * 300}
    )
    assert (found.given_name, found.family_name, len(found.display_name)) == ("Uma Ü", "", 200)


def names_of(provider):
    return AttributeNames(
        subject="NameID", **{str(field): tuple(provider.guide.aliases[field]) for field in ProfileField}
    )


@pytest.mark.parametrize("name", [one for one in GOOD_NAMES if "persistent" not in one])
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.code)
def test_every_vendors_vector_gives_an_address_under_every_provider(name, provider):
    found = read_profile(accepted(name), names_of(provider))
    assert found.email.endswith("@acme.example")


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_claims_come_back_from_json_as_they_were(name):
    import json

    claims = accepted(name)
    assert from_json(json.loads(json.dumps(as_json(claims)))) == claims


@pytest.mark.parametrize("addresses", [(), ("no address",), ("a@acme.example", "b@acme.example")])
def test_a_preview_shows_the_names_also_where_the_address_would_be_refused(addresses):
    sent = {"email": addresses, "firstname": ("Uma",)}
    found = preview_profile(replace(accepted("jumpcloud_both"), attributes=sent, subject="u-17"), NAMES)
    assert (found.email, found.given_name, dict(found.sources)) == ("", "Uma", {"given_name": "firstname"})


def test_a_preview_reads_what_a_sign_in_reads():
    claims = accepted("jumpcloud_both")
    assert preview_profile(claims, NAMES) == read_profile(claims, NAMES)


def test_missing_address_points_at_encryption_when_attributes_came_encrypted():
    hidden = replace(accepted("jumpcloud_both"), attributes={}, subject="u-17", encrypted_attributes=2)
    with pytest.raises(AttributesEncrypted) as refusal:
        read_profile(hidden, NAMES)
    assert (refusal.value.received, refusal.value.setting) == ("2 encrypted attributes", "encryption")
    assert preview_profile(hidden, NAMES).email == ""


def test_address_counts_when_other_attributes_came_encrypted():
    some = replace(accepted("jumpcloud_both"), attributes={"email": ("a@acme.example",)}, encrypted_attributes=1)
    assert read_profile(some, NAMES).email == "a@acme.example"


def test_counts_of_what_is_not_kept_are_kept_as_json():
    many = replace(accepted("jumpcloud_both"), left_out={"groups": 7}, encrypted_attributes=1)
    assert from_json(as_json(many)) == many
