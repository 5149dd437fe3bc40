"""Which attribute is the address and which the names."""

from dataclasses import replace

import pytest

from orgs.providers.attributes import ProfileField
from orgs.providers.registry import PROVIDERS
from sso.identity.errors import AttributesEncrypted, EmailAmbiguous, EmailInvalid, EmailMissing
from sso.identity.profile import AttributeNames, preview_profile, read_profile
from sso.identity.types import as_json, from_json
from tests.sso.saml.messages import GOOD_NAMES, accepted

NAMES = AttributeNames(("email", "mail"), ("firstname", "givenName"), ("lastname",), ("displayName",), "NameID")


def profile_of(attributes, name_id="u-17", names=NAMES):
    sent = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in attributes.items()}
    return read_profile(replace(accepted("jumpcloud_both"), attributes=sent, subject=name_id), names)


def test_profile_names_the_source_of_each_field():
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


def test_profile_takes_the_first_attribute_name_with_a_value():
    assert profile_of({"mail": "second@acme.example", "email": " "}).email == "second@acme.example"


def test_attribute_names_match_in_any_case_but_an_exact_match_wins():
    assert profile_of({"EMAIL": "a@acme.example", "email": "b@acme.example"}).email == "b@acme.example"
    assert profile_of({"EMail": "a@acme.example"}).email == "a@acme.example"


def test_name_id_that_is_an_address_is_the_email_when_no_attribute_has_one():
    found = profile_of({}, name_id="Uma@acme.example")
    assert (found.email, found.sources["email"]) == ("uma@acme.example", "NameID")


def test_name_id_is_not_the_email_when_the_admin_named_an_attribute():
    with pytest.raises(EmailMissing):
        profile_of({}, "uma@acme.example", AttributeNames(email=("mail",)))


def test_name_id_that_is_no_address_is_not_the_email():
    with pytest.raises(EmailMissing) as refusal:
        profile_of({"memberOf": "x"})
    assert (refusal.value.expected, refusal.value.received) == ("email or mail", "memberOf")


def test_several_addresses_raise_email_ambiguous():
    with pytest.raises(EmailAmbiguous):
        profile_of({"email": ["a@acme.example", "b@acme.example"]})


@pytest.mark.parametrize("name_id", ["b@acme.example", "B@Acme.example"])
def test_address_equal_to_the_name_id_is_taken_from_several(name_id):
    found = profile_of({"email": ["a@acme.example", "b@acme.example"]}, name_id)
    assert (found.email, found.sources["email"]) == ("b@acme.example", "email")


@pytest.mark.parametrize("name_id", ["c@acme.example", "u-17", "\N{KELVIN SIGN}a@acme.example"])
def test_several_addresses_raise_email_ambiguous_when_none_is_the_name_id(name_id):
    with pytest.raises(EmailAmbiguous):
        profile_of({"email": ["a@acme.example", "ka@acme.example"]}, name_id)


@pytest.mark.parametrize(
    "listed", ["a@acme.example;b@acme.example", "a@acme.example , b@acme.example", "a@acme.example;"]
)
def test_list_of_addresses_in_one_value_raises_email_ambiguous(listed):
    with pytest.raises(EmailAmbiguous) as refused:
        profile_of({"email": listed}, "a@acme.example")
    assert refused.value.received == listed


@pytest.mark.parametrize("name", ["Email Address", "email address", "E-Mail Address", "EMAIL ADDRESS"])
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.code)
def test_email_is_found_under_an_attribute_name_of_two_words(provider, name):
    assert profile_of({name: "uma@acme.example"}, names=names_of(provider)).email == "uma@acme.example"


@pytest.mark.parametrize("name_id", ["ni\N{KELVIN SIGN}a@acme.example", "\N{EM SPACE}nika@acme.example"])
def test_name_id_that_only_looks_like_an_address_is_not_the_email(name_id):
    with pytest.raises(EmailMissing):
        profile_of({}, name_id)


def test_same_address_twice_is_one_email():
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
def test_text_that_is_no_plain_address_raises_email_invalid(address):
    with pytest.raises(EmailInvalid):
        profile_of({"email": address})


def test_names_are_reduced_to_one_printable_line_of_at_most_200_characters():
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
def test_every_good_vector_gives_an_email_under_every_provider(name, provider):
    found = read_profile(accepted(name), names_of(provider))
    assert found.email.endswith("@acme.example")


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_claims_are_the_same_after_a_round_trip_through_json(name):
    import json

    claims = accepted(name)
    assert from_json(json.loads(json.dumps(as_json(claims)))) == claims


@pytest.mark.parametrize("addresses", [(), ("no address",), ("a@acme.example", "b@acme.example")])
def test_preview_profile_has_names_even_when_the_email_would_be_refused(addresses):
    sent = {"email": addresses, "firstname": ("Uma",)}
    found = preview_profile(replace(accepted("jumpcloud_both"), attributes=sent, subject="u-17"), NAMES)
    assert (found.email, found.given_name, dict(found.sources)) == ("", "Uma", {"given_name": "firstname"})


def test_preview_profile_equals_read_profile_for_valid_claims():
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
